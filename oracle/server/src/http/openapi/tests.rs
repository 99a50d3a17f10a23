//! The description against the router, and against the copy in the documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::http;

/// Method and path of every route, from what the router shows of itself for debugging: axum has no other list.
fn routes() -> BTreeSet<(String, String)> {
    let shown = format!("{:?}", http::routes());
    let shown = shown.split("fallback_router: ").next().unwrap();
    let (handlers, paths) = shown.split_once("node: Node { paths: ").unwrap();
    let methods: BTreeMap<u32, &str> = by_id(handlers)
        .map(|(id, shown)| {
            let allowed = shown.split_once("allow_header: ").unwrap().1;
            (id, first_quoted(allowed))
        })
        .collect();
    let route = |(id, shown)| {
        let path = first_quoted(shown).to_owned();
        let methods = methods[&id].split(',').filter(|method| *method != "HEAD");
        methods.map(move |method| (method.to_lowercase(), path.clone())).collect::<Vec<_>>()
    };
    by_id(paths).flat_map(route).collect()
}

/// The entries of a shown map by the routes' ids.
fn by_id(shown: &str) -> impl Iterator<Item = (u32, &str)> {
    shown.split("RouteId(").skip(1).filter_map(|entry| {
        let (id, rest) = entry.split_once("): ")?;
        Some((id.parse().ok()?, rest))
    })
}

fn first_quoted(shown: &str) -> &str {
    shown.split('"').nth(1).unwrap()
}

#[test]
fn every_route_is_described_and_every_described_route_is_there() {
    let routes = routes();
    assert!(routes.len() > 20, "{routes:?}");
    let described: BTreeSet<_> =
        OPERATIONS.iter().map(|it| (it.method.to_owned(), it.path.to_owned())).collect();
    let missing: Vec<_> = routes.difference(&described).collect();
    assert!(missing.is_empty(), "not in http/openapi/operations.rs: {missing:?}");
    let invented: Vec<_> = described.difference(&routes).collect();
    assert!(invented.is_empty(), "in http/openapi/operations.rs, and nowhere else: {invented:?}");
}

/// A change of the API is a change of this file, which a reviewer sees. `EARNEST_UPDATE=1` writes it.
#[test]
fn the_description_is_the_one_in_the_documentation() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi-oracle.json");
    let text = format!("{:#}\n", document());
    if std::env::var_os("EARNEST_UPDATE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let differing = text.lines().zip(kept.lines()).find(|(new, old)| new != old);
    assert!(kept == text, "docs/openapi-oracle.json differs at {differing:?}; EARNEST_UPDATE=1 writes it");
}

#[test]
fn every_reference_leads_somewhere_and_every_id_is_used_once() {
    let document = document();
    let text = document.to_string();
    let schemas = &document["components"]["schemas"];
    for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(schemas[name].is_object(), "{name}");
    }
    let ids: BTreeSet<&str> = OPERATIONS.iter().map(|it| it.id).collect();
    assert_eq!(ids.len(), OPERATIONS.len());
}
