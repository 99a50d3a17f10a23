//! What a good answer to an HTTP request looks like.

use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decimal::Decimal;
use crate::units::Hex32;

/// What a good answer looks like. All that are given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// The status code lies in `[status_from, status_to]`, or in one of `status_also`.
    pub status_from: u64,
    /// See `status_from`.
    pub status_to: u64,
    /// Other good status codes, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_also: Vec<StatusRange>,
    /// The body's SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<Hex32>,
    /// The body contains this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_contains: Option<String>,
    /// This regular expression matches somewhere in the body; [`pattern`] compiles it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_matches: Option<String>,
    /// The body is at least this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_min_bytes: Option<u64>,
    /// The body is at most this long; a longer one is bad, and is not read further.
    pub body_max_bytes: u64,
    /// The body is JSON that meets these conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub json: Vec<JsonCheck>,
    /// The body is JSON of this schema: JSON Schema 2020-12, of which `docs/terms.md` lists the keywords that may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<Value>,
    /// The server's certificate is valid for at least so many seconds more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_valid_s: Option<u64>,
}

/// A range of status codes, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusRange {
    /// Its first.
    pub from: u64,
    /// Its last.
    pub to: u64,
}

/// A condition on one value of a JSON body: exactly one of the three is given. A value that is not there meets none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonCheck {
    /// Where the value stands: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// It is this string, integer or boolean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Value>,
    /// It is a number, and at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Decimal>,
    /// It is a number, and at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Decimal>,
}

impl Expectations {
    /// A status code in `[status_from, status_to]` with a body of at most `body_max_bytes`, and nothing more.
    pub fn status(status_from: u64, status_to: u64, body_max_bytes: u64) -> Self {
        Self {
            status_from,
            status_to,
            status_also: Vec::new(),
            body_sha256: None,
            body_contains: None,
            body_matches: None,
            body_min_bytes: None,
            body_max_bytes,
            json: Vec::new(),
            json_schema: None,
            certificate_valid_s: None,
        }
    }

    /// Is this status code a good one?
    pub fn accepts_status(&self, code: u16) -> bool {
        let code = u64::from(code);
        (self.status_from..=self.status_to).contains(&code)
            || self.status_also.iter().any(|range| (range.from..=range.to).contains(&code))
    }

    /// Is anything about the body's bytes expected, besides that they are not too many?
    pub fn looks_at_body(&self) -> bool {
        self.body_sha256.is_some()
            || self.body_contains.is_some()
            || self.body_matches.is_some()
            || self.looks_at_json()
    }

    /// Must the body be JSON?
    pub fn looks_at_json(&self) -> bool {
        !self.json.is_empty() || self.json_schema.is_some()
    }
}

/// The largest program of a compiled pattern, in bytes; and as much for its cache.
const PATTERN_BYTES: usize = 1 << 20;

/// A regular expression of a document, compiled with the bounds that every document has.
///
/// The syntax is that of the crate `regex`, which takes time linear in the text. `^` and `$` are the text's ends. `None`
/// when it does not compile within the bounds.
pub fn pattern(text: &str) -> Option<Regex> {
    let mut builder = RegexBuilder::new(text);
    builder.size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES).nest_limit(32).build().ok()
}
