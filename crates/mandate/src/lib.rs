//! What an owner allows their agent to commit, checked in one place before anything is signed.
//!
//! [`Mandate::check`] is a pure function of three things: the owner's limits, what is asked
//! ([`Commitment`]), and what is already committed ([`Exposure`]). It says yes, or names the limit,
//! what was asked, what is allowed and what is used ([`Refusal`]). [`Mandate::check_withdrawal`] asks
//! the same about money that leaves the wallet for good.
//!
//! This crate deliberately knows nothing of storage, clocks, keys and messages: whoever calls it
//! brings the stored history, and must store an accepted commitment before acting on it, in the same
//! transaction in which the history was read. Start reading at [`Mandate`].

mod check;
mod exposure;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use terms::{Hex32, OracleSet, Sat, UnixSeconds};

pub use check::{Limit, Refusal};
pub use exposure::Exposure;

/// What an owner allows. Everything that is not set is not limited, except the three ceilings, which
/// must be set: an agent without a ceiling is not an agent but an accident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mandate {
    /// The most that one escrow may lock, own collateral and fees together.
    pub max_contract_sat: Sat,
    /// The most that all live escrows may lock together.
    pub max_locked_sat: Sat,
    /// The most that all live escrows with one counterparty may lock together.
    pub max_per_counterparty_sat: Sat,
    /// The most that a provider's escrows may hold together before they are signed: anybody can begin one.
    #[serde(default)]
    pub max_unsigned_sat: Option<Sat>,
    /// With whom.
    #[serde(default)]
    pub allowed_counterparties: Allowed,
    /// Whose attestations may decide. Every oracle of an agreement must be allowed.
    #[serde(default)]
    pub allowed_oracles: Allowed,
    /// The highest fee rate of an escrow's transactions.
    #[serde(default)]
    pub max_fee_rate_sat_vb: Option<u64>,
    /// The longest window.
    #[serde(default)]
    pub max_window_s: Option<u64>,
    /// The longest time from the commitment to the moment at which a refund is possible.
    #[serde(default)]
    pub max_lock_s: Option<u64>,
    /// The largest bond, when providing.
    #[serde(default)]
    pub max_bond_sat: Option<Sat>,
    /// The highest price, when buying.
    #[serde(default)]
    pub max_price_sat: Option<Sat>,
    /// The most that one payment may take out of the wallet, its fee included.
    #[serde(default)]
    pub max_withdrawal_sat: Option<Sat>,
    /// The most that payments may take out of the wallet within any 24 hours, their fees included.
    #[serde(default)]
    pub max_withdrawn_per_day_sat: Option<Sat>,
}

/// A list of keys that are allowed, or all of them. In a configuration: left out, or a list of hex keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<BTreeSet<Hex32>>", into = "Option<BTreeSet<Hex32>>")]
pub enum Allowed {
    /// Anybody.
    #[default]
    All,
    /// These, and nobody else. An empty list allows nobody.
    Only(BTreeSet<Hex32>),
}

impl Allowed {
    /// Whether a key is allowed.
    pub fn permits(&self, key: &Hex32) -> bool {
        match self {
            Self::All => true,
            Self::Only(keys) => keys.contains(key),
        }
    }
}

impl From<Option<BTreeSet<Hex32>>> for Allowed {
    fn from(keys: Option<BTreeSet<Hex32>>) -> Self {
        keys.map_or(Self::All, Self::Only)
    }
}

impl From<Allowed> for Option<BTreeSet<Hex32>> {
    fn from(allowed: Allowed) -> Self {
        match allowed {
            Allowed::All => None,
            Allowed::Only(keys) => Some(keys),
        }
    }
}

impl FromIterator<Hex32> for Allowed {
    fn from_iter<I: IntoIterator<Item = Hex32>>(keys: I) -> Self {
        Self::Only(keys.into_iter().collect())
    }
}

/// What an agent asks to commit to: one escrow, before its first reservation or signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// The other party's identity key.
    pub counterparty: Hex32,
    /// The side this agent would be on, and what that side puts in.
    pub stake: Stake,
    /// The own part of funding and CET fees.
    pub fees_sat: Sat,
    /// Whose attestations decide.
    pub oracles: Vec<Hex32>,
    /// Fee rate of the escrow's transactions in sat/vB.
    pub fee_rate_sat_vb: u64,
    /// Length of the window.
    pub window_s: u64,
    /// From now to the moment at which the refund becomes valid.
    pub lock_s: u64,
}

/// What the own side locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stake {
    /// The buyer locks the price.
    Price(Sat),
    /// The provider locks the bond.
    Bond(Sat),
}

impl Stake {
    /// How much it is.
    pub fn sat(self) -> Sat {
        match self {
            Self::Price(sat) | Self::Bond(sat) => sat,
        }
    }
}

impl Commitment {
    /// What an agreement asks of one side at `now`.
    ///
    /// `fees_sat` is that side's part of the fees, `refund_locktime` the contract's, since both follow
    /// from the announcements and the coins and not from the agreement alone.
    pub fn of(
        agreement: &terms::Agreement,
        side: terms::Side,
        fees_sat: Sat,
        refund_locktime: UnixSeconds,
        now: UnixSeconds,
    ) -> Self {
        let (counterparty, stake) = match side {
            terms::Side::Provider => (agreement.buyer.key, Stake::Bond(agreement.bond_sat)),
            terms::Side::Buyer => (agreement.provider.key, Stake::Price(agreement.price_sat)),
        };
        let OracleSet { keys, .. } = &agreement.oracles;
        let window = agreement.measurement.window;
        Self {
            counterparty,
            stake,
            fees_sat,
            oracles: keys.clone(),
            fee_rate_sat_vb: agreement.fee_rate_sat_vb,
            window_s: window.end.0.saturating_sub(window.start.0),
            lock_s: refund_locktime.0.saturating_sub(now.0),
        }
    }

    /// What the escrow would lock of the own coins: stake and fees.
    pub fn locked_sat(&self) -> Sat {
        Sat(self.stake.sat().0.saturating_add(self.fees_sat.0))
    }
}
