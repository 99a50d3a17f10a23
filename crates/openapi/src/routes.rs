//! The routes of a router, from what it shows of itself for debugging: axum has no other list. For tests.

use std::collections::{BTreeMap, BTreeSet};

/// Method, in lower case, and path of every route of an axum router that was written with `{:?}`.
///
/// # Panics
/// When the text is not that of such a router.
pub fn shown(router: &str) -> BTreeSet<(String, String)> {
    let shown = router.split("fallback_router: ").next().unwrap_or(router);
    let (handlers, paths) = shown.split_once("node: Node { paths: ").expect("a router shows its paths");
    let methods: BTreeMap<u32, &str> = by_id(handlers)
        .map(|(id, shown)| {
            let (_, allowed) = shown.split_once("allow_header: ").expect("a route shows its methods");
            (id, first_quoted(allowed))
        })
        .collect();
    let route = |(id, shown)| {
        let path = first_quoted(shown).to_owned();
        let methods = methods.get(&id).copied().unwrap_or_default();
        let methods = methods.split(',').filter(|method| !matches!(*method, "" | "HEAD"));
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
    shown.split('"').nth(1).unwrap_or_default()
}
