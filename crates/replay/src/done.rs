//! What came of a scenario of either kind, as a catalogue shows it.

use serde::{Deserialize, Serialize};
use terms::TimeRange;

use crate::market::MarketRecord;
use crate::record::{Check, Record, Split};

/// What came of a scenario. In JSON it is the record itself, whose fields tell which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Done {
    /// Of two parties and one escrow.
    Pair(Box<Record>),
    /// Of a market.
    Market(Box<MarketRecord>),
}

impl Done {
    /// Whether all holds that the file expects.
    pub fn passed(&self) -> bool {
        match self {
            Self::Pair(record) => record.passed,
            Self::Market(record) => record.passed,
        }
    }

    /// Each expectation, and whether it holds.
    pub fn checks(&self) -> &[Check] {
        match self {
            Self::Pair(record) => &record.checks,
            Self::Market(record) => &record.checks,
        }
    }

    /// The story in a line.
    pub fn title(&self) -> &str {
        match self {
            Self::Pair(record) => &record.scenario.title,
            Self::Market(record) => &record.scenario.title,
        }
    }

    /// Where the timeline is published.
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Pair(record) => record.scenario.source.as_deref(),
            Self::Market(record) => record.scenario.source.as_deref(),
        }
    }

    /// What was measured, from its begin to its end.
    pub fn window(&self) -> Option<TimeRange> {
        match self {
            Self::Pair(record) => Some(record.measurement.window),
            Self::Market(record) => {
                let (first, last) = (record.windows.first()?, record.windows.last()?);
                Some(TimeRange { start: first.start, end: last.end })
            }
        }
    }

    /// How it ended, in a few words.
    pub fn end_in_words(&self) -> String {
        match self {
            Self::Pair(record) => record.end_in_words(),
            Self::Market(record) => record.end_in_words(),
        }
    }

    /// For how long probes failed; of a market nothing, since there are many services.
    pub fn failing(&self) -> Option<String> {
        match self {
            Self::Pair(record) => record.failing(),
            Self::Market(_) => None,
        }
    }

    /// What closing transactions paid either side; of a market all together.
    pub fn paid(&self) -> Option<Split> {
        match self {
            Self::Pair(record) => record.payouts.paid,
            Self::Market(record) => record.paid(),
        }
    }

    /// The Bitcoin node's name and version.
    pub fn bitcoind(&self) -> &str {
        match self {
            Self::Pair(record) => &record.chain.bitcoind,
            Self::Market(record) => &record.chain.bitcoind,
        }
    }
}
