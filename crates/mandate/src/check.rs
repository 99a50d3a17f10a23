//! The check itself.

use std::fmt;

use terms::{Hex32, Sat};

use crate::{Commitment, Exposure, Mandate, Stake};

/// A limit of the mandate, by the name it has in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// `max_contract_sat`
    MaxContractSat,
    /// `max_locked_sat`
    MaxLockedSat,
    /// `max_per_counterparty_sat`
    MaxPerCounterpartySat,
    /// `max_unsigned_sat`
    MaxUnsignedSat,
    /// `max_fee_rate_sat_vb`
    MaxFeeRateSatVb,
    /// `max_window_s`
    MaxWindowS,
    /// `max_lock_s`
    MaxLockS,
    /// `max_bond_sat`
    MaxBondSat,
    /// `max_price_sat`
    MaxPriceSat,
    /// `max_withdrawal_sat`
    MaxWithdrawalSat,
    /// `max_withdrawn_per_day_sat`
    MaxWithdrawnPerDaySat,
}

impl Limit {
    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxContractSat => "max_contract_sat",
            Self::MaxLockedSat => "max_locked_sat",
            Self::MaxPerCounterpartySat => "max_per_counterparty_sat",
            Self::MaxUnsignedSat => "max_unsigned_sat",
            Self::MaxFeeRateSatVb => "max_fee_rate_sat_vb",
            Self::MaxWindowS => "max_window_s",
            Self::MaxLockS => "max_lock_s",
            Self::MaxBondSat => "max_bond_sat",
            Self::MaxPriceSat => "max_price_sat",
            Self::MaxWithdrawalSat => "max_withdrawal_sat",
            Self::MaxWithdrawnPerDaySat => "max_withdrawn_per_day_sat",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why the mandate does not allow a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
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
}

impl Refusal {
    /// The name of the limit in the configuration.
    pub fn limit(&self) -> &'static str {
        match self {
            Self::Counterparty { .. } => "allowed_counterparties",
            Self::Oracle { .. } | Self::NoOracle => "allowed_oracles",
            Self::Exceeds { limit, .. } => limit.name(),
        }
    }
}

impl Mandate {
    /// Whether the owner allows `request`, with `history` already committed.
    ///
    /// # Errors
    /// The first limit that stands against it.
    pub fn check(&self, request: &Commitment, history: &Exposure) -> Result<(), Refusal> {
        self.check_lists(request)?;
        self.check_bounds(request)?;
        self.check_ceilings(request, history)
    }

    /// Whether the owner allows that `leaving` leaves the wallet for good, fee included, with `left` gone in the 24 hours
    /// before.
    ///
    /// # Errors
    /// The first limit that stands against it.
    pub fn check_withdrawal(&self, leaving: Sat, left: Sat) -> Result<(), Refusal> {
        let limit = |limit: Option<Sat>| limit.map_or(u64::MAX, |sat| sat.0);
        within(Limit::MaxWithdrawalSat, leaving.0, limit(self.max_withdrawal_sat), 0)?;
        within(Limit::MaxWithdrawnPerDaySat, leaving.0, limit(self.max_withdrawn_per_day_sat), left.0)
    }

    fn check_lists(&self, request: &Commitment) -> Result<(), Refusal> {
        let key = request.counterparty;
        if !self.allowed_counterparties.permits(&key) {
            return Err(Refusal::Counterparty { key });
        }
        if request.oracles.is_empty() {
            return Err(Refusal::NoOracle);
        }
        match request.oracles.iter().find(|key| !self.allowed_oracles.permits(key)) {
            Some(key) => Err(Refusal::Oracle { key: *key }),
            None => Ok(()),
        }
    }

    fn check_bounds(&self, request: &Commitment) -> Result<(), Refusal> {
        let (stake_limit, max_stake) = match request.stake {
            Stake::Price(_) => (Limit::MaxPriceSat, self.max_price_sat),
            Stake::Bond(_) => (Limit::MaxBondSat, self.max_bond_sat),
        };
        [
            (stake_limit, request.stake.sat().0, max_stake.map(|sat| sat.0)),
            (Limit::MaxFeeRateSatVb, request.fee_rate_sat_vb, self.max_fee_rate_sat_vb),
            (Limit::MaxWindowS, request.window_s, self.max_window_s),
            (Limit::MaxLockS, request.lock_s, self.max_lock_s),
        ]
        .into_iter()
        .filter_map(|(limit, asked, allowed)| Some((limit, asked, allowed?)))
        .try_for_each(|(limit, asked, allowed)| within(limit, asked, allowed, 0))
    }

    fn check_ceilings(&self, request: &Commitment, history: &Exposure) -> Result<(), Refusal> {
        let asked = request.locked_sat().0;
        let with_peer = history.locked_with(&request.counterparty).0;
        within(Limit::MaxContractSat, asked, self.max_contract_sat.0, 0)?;
        if let (Stake::Bond(_), Some(allowed)) = (request.stake, self.max_unsigned_sat) {
            within(Limit::MaxUnsignedSat, asked, allowed.0, history.unsigned().0)?;
        }
        within(Limit::MaxPerCounterpartySat, asked, self.max_per_counterparty_sat.0, with_peer)?;
        within(Limit::MaxLockedSat, asked, self.max_locked_sat.0, history.locked().0)
    }
}

/// Whether `used + asked` stays within `allowed`; a sum that overflows does not.
fn within(limit: Limit, asked: u64, allowed: u64, used: u64) -> Result<(), Refusal> {
    match used.checked_add(asked) {
        Some(sum) if sum <= allowed => Ok(()),
        _ => Err(Refusal::Exceeds { limit, asked, allowed, used }),
    }
}
