//! Canonical JSON (RFC 8785), and strict parsing of documents.

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
}

/// The largest document that is parsed, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// Parses JSON strictly: bounded size, no duplicate keys, no unknown fields, only integers up to `2^53 - 1`.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentError> {
    let _ = bytes;
    todo!()
}

/// The canonical form of a document.
///
/// # Panics
/// Never for the types of this crate: they hold no floats and no keys that are not strings.
pub fn bytes<T: Serialize>(document: &T) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(document).expect("documents hold only strings, integers, lists and objects")
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
