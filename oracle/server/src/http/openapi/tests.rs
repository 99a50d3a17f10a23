//! The description against the router, and against the copy in the documentation.

use std::collections::BTreeSet;

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

#[test]
fn the_description_is_whole_and_the_one_in_the_documentation() {
    let document = document();
    assert_eq!(openapi::faults(&document), Vec::<String>::new());
    openapi::assert_copied(&document, env!("CARGO_MANIFEST_DIR"), "openapi-oracle.json");
}
