//! Canonical JSON (RFC 8785), and strict parsing of documents.
//!
//! A document may arrive with its keys in any order and with any white space: what gets hashed is
//! its canonical form. Everything else about it must be exact, because two readers that
//! understand one document differently would sign different contracts.

mod exact;
mod strict;

use std::fmt::Write as _;

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// Why a document was refused: the field, and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct DocumentError {
    /// The path of the field, such as `window.end`; `document` for the whole.
    pub field: String,
    /// The rule, in words.
    pub rule: String,
}

impl DocumentError {
    /// The rule that a field breaks.
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into() }
    }

    /// The same error, seen from a document that holds this one in a field.
    ///
    /// ```
    /// # use terms::DocumentError;
    /// let inner = DocumentError::new("window.end", "must come after window.start");
    /// assert_eq!(inner.within("measurement").field, "measurement.window.end");
    /// ```
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        let field = if self.field == WHOLE { outer.to_owned() } else { format!("{outer}.{}", self.field) };
        Self { field, ..self }
    }
}

/// The largest document that is parsed, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// The deepest that lists and objects may be nested.
pub const MAX_DEPTH: usize = 16;

/// The field of an error that concerns the whole document.
const WHOLE: &str = "document";

/// The longest text of an error; what it quotes may come from a stranger.
const MAX_QUOTED_CHARS: usize = 400;

/// Parses JSON strictly: bounded size, no duplicate keys, no unknown fields, only integers up to `2^53 - 1`.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentError> {
    parse_within(bytes, MAX_DOCUMENT_BYTES)
}

/// As [`parse`], with another bound on the size.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn parse_within<T: DeserializeOwned>(bytes: &[u8], most_bytes: usize) -> Result<T, DocumentError> {
    if bytes.len() > most_bytes {
        return Err(DocumentError::new(WHOLE, format!("is longer than {most_bytes} bytes")));
    }
    strict::check(bytes)?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| refusal(&error))
}

/// As [`parse`], and what was written must be what is meant: no `null` or empty list where the field
/// should be left out, no list where an object belongs.
///
/// So the hash of a document is the SHA-256 of its RFC 8785 form, whoever computes it with
/// whatever tool, without knowing the document's types.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn parse_exact<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, DocumentError> {
    let document: T = parse(bytes)?;
    let written: serde_json::Value = parse(bytes)?;
    let meant =
        serde_json::to_value(&document).map_err(|_| DocumentError::new(WHOLE, "can't be written again"))?;
    match exact::first_difference(&written, &meant) {
        Some((field, rule)) => Err(DocumentError::new(field, rule)),
        None => Ok(document),
    }
}

/// The canonical form of a document.
///
/// # Panics
/// Never for the types of this crate: they hold no floats and no keys that are not strings.
pub fn bytes<T: Serialize>(document: &T) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(document)
        .expect("documents hold only strings, integers, lists and objects")
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// One rule: `field` breaks it unless it `holds`.
pub(crate) fn ensure(holds: bool, field: &str, rule: &str) -> Result<(), DocumentError> {
    if holds { Ok(()) } else { Err(DocumentError::new(field, rule)) }
}

/// Turns serde's answer into a field and a rule. Serde names an unknown or missing field only in its text,
/// and gives the path of the object around it.
fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> DocumentError {
    let mut field = match error.path().to_string() {
        path if path == "." => String::new(),
        path => path,
    };
    let text = error.inner().to_string();
    let rule = match named_field(&text) {
        Some((kind, name, rest)) => {
            // Within a plain object the path ends with an unknown field already; within an enum it does not.
            if kind == "missing field" || field.rsplit('.').next() != Some(name) {
                let _ = write!(field, "{}{name}", if field.is_empty() { "" } else { "." });
            }
            format!("{kind}{rest}")
        }
        None => text,
    };
    if field.is_empty() {
        WHOLE.clone_into(&mut field);
    }
    DocumentError::new(quotable(&field), quotable(&rule))
}

/// Splits "unknown field `x`, expected ..." and "missing field `x` at ..." into kind, `x` and the rest.
fn named_field(text: &str) -> Option<(&'static str, &str, &str)> {
    ["unknown field", "missing field"].into_iter().find_map(|kind| {
        let (name, rest) = text.strip_prefix(kind)?.strip_prefix(" `")?.split_once('`')?;
        Some((kind, name, rest))
    })
}

/// Bounds a text, and keeps control characters out of terminals and logs.
fn quotable(text: &str) -> String {
    text.chars()
        .take(MAX_QUOTED_CHARS)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}
