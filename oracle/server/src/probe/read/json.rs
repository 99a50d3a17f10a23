//! Values of a JSON document by their pointer (RFC 6901). Numbers keep their digits, since floats don't.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use terms::{Decimal, JsonCheck};

/// The value at a pointer. Where a key stands twice, the last counts, as in most readers.
pub(super) fn at<'a>(document: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    pointer.split('/').skip(1).try_fold(document, |value, step| {
        let step = step.replace("~1", "/").replace("~0", "~");
        let mut inside = serde_json::Deserializer::from_str(value.get());
        Step(&step).deserialize(&mut inside).ok().flatten()
    })
}

/// The number that a value is; `None` for another kind of value, and for a number that is too large.
pub(super) fn number(value: &RawValue) -> Option<Decimal> {
    let is_number = value.get().starts_with(|c: char| c == '-' || c.is_ascii_digit());
    if is_number { Decimal::from_number(value.get()) } else { None }
}

/// Does a document meet a condition? A value that is not there meets none.
pub(super) fn meets(document: &RawValue, check: &JsonCheck) -> bool {
    let Some(value) = at(document, &check.pointer) else {
        return false;
    };
    let equals = check.equals.as_ref().is_none_or(|expected| is(value, expected));
    let at_least = check.at_least.is_none_or(|least| number(value).is_some_and(|it| it >= least));
    let at_most = check.at_most.is_none_or(|most| number(value).is_some_and(|it| it <= most));
    equals && at_least && at_most
}

fn is(value: &RawValue, expected: &Value) -> bool {
    match expected {
        Value::Bool(expected) => value.get() == if *expected { "true" } else { "false" },
        // Spelled alike they are equal, also beyond the digits of a decimal.
        Value::Number(expected) => {
            let spelled = expected.to_string();
            value.get() == spelled
                || number(value).is_some_and(|it| Some(it) == Decimal::from_number(&spelled))
        }
        Value::String(expected) => {
            serde_json::from_str::<Cow<'_, str>>(value.get()).is_ok_and(|it| it == *expected)
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Finds one member of an object, or one item of a list, and passes over the others.
struct Step<'s>(&'s str);

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let wanted = index(self.0);
        let mut found = None;
        let mut position = 0;
        while let Some(item) = list.next_element::<&'de RawValue>()? {
            if Some(position) == wanted {
                found = Some(item);
            }
            position += 1;
        }
        Ok(found)
    }
}

/// The index of an item, in its one spelling.
fn index(step: &str) -> Option<usize> {
    step.parse().ok().filter(|index: &usize| index.to_string() == step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{
        "status": "\u006fk", "ready": true, "queue": [ { "length": 12.50 }, 7 ], "a/b": { "m~n": -0.1 },
        "exact": 123456789012345.123456789012345678, "huge": 1e40, "id": 9007199254740991, "text": "7", "ready": false
    }"#;

    fn found(pointer: &str) -> Option<&'static str> {
        at(serde_json::from_str(DOCUMENT).unwrap(), pointer).map(RawValue::get)
    }

    #[test]
    fn a_pointer_leads_to_the_value_as_it_is_written() {
        assert_eq!(found("/queue/0/length"), Some("12.50"));
        assert_eq!(found("/queue/1"), Some("7"));
        assert_eq!(found("/a~1b/m~0n"), Some("-0.1"));
        assert_eq!(found("/ready"), Some("false"));
        assert_eq!(found("").map(str::len), Some(DOCUMENT.len()));
        for nothing in
            ["/queue/2", "/queue/-", "/queue/01", "/queue/+1", "/status/0", "/none", "/queue/length"]
        {
            assert_eq!(found(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn numbers_keep_their_digits() {
        let read = |pointer| number(at(serde_json::from_str(DOCUMENT).unwrap(), pointer).unwrap());
        assert_eq!(read("/queue/0/length"), Decimal::parse("12.5"));
        // A float would have made 123456789012345.12 of it.
        assert_eq!(read("/exact"), Decimal::parse("123456789012345.123456789012345"));
        assert_eq!((read("/huge"), read("/text")), (None, None));
    }

    #[test]
    fn conditions_compare_values_not_spellings() {
        let meets = |json: &str| {
            let check: JsonCheck = serde_json::from_str(json).unwrap();
            super::meets(serde_json::from_str(DOCUMENT).unwrap(), &check)
        };
        assert!(meets(r#"{"pointer": "/status", "equals": "ok"}"#));
        assert!(meets(r#"{"pointer": "/ready", "equals": false}"#));
        assert!(meets(r#"{"pointer": "/queue/1", "equals": 7}"#));
        assert!(meets(r#"{"pointer": "/id", "equals": 9007199254740991}"#));
        assert!(!meets(r#"{"pointer": "/id", "equals": 9007199254740990}"#));
        assert!(!meets(r#"{"pointer": "/text", "equals": 7}"#));
        assert!(!meets(r#"{"pointer": "/queue/1", "equals": "7"}"#));
        assert!(meets(r#"{"pointer": "/queue/0/length", "at_least": "12.5"}"#));
        assert!(!meets(r#"{"pointer": "/queue/0/length", "at_least": "12.500000000000001"}"#));
        assert!(meets(r#"{"pointer": "/a~1b/m~0n", "at_most": "-0.1"}"#));
        assert!(!meets(r#"{"pointer": "/none", "at_most": "1"}"#));
    }

    #[test]
    fn nesting_costs_no_stack() {
        let deep = format!("{}1{}", r#"{"a":["#.repeat(200_000), "]}".repeat(200_000));
        let document: &RawValue = serde_json::from_str(&deep).unwrap();
        assert!(at(document, "/a/0/a/0/b").is_none());
        assert!(at(document, "/a/0/a").is_some());
    }
}
