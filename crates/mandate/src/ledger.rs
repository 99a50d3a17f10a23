//! What was committed lately, under a time that never runs backwards.

use std::collections::VecDeque;

use terms::{Hex32, UnixSeconds};

use crate::history::{Source, Spent};

/// An hour in seconds.
pub const HOUR_S: u64 = 3_600;
/// A day in seconds.
pub const DAY_S: u64 = 86_400;

/// The commitments of the last 24 hours. Rows of a store, which the caller keeps in the same order.
///
/// Its time is the latest that it was ever told: a clock that is set back frees nothing, and what is committed under it
/// is stamped with the later time. A clock that jumps ahead is believed, as everywhere in Earnest; when it comes back,
/// what was committed meanwhile counts until the clock has caught up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    spent: VecDeque<Spent>,
    latest: u64,
}

impl Ledger {
    /// From stored rows, the oldest first.
    pub fn from_rows(rows: impl IntoIterator<Item = Spent>) -> Self {
        let mut ledger = Self::default();
        rows.into_iter().for_each(|row| ledger.record(row));
        ledger
    }

    /// The moment with which something that is committed now is stamped.
    pub fn time(&self, now: UnixSeconds) -> UnixSeconds {
        UnixSeconds(self.latest.max(now.0))
    }

    /// Adds what was stored, stamped with [`Ledger::time`]; forgets what no ceiling counts any more.
    pub fn record(&mut self, spent: Spent) {
        self.latest = self.latest.max(spent.at.0);
        self.spent.push_back(spent);
        let latest = self.latest;
        while self.spent.front().is_some_and(|oldest| oldest.at.0.saturating_add(DAY_S) < latest) {
            self.spent.pop_front();
        }
    }

    /// Forgets a payment that was never made after all.
    pub fn forget(&mut self, payment: Hex32) {
        self.spent.retain(|spent| spent.source != Source::Payment(payment));
    }

    /// What is still counted, the oldest first.
    pub fn spent(&self) -> impl Iterator<Item = &Spent> {
        self.spent.iter()
    }
}
