//! The rules of a JSON Schema: small, and of keywords whose meaning nobody disputes.
//!
//! A schema comes from a stranger, and several oracles must come to the same judgement with it. So it has no references,
//! no combinations that multiply the work, and no patterns but those that take linear time.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::expect;
use crate::canonical::{self, DocumentError, ensure};

const MAX_BYTES: usize = 16 * 1024;
const MAX_DEPTH: usize = 8;

/// Checks a schema; paths start at it.
pub(super) fn check(schema: &Value) -> Result<(), DocumentError> {
    ensure(canonical::bytes(schema).len() <= MAX_BYTES, "document", "must be at most 16384 bytes long")?;
    ensure(depth_holds(schema, MAX_DEPTH), "document", "must be nested at most 8 levels deep")?;
    subschema(schema)
}

fn depth_holds(value: &Value, left: usize) -> bool {
    let inside = |value: &Value| left > 0 && depth_holds(value, left - 1);
    match value {
        Value::Array(list) => left > 0 && list.iter().all(inside),
        Value::Object(fields) => left > 0 && fields.values().all(inside),
        _ => true,
    }
}

fn subschema(schema: &Value) -> Result<(), DocumentError> {
    let Value::Object(keywords) = schema else {
        return Err(DocumentError::new("document", "must be an object of keywords"));
    };
    keywords.iter().try_for_each(|(keyword, value)| check_keyword(keyword, value, keywords))
}

fn check_keyword(keyword: &str, value: &Value, all: &Map<String, Value>) -> Result<(), DocumentError> {
    match keyword {
        "type" => ensure(is_type(value), keyword, "must be the name of a type, or a list of different ones"),
        "properties" => properties(value).map_err(|error| error.within(keyword)),
        "items" => subschema(value).map_err(|error| error.within(keyword)),
        "additionalProperties" if value.is_boolean() => Ok(()),
        "additionalProperties" => subschema(value).map_err(|error| error.within(keyword)),
        "required" => ensure(is_names(value), keyword, "must be a list of different names"),
        "enum" => ensure(value.as_array().is_some_and(|list| !list.is_empty()), keyword, "must be a list"),
        "const" => Ok(()),
        "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" => {
            ensure(value.is_u64(), keyword, "must be an integer")
        }
        "uniqueItems" => {
            let bounded = all.get("maxItems").and_then(Value::as_u64).is_some_and(|most| most <= 1000);
            ensure(value.is_boolean(), keyword, "must be true or false")?;
            ensure(bounded, keyword, "needs maxItems of at most 1000: each item is compared with each other")
        }
        "pattern" => match value {
            Value::String(text) => expect::regex(keyword, text),
            _ => Err(DocumentError::new(keyword, "must be a regular expression")),
        },
        "title" | "description" => ensure(value.is_string(), keyword, "must be a text"),
        _ => Err(DocumentError::new(keyword, "is a keyword that measurements don't have")),
    }
}

fn properties(value: &Value) -> Result<(), DocumentError> {
    let Value::Object(properties) = value else {
        return Err(DocumentError::new("document", "must be an object of schemas"));
    };
    // Names stand in paths of errors, which stand in terminals and logs.
    let quotable = properties.keys().all(|name| !name.chars().any(char::is_control));
    ensure(quotable, "document", "must have names without control characters")?;
    properties.iter().try_for_each(|(name, schema)| subschema(schema).map_err(|error| error.within(name)))
}

fn is_type(value: &Value) -> bool {
    let names = ["array", "boolean", "integer", "null", "number", "object", "string"];
    let is_name = |value: &Value| value.as_str().is_some_and(|name| names.contains(&name));
    is_name(value) || (is_names(value) && value.as_array().is_some_and(|list| list.iter().all(is_name)))
}

/// A list of strings, none twice, at least one.
fn is_names(value: &Value) -> bool {
    let Some(list) = value.as_array() else {
        return false;
    };
    let mut seen = BTreeSet::new();
    !list.is_empty() && list.iter().all(|name| name.as_str().is_some_and(|name| seen.insert(name)))
}
