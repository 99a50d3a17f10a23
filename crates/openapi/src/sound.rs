//! What every description must be: whole in itself, and the one in the documentation. For tests.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// What is wrong with a description: each reference that leads nowhere, and each `operationId` that is used twice.
pub fn faults(document: &Value) -> Vec<String> {
    let text = document.to_string();
    let schemas = &document["components"]["schemas"];
    let named = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
    let dangling: BTreeSet<&str> = named.filter(|name| !schemas[*name].is_object()).collect();
    let dangling = dangling.into_iter().map(|name| format!("no schema is registered for {name}"));
    let (mut seen, mut twice) = (BTreeSet::new(), Vec::new());
    for id in ids(document) {
        if !seen.insert(id) {
            twice.push(format!("the operationId {id} is used twice"));
        }
    }
    dangling.chain(twice).collect()
}

fn ids(document: &Value) -> impl Iterator<Item = &str> {
    let paths = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let operations = paths.filter_map(Value::as_object).flat_map(|methods| methods.values());
    operations.filter_map(|operation| operation["operationId"].as_str())
}

/// A change of an API is a change of the copy of its description in `docs`, which a reviewer sees. With the environment
/// variable `EARNEST_UPDATE` the copy is written anew. `crate_folder` is that of a crate two levels below the repository.
///
/// # Panics
/// When the copy differs, with the first line that does; or when it cannot be written.
pub fn assert_copied(document: &Value, crate_folder: &str, name: &str) {
    let file = Path::new(crate_folder).join("../../docs").join(name);
    let text = format!("{document:#}\n");
    if std::env::var_os("EARNEST_UPDATE").is_some() {
        std::fs::write(&file, &text).expect("the copy can be written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let differing = text.lines().zip(kept.lines()).find(|(new, old)| new != old);
    assert!(kept == text, "docs/{name} differs at {differing:?}; EARNEST_UPDATE=1 writes it");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_to_nothing_and_an_id_that_is_used_twice_are_faults() {
        let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let mut document = json!({
            "paths": {
                "/a": { "get": { "operationId": "a", "x": reference("There") } },
                "/b": { "post": { "operationId": "b", "x": reference("There") } },
            },
            "components": { "schemas": { "There": {} } },
        });
        assert_eq!(faults(&document), Vec::<String>::new());
        document["paths"]["/b"]["post"]["operationId"] = "a".into();
        document["paths"]["/a"]["get"]["x"] = reference("Nowhere");
        let told = ["no schema is registered for Nowhere", "the operationId a is used twice"];
        assert_eq!(faults(&document), told);
    }
}
