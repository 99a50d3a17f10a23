//! The scenario for readers, with what went wrong by plan.

use serde::{Deserialize, Serialize};
use terms::{TimeRange, UnixSeconds};

use crate::scenario::Phase;
use crate::seen::Seen;

/// The scenario, for readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// The file's name without its ending.
    pub name: String,
    /// The story in a line.
    pub title: String,
    /// Where the timeline is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// What went wrong by plan.
    pub phases: Vec<PhaseRecord>,
    /// What went wrong with processes, lines, clocks and the chain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultRecord>,
    /// The service whose published schedule the agreement follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
}

/// One planned disturbance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// From when.
    pub start: UnixSeconds,
    /// Until when.
    pub end: UnixSeconds,
    /// Whom it hits: `service`, or `oracle` where its own connection is lost.
    pub who: String,
    /// What, in words.
    pub what: String,
    /// In the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the oracle saw of it, where it lived to publish that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// One fault of a process, a line, a clock or the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// Whom it hit: `provider`, `buyer`, `oracle`, `chain` or `network`.
    pub who: String,
    /// What, in words.
    pub what: String,
    /// When it was to begin, in words.
    pub when: String,
    /// In the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it began; `None` where it never did, or is no moment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<UnixSeconds>,
    /// When it ended, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<UnixSeconds>,
}

impl PhaseRecord {
    /// What was planned.
    pub fn of(phase: &Phase) -> Self {
        Self {
            start: phase.range.start,
            end: phase.range.end,
            who: phase.condition.who().to_owned(),
            what: phase.condition.to_string(),
            note: phase.note.clone(),
            seen: None,
        }
    }

    /// When.
    pub fn range(&self) -> TimeRange {
        TimeRange { start: self.start, end: self.end }
    }
}
