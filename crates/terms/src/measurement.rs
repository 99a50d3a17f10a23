//! The measurement: what an oracle will measure, public, and named by its hash.

use serde::{Deserialize, Serialize};

use crate::canonical::{self, DocumentError};
use crate::units::{EventId, Hex32, OutcomeValue, Ppm, UnixSeconds};

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

/// What is probed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// An `http` or `https` URL, named as the service's users name it.
    pub url: String,
    /// `GET` or `HEAD`.
    pub method: String,
    /// A probe without a whole answer after this time is bad.
    pub timeout_ms: u64,
    /// What a good answer looks like.
    pub expect: Expectations,
}

/// What a good answer looks like. All that are given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// The status code lies in `[status_from, status_to]`.
    pub status_from: u64,
    /// See `status_from`.
    pub status_to: u64,
    /// The body's SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<Hex32>,
    /// The body contains this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_contains: Option<String>,
    /// The body is at most this long; a longer one is bad, and is not read further.
    pub body_max_bytes: u64,
}

/// Which property of the samples becomes the outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Indicator {
    /// Unavailability in ppm.
    Availability {},
    /// Share in ppm that was slower than the threshold (a failed probe counts as slow).
    Latency {
        /// A good answer takes at most this long.
        threshold_ms: u64,
        /// With timeslices: the percentile of a slice's latencies that is compared with the threshold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        percentile_ppm: Option<Ppm>,
    },
    /// Units after the deadline until the delivery first checked; rounded as the document says.
    Lateness {
        /// The moment by which the delivery must be there.
        deadline: UnixSeconds,
        /// The unit in seconds.
        unit_s: u64,
    },
    /// A reading from the answer's body, aggregated and scaled. Not supported yet: refused by name.
    Metric {
        /// A JSON pointer (RFC 6901) to the number.
        pointer: String,
        /// The reading is multiplied by this before it becomes an integer.
        scale: u64,
    },
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

/// A side to round to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Towards the larger integer: "below 99.9 %" is breached by 1000.5 ppm.
    Up,
    /// Towards the smaller integer: "99.9 % or less" is not.
    Down,
}

/// The outcome's scale: a number in base 2, or one of a few named levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scale {
    /// A number.
    Numeric(NumericScale),
    /// A level.
    Enum(EnumScale),
}

/// A number of `digits` base-2 digits, unsigned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumericScale {
    /// The unit, as the announcement states it: `ppm`, `h` ...
    pub unit: String,
    /// The number of base-2 digits, n.
    pub digits: u64,
    /// The largest value; readings above it are clamped to it.
    pub max: OutcomeValue,
    /// R, of the form `2^n - 2^k`: this and every value above it mean "indeterminate".
    pub indeterminate_from: OutcomeValue,
    /// Which direction is worse for the buyer.
    pub worse: Worse,
}

/// Which direction of a scale is worse for the buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worse {
    /// More is worse: downtime, lateness.
    Higher,
    /// Less is worse: tokens per second.
    Lower,
}

/// A few named levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnumScale {
    /// The levels by ascending threshold; the first starts at 0.
    pub levels: Vec<Level>,
    /// The name of the level that means "indeterminate".
    pub indeterminate: String,
    /// Which direction of the thresholds is worse for the buyer.
    pub worse: Worse,
}

/// One named level of an enum scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Its name, which the oracle signs.
    pub name: String,
    /// The smallest reading that it covers.
    pub from: OutcomeValue,
}

/// What an oracle attests, before it is encoded as digits or as a level's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A value of a numeric scale, at most its `max`.
    Value(OutcomeValue),
    /// A level of an enum scale.
    Level(String),
    /// The oracle itself could not measure enough.
    Indeterminate,
}

impl Measurement {
    /// Parses and checks a measurement.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let measurement: Self = canonical::parse(bytes)?;
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
        todo!()
    }

    /// The number of probe indices in the window: one every `probe_every_ms`.
    pub fn probe_count(&self) -> u64 {
        (self.window.end.0 - self.window.start.0) * 1000 / self.probe_every_ms
    }
}

impl Scale {
    /// The strings an oracle signs for an outcome: `n` digits "0"/"1", most significant first, or one level name.
    /// Values above `max` are clamped to it; indeterminate is `2^n - 1`, or the level of that name.
    ///
    /// Returns `None` when the outcome is not one of this scale (a level for a number, an unknown level).
    pub fn encode(&self, outcome: &Outcome) -> Option<Vec<String>> {
        let _ = outcome;
        todo!()
    }

    /// The outcome that signed strings stand for; `None` when they are none of this scale's.
    /// Every value from `indeterminate_from` reads as [`Outcome::Indeterminate`].
    pub fn decode(&self, outcomes: &[String]) -> Option<Outcome> {
        let _ = outcomes;
        todo!()
    }

    /// The outcome for an integer reading (already rounded): clamped to `max`, or the level that covers it.
    pub fn classify(&self, reading: u64) -> Outcome {
        let _ = reading;
        todo!()
    }
}
