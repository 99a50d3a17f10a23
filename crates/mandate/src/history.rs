//! What is committed already.

use std::collections::BTreeMap;

use terms::{Hex32, Sat, UnixSeconds};

/// A live escrow: it counts from the moment it is accepted until its end is final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// The other party's identity key.
    pub counterparty: Hex32,
    /// What it holds of the own coins, fees included.
    pub locked: Sat,
    /// The measured service, by its host.
    pub service: String,
    /// The own bond in it; nothing for a buyer.
    pub bond: Sat,
    /// Whether a buyer began it and its contract is not signed yet.
    pub unsigned: bool,
    /// The delegated key that did it.
    pub key: Option<String>,
}

/// Something that was committed at a moment: an escrow, what it came to cost more, a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// When, in the ledger's time.
    pub at: UnixSeconds,
    /// How much.
    pub sat: Sat,
    /// What it was for.
    pub source: Source,
    /// The delegated key that did it.
    pub key: Option<String>,
}

/// What something was committed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An escrow, by its id.
    Escrow(Hex32),
    /// A payment, by its transaction id as explorers show it.
    Payment(Hex32),
}

/// Everything that limits are measured against.
///
/// Sums saturate: a history that overflows allows nothing more, rather than something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The live escrows.
    pub live: Vec<Live>,
    /// What was committed within the last 24 hours at least.
    pub spent: Vec<Spent>,
    /// What payments took out of the wallet within the last 24 hours.
    pub withdrawn: Sat,
    /// Now, in the ledger's time.
    pub now: UnixSeconds,
}

impl History {
    /// Nothing is committed.
    pub fn none() -> Self {
        Self::default()
    }

    /// Only what one delegated key did.
    #[must_use]
    pub fn of_key(&self, name: &str) -> Self {
        let own = |key: &Option<String>| key.as_deref() == Some(name);
        Self {
            live: self.live.iter().filter(|live| own(&live.key)).cloned().collect(),
            spent: self.spent.iter().filter(|spent| own(&spent.key)).cloned().collect(),
            withdrawn: Sat(0),
            now: self.now,
        }
    }

    /// All live escrows together.
    pub fn locked(&self) -> Sat {
        sum(self.live.iter().map(|live| live.locked))
    }

    /// The live escrows with one counterparty.
    pub fn locked_with(&self, counterparty: &Hex32) -> Sat {
        sum(self.live.iter().filter(|live| live.counterparty == *counterparty).map(|live| live.locked))
    }

    /// The live escrows that buyers began and that are not signed yet.
    pub fn unsigned(&self) -> Sat {
        sum(self.live.iter().filter(|live| live.unsigned).map(|live| live.locked))
    }

    /// The bonds of the live escrows on one service.
    pub fn at_risk_on(&self, service: &str) -> Sat {
        sum(self.live.iter().filter(|live| live.service == service).map(|live| live.bond))
    }

    /// What was committed within the last so many seconds. What is stamped later than now counts too.
    pub fn committed_within(&self, seconds: u64) -> Sat {
        let recent = |spent: &&Spent| spent.at.0.saturating_add(seconds) >= self.now.0;
        sum(self.spent.iter().filter(recent).map(|spent| spent.sat))
    }

    /// What is locked, by counterparty.
    pub(crate) fn by_counterparty(&self) -> BTreeMap<Hex32, Sat> {
        let keys = self.live.iter().map(|live| live.counterparty);
        keys.map(|key| (key, self.locked_with(&key))).collect()
    }

    /// Bonds at risk, by service.
    pub(crate) fn by_service(&self) -> BTreeMap<&str, Sat> {
        let services = self.live.iter().filter(|live| live.bond.0 > 0).map(|live| live.service.as_str());
        services.map(|service| (service, self.at_risk_on(service))).collect()
    }
}

fn sum(amounts: impl Iterator<Item = Sat>) -> Sat {
    Sat(amounts.fold(0, |sum, sat| sum.saturating_add(sat.0)))
}
