//! The measurement: what an oracle will measure, public, and named by its hash.

mod expect;
mod indicator;
mod rules;
mod target;

use serde::{Deserialize, Serialize};

use crate::canonical::{self, DocumentError};
pub use crate::scale::{EnumScale, Level, NumericScale, Outcome, Scale, Worse};
use crate::units::{EventId, Ppm, UnixSeconds};
pub use expect::{Expectations, JsonCheck, StatusRange, pattern};
pub use indicator::{Aggregate, Indicator, Label, Metric, MetricSource};
pub use target::{DnsTarget, Header, HeartbeatTarget, HttpTarget, RecordType, Target, TcpTarget, TlsTarget};

/// What an oracle will measure, and how it turns samples into one outcome. Version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// The document's version: 1.
    pub v: u64,
    /// What is probed, and what a good answer looks like.
    pub target: Target,
    /// Which property of the samples becomes the outcome.
    pub indicator: Indicator,
    /// The window `[start, end)`; its end is the locktime of the contract's CETs.
    pub window: TimeRange,
    /// Length of a slice in seconds; divides the window.
    pub slice_s: u64,
    /// Time between two probes of one vantage in milliseconds; divides the slice.
    pub probe_every_ms: u64,
    /// How slices (or requests) add up.
    pub method: Method,
    /// How many vantages must agree out of how many.
    pub quorum: Quorum,
    /// From how many bad probes in a row on an outage counts, and how many good ones end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
    /// Times that do not count (maintenance), ascending, disjoint, inside the window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusions: Vec<TimeRange>,
    /// The least number of decided probes for a slice to count as measured.
    pub least_samples: u64,
    /// More than this share of unmeasured slices makes the outcome indeterminate.
    pub indeterminate_above_ppm: Ppm,
    /// The side to which the outcome is rounded, once, at the end.
    pub rounding: Rounding,
    /// The outcome's scale.
    pub outcome: Scale,
}

/// A half-open range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    /// Its first second.
    pub start: UnixSeconds,
    /// The second after its last.
    pub end: UnixSeconds,
}

impl TimeRange {
    /// Its length; 0 when it ends before it starts.
    pub fn seconds(&self) -> u64 {
        self.end.0.saturating_sub(self.start.0)
    }

    /// Whether a moment lies in it.
    pub fn contains(&self, moment: UnixSeconds) -> bool {
        (self.start..self.end).contains(&moment)
    }
}

/// Budgeting methods, as OpenSLO names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Method {
    /// A slice is bad when more than `bad_above_ppm` of its probes are; the outcome is the share of bad slices.
    Timeslices {
        /// The share of bad probes that a good slice may have.
        bad_above_ppm: Ppm,
    },
    /// The mean of the slices' error rates.
    RatioTimeslices {},
    /// Bad probes over all probes.
    Occurrences {},
}

/// How many vantages must agree out of how many, probe by probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    /// This many must say the same for a probe to be decided; more than half.
    pub agree: u64,
    /// This many probe.
    pub vantages: u64,
}

/// From when on an outage counts, and when it is over. Both are runs of decided probes; undecided ones are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// So many bad probes in a row are an outage, from the first of them on. Fewer are none, and count as good.
    pub bad: u64,
    /// So many good probes in a row end an outage, from the first of them on. Fewer don't, and count as bad.
    pub good: u64,
}

/// A side to round to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Towards the larger integer: "below 99.9 %" is breached by 1000.5 ppm.
    Up,
    /// Towards the smaller integer: "99.9 % or less" is not.
    Down,
}

impl Measurement {
    /// Parses and checks a measurement.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let measurement: Self = canonical::parse_exact(bytes)?;
        measurement.validate()?;
        Ok(measurement)
    }

    /// The canonical form (RFC 8785), which is what gets hashed.
    pub fn canonical(&self) -> Vec<u8> {
        canonical::bytes(self)
    }

    /// The id of the event that this measurement defines.
    pub fn event_id(&self) -> EventId {
        EventId::from_digest(canonical::sha256(&self.canonical()))
    }

    /// Checks every rule that the fields must obey together.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn validate(&self) -> Result<(), DocumentError> {
        rules::check(self)
    }

    /// The number of probe indices in the window: one every `probe_every_ms`. 0 for a window that no document has.
    pub fn probe_count(&self) -> u64 {
        let window_ms = self.window.seconds().saturating_mul(1000);
        window_ms.checked_div(self.probe_every_ms).unwrap_or(0)
    }

    /// The number of slices in the window, those in exclusions included. 0 for a window that no document has.
    pub fn slice_count(&self) -> u64 {
        self.window.seconds().checked_div(self.slice_s).unwrap_or(0)
    }

    /// The number of probe indices in one slice. 0 for a slice that no document has.
    pub fn probes_per_slice(&self) -> u64 {
        self.slice_s.saturating_mul(1000).checked_div(self.probe_every_ms).unwrap_or(0)
    }
}
