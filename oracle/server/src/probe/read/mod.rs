//! Reading answers: JSON and Prometheus' text, without losing a digit.
//!
//! Everything here is a stranger's: what it takes is linear in the answer's length, and never recursive.

mod json;
mod prometheus;
mod schema;

use serde_json::value::RawValue;
use terms::{Decimal, JsonCheck, MetricSource};

use super::cause::Cause;
pub(super) use schema::Schema;

/// A JSON document, checked to be one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json<'a>(&'a RawValue);

impl<'a> Json<'a> {
    /// Reads a body as JSON.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Cause> {
        serde_json::from_slice(body).map(Self).map_err(|_| Cause::NotJson)
    }

    /// Which of these conditions is the first that it does not meet, counted from 1.
    pub(super) fn fault_of(self, checks: &[JsonCheck]) -> Option<Cause> {
        let broken = checks.iter().position(|check| !json::meets(self.0, check))?;
        Some(Cause::Json(u8::try_from(broken + 1).unwrap_or(u8::MAX)))
    }
}

/// The number that an answer carries.
///
/// # Errors
/// When it carries none, several, or one that is no number of ours.
pub(super) fn reading(source: &MetricSource, body: &[u8]) -> Result<Decimal, Cause> {
    match source {
        MetricSource::Pointer(pointer) => {
            let found = json::at(Json::parse(body)?.0, pointer).ok_or(Cause::NoReading)?;
            json::number(found).ok_or(Cause::NotANumber)
        }
        MetricSource::Prometheus { name, labels } => prometheus::reading(body, name, labels),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(json: &str) -> MetricSource {
        serde_json::from_str(json).unwrap()
    }

    proptest! {
        /// Pages of the format's own characters, so that each branch of its parser is met.
        #[test]
        fn no_page_of_metrics_is_misread(page in r#"(a|aa|\{|\}|=|"|,|\\|n| |1|-2.5|NaN|\n){0,60}"#) {
            let source = source(r#"{ "prometheus": { "name": "a" } }"#);
            let lines = page.lines().filter(|line| line.trim_start().starts_with('a')).count();
            match reading(&source, page.as_bytes()) {
                Ok(_) | Err(Cause::NotANumber) => prop_assert!(lines >= 1),
                Err(Cause::SeveralReadings) => prop_assert!(lines >= 2),
                Err(cause) => prop_assert_eq!(cause, Cause::NoReading),
            }
        }

        /// What a pointer finds is what a whole parse of the document finds.
        #[test]
        fn a_pointer_finds_what_a_whole_parse_finds(
            document in r#"(\{"a":){0,3}(\[|[0-9]|"b"|,|\]|\}|null){0,6}\}{0,3}"#,
            pointer in "(/a|/0|/1){0,4}",
        ) {
            let read = reading(&source(&format!(r#"{{ "pointer": "{pointer}" }}"#)), document.as_bytes());
            let whole = serde_json::from_str::<serde_json::Value>(&document);
            let expected = match &whole {
                Err(_) => Err(Cause::NotJson),
                Ok(whole) => match whole.pointer(&pointer) {
                    None => Err(Cause::NoReading),
                    Some(serde_json::Value::Number(number)) => Ok(number.to_string()),
                    Some(_) => Err(Cause::NotANumber),
                },
            };
            prop_assert_eq!(read.map(|value| value.to_string()), expected);
        }
    }
}
