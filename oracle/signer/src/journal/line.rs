//! One line of the journal.

use bitcoin::hashes::{Hash as _, sha256};
use serde::{Deserialize, Serialize};
use terms::{EventId, Hex32};

/// The format's version.
pub(super) const VERSION: u64 = 1;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Entry {
    /// The first line: the format, and whose journal this is.
    Opened { v: u64, key: Hex32 },
    /// An event is about to be announced.
    Announced { event: EventId, commitment: Hex32 },
    /// An outcome is about to be signed.
    Authorised { event: EventId, outcome: Hex32 },
    /// The database has come this far.
    Mark { mark: u64 },
    /// The event may have been signed before everything was rolled back: it is never signed again.
    Abandoned { event: EventId },
    /// Stands in backups alone: whatever is announced or signed from here on, this copy does not know.
    Copied {},
    /// The operator's word: the database with this mark shall be used.
    Trusted { mark: u64 },
}

/// A line: its entry, and the hash of the line before it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    prev: Hex32,
    entry: Entry,
}

/// What the first line has for a predecessor.
pub(super) const GENESIS: Hex32 = Hex32([0; 32]);

/// The line's bytes, with the newline.
///
/// # Panics
/// Never: a line holds only strings and integers.
pub(super) fn encode(prev: Hex32, entry: &Entry) -> Vec<u8> {
    let line = Line { prev, entry: entry.clone() };
    let mut bytes = serde_json::to_vec(&line).expect("a line holds only strings and integers");
    bytes.push(b'\n');
    bytes
}

/// The entry of a line that follows `prev`, in its only valid encoding; `None` otherwise.
pub(super) fn decode(prev: Hex32, bytes: &[u8]) -> Option<Entry> {
    let line: Line = serde_json::from_slice(bytes).ok()?;
    (encode(prev, &line.entry) == bytes).then_some(line.entry)
}

/// What the next line has for a predecessor.
pub(super) fn hash(bytes: &[u8]) -> Hex32 {
    Hex32(sha256::Hash::hash(bytes).to_byte_array())
}
