//! What an oracle writes into its public log, one leaf each.
//!
//! The log outlives every bundle: what stands in it was said at that time, and can't be said otherwise later.

use serde::{Deserialize, Serialize};
use terms::{EventId, Hex32, Outcome, UnixSeconds};

use crate::slice::SliceVerdict;

/// One leaf of an oracle's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// A slice has ended.
    Slice {
        /// The event.
        event_id: EventId,
        /// What the slice came to, with the hash of its samples.
        verdict: SliceVerdict,
    },
    /// A window is closed: the provisional outcome, open to objection until maturity.
    Closed {
        /// The event.
        event_id: EventId,
        /// The root over the verdicts of all its slices.
        root: Hex32,
        /// How many slices that are.
        slices: u64,
        /// What will be signed.
        outcome: Outcome,
    },
    /// An event was attested.
    Attested {
        /// The event.
        event_id: EventId,
        /// The attestation, as the hex of its TLV record.
        attestation: String,
    },
    /// An event's attestation is withheld for good.
    Withheld {
        /// The event.
        event_id: EventId,
        /// Since when.
        at: UnixSeconds,
        /// Why, in the operator's words.
        reason: String,
    },
}

impl Entry {
    /// The leaf: canonical JSON.
    pub fn leaf(&self) -> Vec<u8> {
        terms::canonical::bytes(self)
    }
}
