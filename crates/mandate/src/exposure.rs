//! What is committed already.

use std::collections::BTreeMap;

use terms::{Hex32, Sat};

/// What live escrows lock of the own coins, by counterparty. An escrow counts from the moment it is
/// accepted until its end is final.
///
/// Sums saturate: a history that overflows allows nothing more, rather than something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    by_counterparty: BTreeMap<Hex32, u64>,
    unsigned: u64,
}

impl Exposure {
    /// Nothing is committed.
    pub fn none() -> Self {
        Self::default()
    }

    /// Counts one live escrow.
    pub fn add(&mut self, counterparty: Hex32, locked: Sat) {
        let sum = self.by_counterparty.entry(counterparty).or_default();
        *sum = sum.saturating_add(locked.0);
    }

    /// Says of one of the live escrows counted that its contract is not signed yet, and that a buyer began it.
    pub fn add_unsigned(&mut self, locked: Sat) {
        self.unsigned = self.unsigned.saturating_add(locked.0);
    }

    /// The live escrows that buyers began and that are not signed yet.
    pub fn unsigned(&self) -> Sat {
        Sat(self.unsigned)
    }

    /// All live escrows together.
    pub fn locked(&self) -> Sat {
        Sat(self.by_counterparty.values().fold(0, |sum, sat| sum.saturating_add(*sat)))
    }

    /// The live escrows with one counterparty.
    pub fn locked_with(&self, counterparty: &Hex32) -> Sat {
        Sat(self.by_counterparty.get(counterparty).copied().unwrap_or(0))
    }
}

impl FromIterator<(Hex32, Sat)> for Exposure {
    fn from_iter<I: IntoIterator<Item = (Hex32, Sat)>>(live: I) -> Self {
        let mut exposure = Self::none();
        live.into_iter().for_each(|(counterparty, locked)| exposure.add(counterparty, locked));
        exposure
    }
}
