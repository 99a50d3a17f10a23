//! What many windows come to.

use std::collections::BTreeMap;

use serde::Serialize;
use terms::{Outcome, OutcomeValue};

/// How an escrow ends, as far as the payout depends on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A number was attested.
    Value(OutcomeValue),
    /// A level was attested.
    Level(String),
    /// The oracle attested that it could not measure enough.
    Indeterminate,
    /// The oracle stayed silent: price and bond went back.
    Refund,
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Value(value) => Self::Value(value),
            Outcome::Level(name) => Self::Level(name),
            Outcome::Indeterminate => Self::Indeterminate,
        }
    }
}

impl Ending {
    /// What was attested; `None` where nothing was.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Value(value) => Some(Outcome::Value(*value)),
            Self::Level(name) => Some(Outcome::Level(name.clone())),
            Self::Indeterminate => Some(Outcome::Indeterminate),
            Self::Refund => None,
        }
    }
}

/// How many windows ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    runs: u64,
    endings: BTreeMap<Ending, u64>,
    up_ms: u128,
}

impl Distribution {
    /// Counts one more window, in which the service was up for so long.
    pub(crate) fn add(&mut self, ending: Ending, up_ms: u64) {
        self.runs += 1;
        self.up_ms += u128::from(up_ms);
        *self.endings.entry(ending).or_default() += 1;
    }

    /// Adds the windows of another part of the same simulation.
    pub fn merge(&mut self, other: Self) {
        self.runs += other.runs;
        self.up_ms += other.up_ms;
        for (ending, count) in other.endings {
            *self.endings.entry(ending).or_default() += count;
        }
    }

    /// How many windows there were.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Every ending with the number of its windows, values ascending.
    pub fn endings(&self) -> impl Iterator<Item = (&Ending, u64)> {
        self.endings.iter().map(|(ending, count)| (ending, *count))
    }

    /// For how long the service was up in all windows together, in milliseconds; maintenance counts as any other time.
    pub fn up_ms(&self) -> u128 {
        self.up_ms
    }
}
