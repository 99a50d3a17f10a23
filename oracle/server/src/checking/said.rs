//! What a log says of each event, entry by entry.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{Entry, LoggedVantage, SliceVerdict};
use serde::{Deserialize, Serialize};
use terms::{EventId, Hex32, Outcome, canonical};

/// What the chain over an event's verdicts begins with.
const START: Hex32 = Hex32([0; 32]);

/// Everything that the entries so far said of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// What it said when the event was announced; older versions said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<Announced>,
    /// How many slices it has the verdicts of.
    pub slices: u64,
    /// A hash over those verdicts: that of the one before, and the verdict's leaf, each time.
    pub chain: Hex32,
    /// What its closed window came to.
    pub closed: Option<Closed>,
    /// The attestation's TLV, hex.
    pub attested: Option<String>,
    /// That it will never be attested.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
}

/// What was fixed when an event was announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    /// SHA-256 of the announcement's TLV record.
    pub announcement_sha256: Hex32,
    /// What the seed of the probes' moments hashes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed_commitment: Option<Hex32>,
    /// Who measures, where that is not the oracle alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vantages: Vec<LoggedVantage>,
}

/// What a closed window came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The root over its slices.
    pub root: Hex32,
    /// How many they are.
    pub slices: u64,
    /// The outcome.
    pub outcome: Outcome,
}

/// What the log must not say.
#[derive(Debug, thiserror::Error)]
pub enum SaidError {
    /// Bytes that are no entry, or not written as entries are.
    #[error("is no entry that this program knows, in canonical JSON")]
    Unknown,
    /// Slices are closed one after the other.
    #[error("{event}: is slice {got}, where slice {expected} comes next")]
    Slice {
        /// The event.
        event: EventId,
        /// The next one.
        expected: u64,
        /// The one in the log.
        got: u64,
    },
    /// The window was closed with another number of slices than were published.
    #[error("{event}: closes a window of {closed} slices, of which {published} stand in the log")]
    Count {
        /// The event.
        event: EventId,
        /// What the entry says.
        closed: u64,
        /// What the log has.
        published: u64,
    },
    /// What is done once stands there twice, or in the wrong order.
    #[error("{event}: {what}")]
    Order {
        /// The event.
        event: EventId,
        /// What is wrong.
        what: &'static str,
    },
}

/// What a log said of all events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// Of those that are not over.
    pub open: BTreeMap<EventId, Said>,
    /// Those that were attested and checked at an earlier time: nothing more may be said of them.
    pub over: BTreeSet<EventId>,
}

impl Events {
    /// Takes an entry in.
    ///
    /// # Errors
    /// When nothing may be said after what was.
    pub fn hear(&mut self, leaf: &[u8]) -> Result<(), SaidError> {
        let entry: Entry = serde_json::from_slice(leaf).map_err(|_| SaidError::Unknown)?;
        if entry.leaf() != leaf {
            return Err(SaidError::Unknown);
        }
        match entry {
            Entry::Announced { event_id, announcement_sha256, seed_commitment, vantages, .. } => {
                let announced = Announced { announcement_sha256, seed_commitment, vantages };
                self.of(&event_id)?.announce(event_id, announced)
            }
            Entry::Slice { event_id, verdict } => self.of(&event_id)?.slice(event_id, &verdict),
            Entry::Closed { event_id, root, slices, outcome } => {
                self.of(&event_id)?.close(event_id, Closed { root, slices, outcome })
            }
            Entry::Attested { event_id, attestation } => self.of(&event_id)?.attest(event_id, attestation),
            Entry::Withheld { event_id, .. } => self.of(&event_id)?.withhold(event_id),
        }
    }

    fn of(&mut self, event: &EventId) -> Result<&mut Said, SaidError> {
        if self.over.contains(event) {
            let what = "was attested before, and nothing comes after that";
            return Err(SaidError::Order { event: event.clone(), what });
        }
        Ok(self.open.entry(event.clone()).or_default())
    }
}

/// Nothing yet: the chain begins with zeros.
impl Default for Said {
    fn default() -> Self {
        Self { announced: None, slices: 0, chain: START, closed: None, attested: None, withheld: false }
    }
}

impl Said {
    fn announce(&mut self, event: EventId, announced: Announced) -> Result<(), SaidError> {
        if *self != Self::default() {
            return Err(SaidError::Order {
                event,
                what: "announced a second time, or after its first slice",
            });
        }
        self.announced = Some(announced);
        Ok(())
    }

    fn slice(&mut self, event: EventId, verdict: &SliceVerdict) -> Result<(), SaidError> {
        if self.closed.is_some() {
            return Err(SaidError::Order { event, what: "a slice after its window was closed" });
        }
        if verdict.index != self.slices {
            return Err(SaidError::Slice { event, expected: self.slices, got: verdict.index });
        }
        self.slices += 1;
        self.chain = link(self.chain, verdict);
        Ok(())
    }

    fn close(&mut self, event: EventId, closed: Closed) -> Result<(), SaidError> {
        if self.closed.is_some() {
            return Err(SaidError::Order { event, what: "its window is closed a second time" });
        }
        if closed.slices != self.slices {
            return Err(SaidError::Count { event, closed: closed.slices, published: self.slices });
        }
        self.closed = Some(closed);
        Ok(())
    }

    fn withhold(&mut self, event: EventId) -> Result<(), SaidError> {
        if self.attested.is_some() || self.withheld {
            return Err(SaidError::Order { event, what: "withheld after it was attested, or a second time" });
        }
        self.withheld = true;
        Ok(())
    }

    fn attest(&mut self, event: EventId, attestation: String) -> Result<(), SaidError> {
        let what = match (&self.closed, &self.attested) {
            _ if self.withheld => "attested although its attestation was withheld for good",
            (None, _) => "attested before its window was closed",
            (_, Some(before)) if *before == attestation => {
                "attested a second time, with the same attestation"
            }
            (_, Some(_)) => {
                "attested a second time, with another attestation: `earnest-oracle prove` takes both"
            }
            (Some(_), None) => {
                self.attested = Some(attestation);
                return Ok(());
            }
        };
        Err(SaidError::Order { event, what })
    }
}

/// The chain over these verdicts.
pub fn chain(verdicts: &[SliceVerdict]) -> Hex32 {
    verdicts.iter().fold(START, link)
}

fn link(before: Hex32, verdict: &SliceVerdict) -> Hex32 {
    Hex32(canonical::sha256(&[&before.0[..], &verdict.leaf()].concat()))
}
