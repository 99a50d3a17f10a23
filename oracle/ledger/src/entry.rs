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
    /// An event stands announced: what could be chosen is chosen from here on.
    Announced {
        /// The event.
        event_id: EventId,
        /// Since when.
        at: UnixSeconds,
        /// SHA-256 of the announcement's TLV record.
        announcement_sha256: Hex32,
        /// What the seed of the probes' moments will have to hash to; absent where nothing is left to chance.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed_commitment: Option<Hex32>,
        /// Who measures, where that is not the oracle alone.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        vantages: Vec<LoggedVantage>,
    },
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

/// A place that measures an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedVantage {
    /// Its name in samples.
    pub name: String,
    /// The key that signs what it saw; absent for the oracle's own place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Hex32>,
}

impl Entry {
    /// The leaf: canonical JSON.
    pub fn leaf(&self) -> Vec<u8> {
        terms::canonical::bytes(self)
    }
}
