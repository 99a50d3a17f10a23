//! The rules of what a good answer looks like.

use serde_json::Value;

use super::{names, schema, target};
use crate::canonical::{DocumentError, ensure};
use crate::measurement::{Expectations, JsonCheck, StatusRange, pattern};

const MAX_BODY_BYTES: u64 = 16 * 1024 * 1024;
const MAX_TEXT_BYTES: usize = 1024;
const MAX_PATTERN_BYTES: usize = 512;
const MAX_STATUS_RANGES: usize = 8;
const MAX_JSON_CHECKS: usize = 16;
const NO_BODY: &str = "must be left out: an answer to HEAD has no body";

/// Checks expectations; `head` says that the answer has no body.
pub(super) fn check(expect: &Expectations, head: bool) -> Result<(), DocumentError> {
    statuses(expect)?;
    ensure(expect.body_max_bytes <= MAX_BODY_BYTES, "body_max_bytes", "must be at most 16777216 (16 MiB)")?;
    target::certificate(expect.certificate_valid_s)?;
    if head {
        return no_body(expect);
    }
    texts(expect)?;
    ensure(expect.json.len() <= MAX_JSON_CHECKS, "json", "must be at most 16")?;
    for (index, condition) in expect.json.iter().enumerate() {
        json(condition).map_err(|error| error.within(&format!("json[{index}]")))?;
    }
    let Some(given) = &expect.json_schema else {
        return Ok(());
    };
    schema::check(given).map_err(|error| error.within("json_schema"))
}

fn statuses(expect: &Expectations) -> Result<(), DocumentError> {
    let codes = 100..=599;
    ensure(codes.contains(&expect.status_from), "status_from", "must be from 100 to 599")?;
    ensure(codes.contains(&expect.status_to), "status_to", "must be from 100 to 599")?;
    ensure(expect.status_from <= expect.status_to, "status_to", "must not be below status_from")?;
    ensure(expect.status_also.len() <= MAX_STATUS_RANGES, "status_also", "must be at most 8 ranges")?;
    let main = StatusRange { from: expect.status_from, to: expect.status_to };
    let mut last = None;
    for (index, range) in expect.status_also.iter().enumerate() {
        status_range(*range, main, last).map_err(|error| error.within(&format!("status_also[{index}]")))?;
        last = Some(range.to);
    }
    Ok(())
}

fn status_range(range: StatusRange, main: StatusRange, last: Option<u64>) -> Result<(), DocumentError> {
    ensure((100..=599).contains(&range.from), "from", "must be from 100 to 599")?;
    ensure((100..=599).contains(&range.to), "to", "must be from 100 to 599")?;
    ensure(range.from <= range.to, "to", "must not be below from")?;
    ensure(last.is_none_or(|last| last < range.from), "from", "must come after the range before it")?;
    let apart = range.to < main.from || main.to < range.from;
    ensure(apart, "from", "must not overlap status_from to status_to")
}

fn no_body(expect: &Expectations) -> Result<(), DocumentError> {
    let looks = [
        ("body_sha256", expect.body_sha256.is_some()),
        ("body_contains", expect.body_contains.is_some()),
        ("body_matches", expect.body_matches.is_some()),
        ("body_min_bytes", expect.body_min_bytes.is_some()),
        ("json", !expect.json.is_empty()),
        ("json_schema", expect.json_schema.is_some()),
    ];
    looks.into_iter().try_for_each(|(field, given)| ensure(!given, field, NO_BODY))
}

fn texts(expect: &Expectations) -> Result<(), DocumentError> {
    if let Some(text) = &expect.body_contains {
        let length = (1..=MAX_TEXT_BYTES).contains(&text.len());
        ensure(length, "body_contains", "must be 1 to 1024 bytes long")?;
        let fits = text.len() as u64 <= expect.body_max_bytes;
        ensure(fits, "body_contains", "must fit into body_max_bytes")?;
    }
    if let Some(text) = &expect.body_matches {
        regex("body_matches", text)?;
    }
    let least = expect.body_min_bytes;
    ensure(least != Some(0), "body_min_bytes", "must be at least 1, or be left out")?;
    let fits = least.is_none_or(|least| least <= expect.body_max_bytes);
    ensure(fits, "body_min_bytes", "must not be above body_max_bytes")
}

/// A regular expression that compiles within bounds.
pub(super) fn regex(field: &str, text: &str) -> Result<(), DocumentError> {
    ensure((1..=MAX_PATTERN_BYTES).contains(&text.len()), field, "must be 1 to 512 bytes long")?;
    ensure(pattern(text).is_some(), field, "must be a regular expression that compiles within 1 MiB")
}

fn json(condition: &JsonCheck) -> Result<(), DocumentError> {
    let JsonCheck { pointer, equals, at_least, at_most } = condition;
    names::pointer("pointer", pointer)?;
    let given = [equals.is_some(), at_least.is_some(), at_most.is_some()];
    let one = given.into_iter().filter(|given| *given).count() == 1;
    ensure(one, "document", "must have one of equals, at_least and at_most")?;
    let is_scalar = match equals {
        None | Some(Value::Bool(_) | Value::Number(_)) => true,
        Some(Value::String(text)) => text.len() <= MAX_TEXT_BYTES,
        Some(Value::Null | Value::Array(_) | Value::Object(_)) => false,
    };
    ensure(is_scalar, "equals", "must be a string of at most 1024 bytes, an integer or a boolean")
}
