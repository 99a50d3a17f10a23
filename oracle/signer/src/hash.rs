//! Tagged hashes, as BIP340 defines them.

use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};
use terms::{EventId, Hex32};

/// `SHA-256(SHA-256(tag) || SHA-256(tag) || parts...)`.
pub(crate) fn tagged(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = sha256::Hash::hash(tag.as_bytes());
    let mut engine = sha256::Hash::engine();
    engine.input(&tag[..]);
    engine.input(&tag[..]);
    parts.iter().for_each(|part| engine.input(part));
    sha256::Hash::from_engine(engine).to_byte_array()
}

/// What the journal keeps of an outcome. Each string's length precedes it, so that no two outcomes
/// are the same bytes.
pub(crate) fn outcome(event_id: &EventId, outcomes: &[String]) -> Hex32 {
    let mut bytes = Vec::new();
    for text in std::iter::once(event_id.as_str()).chain(outcomes.iter().map(String::as_str)) {
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    Hex32(tagged("earnest/oracle/outcome/v1", &[&bytes]))
}
