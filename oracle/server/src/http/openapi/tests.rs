//! The description against the router, and against the copy in the documentation.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::http;

#[test]
fn every_route_is_described_and_every_described_route_is_there() {
    let routes = openapi::routes::shown(&format!("{:?}", http::routes()));
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
    let differs = openapi::file_differs(&document(), &file);
    assert_eq!(differs, None, "docs/openapi-oracle.json differs; EARNEST_UPDATE=1 writes it");
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
