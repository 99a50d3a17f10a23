//! Which property of the samples becomes the outcome.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::units::{Ppm, UnixSeconds};

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
    /// A number in the answer, aggregated and scaled.
    Metric(Metric),
}

/// A number that each good answer carries, and how many of them become one.
///
/// A failed probe counts as the worst reading that the scale has: 0 where lower is worse; where higher is worse, the
/// scale's `max`, or the threshold of its last level. Otherwise a service could hide a bad reading by failing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Where the number stands in the answer.
    pub source: MetricSource,
    /// How readings become one.
    pub aggregate: Aggregate,
    /// What readings are multiplied by to get the unit of the outcome's scale; above 0.
    pub scale: Decimal,
}

/// Where a number stands in an answer's body. An answer without it is bad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MetricSource {
    /// In JSON, at this pointer (RFC 6901).
    Pointer(String),
    /// In Prometheus' text format: the one sample of this name that has these labels, among others it may have.
    Prometheus {
        /// The sample's name.
        name: String,
        /// Labels that it has, ascending by name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        labels: Vec<Label>,
    },
}

/// A label of a Prometheus sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// How readings become one: those of the window with `occurrences`, those of a slice with `ratio_timeslices`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Their mean, exact.
    Mean,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The last.
    Last,
    /// The middle one in order of size; of an even number, the smaller of the two in the middle.
    Median,
    /// The smallest that at least this share of them do not exceed (nearest rank).
    PercentilePpm(Ppm),
}

/// In words that stand before a noun: the `smallest` reading, the `99 % percentile`.
impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean"),
            Self::Min => f.write_str("smallest"),
            Self::Max => f.write_str("largest"),
            Self::Last => f.write_str("last"),
            Self::Median => f.write_str("median"),
            Self::PercentilePpm(share) => write!(f, "{} percentile", share.percent()),
        }
    }
}
