//! What judging an answer may take, estimated before it is done: a stranger chooses the expressions, and the body.

use regex::bytes::RegexBuilder;
use serde_json::Value;
use terms::{Expectations, MetricSource};

/// A judgement of at most so many steps does not hold up others: well below a tenth of a second.
pub(super) const LIGHT: u64 = 1 << 28;
/// One of more steps than this, some seconds, is not made at all.
pub(super) const MOST: u64 = 1 << 34;

/// Looking for a text or a line: one pass.
const PASS: u64 = 16;
/// Each step of a pointer passes over the document again.
const POINTER_STEP: u64 = 4;
/// A schema compares items with each other.
const SCHEMA: u64 = 4_096;

/// The steps for each byte of a body, at most. An expression can take as many for a byte as its program is long.
pub(super) fn steps_per_byte(expect: &Expectations, source: Option<&MetricSource>) -> u64 {
    let mut patterns: Vec<&str> = expect.body_matches.iter().map(String::as_str).collect();
    if let Some(schema) = &expect.json_schema {
        add_patterns(schema, &mut patterns);
    }
    let pointers = expect.json.iter().map(|check| check.pointer.as_str()).chain(match source {
        Some(MetricSource::Pointer(pointer)) => Some(pointer.as_str()),
        _ => None,
    });
    let steps: usize = pointers.map(|pointer| 1 + pointer.matches('/').count()).sum();
    let programs: u64 = patterns.into_iter().map(program_bytes).sum();
    PASS + POINTER_STEP * steps as u64 + if expect.json_schema.is_some() { SCHEMA } else { 0 } + programs
}

/// Every expression of a schema. A value that only looks like one makes the estimate larger, and nothing else.
fn add_patterns<'a>(schema: &'a Value, patterns: &mut Vec<&'a str>) {
    match schema {
        Value::Object(members) => {
            patterns.extend(members.get("pattern").and_then(Value::as_str));
            members.values().for_each(|value| add_patterns(value, patterns));
        }
        Value::Array(items) => items.iter().for_each(|value| add_patterns(value, patterns)),
        _ => {}
    }
}

/// The length of an expression's program, rounded up to a power of two; `terms` allows no longer one than 1 MiB.
fn program_bytes(pattern: &str) -> u64 {
    let fits = |limit: &usize| RegexBuilder::new(pattern).size_limit(*limit).nest_limit(32).build().is_ok();
    (12..20).map(|bits| 1_usize << bits).find(fits).unwrap_or(1 << 20) as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn steps(change: impl FnOnce(&mut Expectations)) -> u64 {
        let mut expect = Expectations::status(200, 200, 1 << 20);
        change(&mut expect);
        steps_per_byte(&expect, None)
    }

    #[test]
    fn what_takes_long_is_told_from_what_does_not_by_the_expressions() {
        assert_eq!(steps(|_| ()), PASS);
        let plain = steps(|it| it.body_matches = Some("all is (well|fine)".to_owned()));
        let bomb = steps(|it| it.body_matches = Some("1[01]{3000}x".to_owned()));
        assert!(plain * (16 << 10) < LIGHT, "{plain}");
        assert!(bomb << 20 > MOST, "{bomb}");
        let hidden = json!({ "type": "object", "properties": { "a": { "type": "string", "pattern": "1[01]{3000}x" } } });
        assert_eq!(steps(|it| it.json_schema = Some(hidden)), bomb + SCHEMA);
    }
}
