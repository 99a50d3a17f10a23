//! JSON Schema, of which measurements have a small part: no references, no combinations, patterns in linear time.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use crate::probe::cause::Cause;

/// The largest program of a compiled pattern, in bytes, as everywhere in a measurement.
const PATTERN_BYTES: usize = 1 << 20;

/// A schema, compiled.
#[derive(Debug)]
pub(in crate::probe) struct Schema(Validator);

impl Schema {
    /// Compiles a schema that a measurement may have; `None` when it is none.
    pub(in crate::probe) fn compile(schema: &Value) -> Option<Self> {
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
        let options = jsonschema::options().with_draft(Draft::Draft202012).offline();
        options.with_pattern_options(patterns).build(schema).ok().map(Self)
    }

    /// What is wrong with a body. The parser goes 128 levels deep and no further.
    pub(in crate::probe) fn fault_of(&self, body: &[u8]) -> Option<Cause> {
        match serde_json::from_slice(body) {
            Ok(value) if self.0.is_valid(&value) => None,
            Ok(_) => Some(Cause::JsonSchema),
            Err(_) => Some(Cause::NotJson),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_is_judged_by_its_schema() {
        let schema = json!({
            "type": "object", "required": ["rows"],
            "properties": { "rows": { "type": "array", "maxItems": 2, "items": { "type": "string", "pattern": "^[a-z]+$" } } }
        });
        let schema = Schema::compile(&schema).unwrap();
        assert_eq!(schema.fault_of(br#"{"rows": ["a", "bc"]}"#), None);
        assert_eq!(schema.fault_of(br#"{"rows": ["a", "B"]}"#), Some(Cause::JsonSchema));
        assert_eq!(schema.fault_of(b"{}"), Some(Cause::JsonSchema));
        assert_eq!(schema.fault_of(b"{"), Some(Cause::NotJson));
        assert_eq!(schema.fault_of("[".repeat(100_000).as_bytes()), Some(Cause::NotJson));
    }

    #[test]
    fn a_pattern_that_ruins_backtracking_matchers_is_harmless() {
        let schema = Schema::compile(&json!({ "type": "string", "pattern": "^(a+)+$" })).unwrap();
        let text = format!("\"{}!\"", "a".repeat(100_000));
        assert_eq!(schema.fault_of(text.as_bytes()), Some(Cause::JsonSchema));
    }
}
