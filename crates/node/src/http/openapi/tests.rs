//! The description against the router with its guards, and against the copy in the documentation.

use std::collections::BTreeMap;

use openapi::Way;

use super::*;
use crate::http::access::Access;
use crate::http::owner::{open, routes};

type Routes = BTreeMap<(String, String), Vec<Way>>;

fn ways(access: Access) -> Vec<Way> {
    let scoped = |name| Way::Scoped("token", name);
    match access {
        Access::Owner => vec![scoped("owner")],
        Access::Scoped(scope) => vec![scoped(scope.name())],
        Access::Committing => vec![scoped("buy"), scoped("provide")],
    }
}

/// Method and path of every route, with who its guard lets through.
fn there() -> Routes {
    let shown = |router: &axum::Router<_>| openapi::routes::shown(&format!("{router:?}"));
    let mut there: Routes = shown(&open()).into_iter().map(|route| (route, Vec::new())).collect();
    let whole = routes(|access, group| {
        there.extend(shown(&group).into_iter().map(|route| (route, ways(access))));
        group
    });
    assert_eq!(shown(&whole), there.keys().cloned().collect(), "a route that no guard stands before");
    there
}

fn described() -> Routes {
    let entry = |it: &Operation| ((it.method.to_owned(), it.path.to_owned()), it.auth.to_vec());
    operations().iter().map(entry).collect()
}

#[test]
fn every_route_is_described_with_who_may_use_it_and_no_other_is() {
    let (there, described) = (there(), described());
    assert!(there.len() > 30, "{there:?}");
    let missing: Vec<_> = there.iter().filter(|(route, _)| !described.contains_key(*route)).collect();
    assert!(missing.is_empty(), "not in http/openapi: {missing:?}");
    let wrong: Vec<_> = described.iter().filter(|(route, auth)| there.get(*route) != Some(*auth)).collect();
    assert!(wrong.is_empty(), "in http/openapi, and not so in the router: {wrong:?}");
    assert_eq!(operations().len(), described.len(), "one operation is described twice");
}

#[test]
fn every_post_takes_an_idempotency_key_and_a_body() {
    for post in operations().iter().filter(|it| it.method == "post") {
        assert!(post.parameters.iter().any(|it| it.name == owner::IDEMPOTENCY_KEY), "{}", post.path);
        assert!(post.body.is_some(), "{}", post.path);
    }
}

#[test]
fn the_description_is_whole_and_the_one_in_the_documentation() {
    let document = document();
    assert_eq!(openapi::faults(&document), Vec::<String>::new());
    openapi::assert_copied(&document, env!("CARGO_MANIFEST_DIR"), "openapi-node.json");
}
