//! The owner's limits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use terms::{Hex32, Sat};

use crate::Limit;

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
    /// The most that may be newly committed within any 60 minutes: escrows, bumps, cancels, payments.
    #[serde(default)]
    pub max_committed_per_hour_sat: Option<Sat>,
    /// The most that may be newly committed within any 24 hours.
    #[serde(default)]
    pub max_committed_per_day_sat: Option<Sat>,
    /// The most that the bonds of all live escrows on one measured service may come to: one outage hits them all.
    #[serde(default)]
    pub max_at_risk_per_service_sat: Option<Sat>,
    /// When providing: at least so much may be bad before anything is lost. 1,000 ppm is an objective of 99.9 %.
    #[serde(default)]
    pub min_error_budget_ppm: Option<u64>,
    /// When buying: at most so much may be bad before anything is paid back.
    #[serde(default)]
    pub max_error_budget_ppm: Option<u64>,
    /// An escrow that locks more than this needs a human's word.
    #[serde(default)]
    pub approve_above_sat: Option<Sat>,
    /// How long that word is waited for, in seconds; a day where it is not set.
    #[serde(default)]
    pub approve_within_s: Option<u64>,
    /// At how many percent of a limit an alarm is raised; 80 where it is not set.
    #[serde(default)]
    pub alarm_at_percent: Option<u64>,
}

impl Mandate {
    /// These three ceilings, and no other limit.
    pub const fn ceilings(contract: Sat, per_counterparty: Sat, locked: Sat) -> Self {
        Self {
            max_contract_sat: contract,
            max_locked_sat: locked,
            max_per_counterparty_sat: per_counterparty,
            max_unsigned_sat: None,
            allowed_counterparties: Allowed::All,
            allowed_oracles: Allowed::All,
            max_fee_rate_sat_vb: None,
            max_window_s: None,
            max_lock_s: None,
            max_bond_sat: None,
            max_price_sat: None,
            max_withdrawal_sat: None,
            max_withdrawn_per_day_sat: None,
            max_committed_per_hour_sat: None,
            max_committed_per_day_sat: None,
            max_at_risk_per_service_sat: None,
            min_error_budget_ppm: None,
            max_error_budget_ppm: None,
            approve_above_sat: None,
            approve_within_s: None,
            alarm_at_percent: None,
        }
    }

    /// How long a human's word is waited for, in seconds.
    pub fn approve_within_s(&self) -> u64 {
        self.approve_within_s.unwrap_or(86_400)
    }

    /// At how many percent of a limit an alarm is raised.
    pub fn alarm_at_percent(&self) -> u64 {
        self.alarm_at_percent.unwrap_or(80)
    }

    /// A limit that these set wider than `owner`, if there is one: a delegated key's limits are narrower.
    pub fn wider_than(&self, owner: &Self) -> Option<Limit> {
        let sat = |sat: Option<Sat>| sat.map(|sat| sat.0);
        let most = [
            (Limit::MaxContractSat, Some(self.max_contract_sat.0), Some(owner.max_contract_sat.0)),
            (Limit::MaxLockedSat, Some(self.max_locked_sat.0), Some(owner.max_locked_sat.0)),
            (
                Limit::MaxPerCounterpartySat,
                Some(self.max_per_counterparty_sat.0),
                Some(owner.max_per_counterparty_sat.0),
            ),
            (Limit::MaxUnsignedSat, sat(self.max_unsigned_sat), sat(owner.max_unsigned_sat)),
            (Limit::MaxFeeRateSatVb, self.max_fee_rate_sat_vb, owner.max_fee_rate_sat_vb),
            (Limit::MaxWindowS, self.max_window_s, owner.max_window_s),
            (Limit::MaxLockS, self.max_lock_s, owner.max_lock_s),
            (Limit::MaxBondSat, sat(self.max_bond_sat), sat(owner.max_bond_sat)),
            (Limit::MaxPriceSat, sat(self.max_price_sat), sat(owner.max_price_sat)),
            (
                Limit::MaxCommittedPerHourSat,
                sat(self.max_committed_per_hour_sat),
                sat(owner.max_committed_per_hour_sat),
            ),
            (
                Limit::MaxCommittedPerDaySat,
                sat(self.max_committed_per_day_sat),
                sat(owner.max_committed_per_day_sat),
            ),
            (
                Limit::MaxAtRiskPerServiceSat,
                sat(self.max_at_risk_per_service_sat),
                sat(owner.max_at_risk_per_service_sat),
            ),
            (Limit::MaxErrorBudgetPpm, self.max_error_budget_ppm, owner.max_error_budget_ppm),
        ];
        let wider = |(_, own, owner): &(Limit, Option<u64>, Option<u64>)| match (own, owner) {
            (Some(own), Some(owner)) => own > owner,
            _ => false,
        };
        most.into_iter().find(wider).map(|(limit, ..)| limit)
    }

    /// Checks what the types alone do not.
    ///
    /// # Errors
    /// The field and the rule that it breaks.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        let rules = [
            ((1..=100).contains(&self.alarm_at_percent()), "mandate.alarm_at_percent", "must be 1 to 100"),
            (
                (60..=31 * 86_400).contains(&self.approve_within_s()),
                "mandate.approve_within_s",
                "must be 60 to 2678400 (a minute to 31 days)",
            ),
        ];
        rules.into_iter().find(|(holds, ..)| !holds).map_or(Ok(()), |(_, field, rule)| Err((field, rule)))
    }
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
