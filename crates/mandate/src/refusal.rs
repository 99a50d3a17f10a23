//! Why something is not allowed.

use std::fmt;

use terms::Hex32;

/// Declares the limits with their names in the configuration.
macro_rules! limits {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// A limit of the mandate, by the name it has in the configuration.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Limit {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Limit {
            /// The name in the configuration.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

limits! {
    MaxContractSat = "max_contract_sat",
    MaxLockedSat = "max_locked_sat",
    MaxPerCounterpartySat = "max_per_counterparty_sat",
    MaxUnsignedSat = "max_unsigned_sat",
    MaxFeeRateSatVb = "max_fee_rate_sat_vb",
    MaxWindowS = "max_window_s",
    MaxLockS = "max_lock_s",
    MaxBondSat = "max_bond_sat",
    MaxPriceSat = "max_price_sat",
    MaxWithdrawalSat = "max_withdrawal_sat",
    MaxWithdrawnPerDaySat = "max_withdrawn_per_day_sat",
    MaxCommittedPerHourSat = "max_committed_per_hour_sat",
    MaxCommittedPerDaySat = "max_committed_per_day_sat",
    MaxAtRiskPerServiceSat = "max_at_risk_per_service_sat",
    MinErrorBudgetPpm = "min_error_budget_ppm",
    MaxErrorBudgetPpm = "max_error_budget_ppm",
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why the mandate does not allow something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The owner has paused everything.
    #[error("paused: the owner has paused this node; nothing new is committed")]
    Paused,
    /// The counterparty is not on the list.
    #[error("allowed_counterparties: {key} is not one of them")]
    Counterparty {
        /// The counterparty.
        key: Hex32,
    },
    /// An oracle is not on the list.
    #[error("allowed_oracles: {key} is not one of them")]
    Oracle {
        /// The oracle.
        key: Hex32,
    },
    /// The escrow names no oracle at all, so nobody could be on the list.
    #[error("allowed_oracles: the escrow names no oracle")]
    NoOracle,
    /// A limit would be exceeded.
    #[error("{limit}: {asked} asked, {allowed} allowed, {used} used")]
    Exceeds {
        /// Which.
        limit: Limit,
        /// What this commitment adds, in the limit's unit.
        asked: u64,
        /// The limit.
        allowed: u64,
        /// What earlier commitments use of it.
        used: u64,
    },
    /// A least would not be reached.
    #[error("{limit}: {asked} asked, at least {least} allowed")]
    Below {
        /// Which.
        limit: Limit,
        /// What is asked, in the limit's unit.
        asked: u64,
        /// The least.
        least: u64,
    },
    /// The owner has revoked the delegated key in whose name this is asked.
    #[error("key: {name} was revoked")]
    Revoked {
        /// The key's name.
        name: String,
    },
    /// The owner allows it, and the limits of a delegated key do not.
    #[error("{refusal} (of the key {name})")]
    OfKey {
        /// The key's name.
        name: String,
        /// Which of its limits.
        refusal: Box<Refusal>,
    },
}

impl Refusal {
    /// The name of the limit in the configuration.
    pub fn limit(&self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Counterparty { .. } => "allowed_counterparties",
            Self::Oracle { .. } | Self::NoOracle => "allowed_oracles",
            Self::Exceeds { limit, .. } | Self::Below { limit, .. } => limit.name(),
            Self::Revoked { .. } => "key",
            Self::OfKey { refusal, .. } => refusal.limit(),
        }
    }
}
