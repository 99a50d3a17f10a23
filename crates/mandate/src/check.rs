//! One set of limits against what is asked.

use terms::Sat;

use crate::{Commitment, DAY_S, HOUR_S, History, Limit, Mandate, Refusal, Stake};

impl Mandate {
    /// Whether these limits allow `request`, with `history` already committed.
    ///
    /// # Errors
    /// The first limit that stands against it.
    pub(crate) fn check(&self, request: &Commitment, history: &History) -> Result<(), Refusal> {
        self.check_lists(request)?;
        self.check_bounds(request)?;
        self.check_ceilings(request, history)
    }

    /// Whether these limits allow that `leaving` leaves the wallet for good, fee included.
    ///
    /// # Errors
    /// The first limit that stands against it.
    pub(crate) fn check_withdrawal(&self, leaving: Sat, history: &History) -> Result<(), Refusal> {
        let limit = |limit: Option<Sat>| limit.map_or(u64::MAX, |sat| sat.0);
        let used = history.withdrawn.0;
        within(Limit::MaxWithdrawalSat, leaving.0, limit(self.max_withdrawal_sat), 0)?;
        within(Limit::MaxWithdrawnPerDaySat, leaving.0, limit(self.max_withdrawn_per_day_sat), used)?;
        self.check_rates(leaving.0, history)
    }

    /// What may be newly committed within an hour and within a day.
    fn check_rates(&self, asked: u64, history: &History) -> Result<(), Refusal> {
        let rates = [
            (Limit::MaxCommittedPerHourSat, self.max_committed_per_hour_sat, HOUR_S),
            (Limit::MaxCommittedPerDaySat, self.max_committed_per_day_sat, DAY_S),
        ];
        rates.into_iter().try_for_each(|(limit, allowed, seconds)| match allowed {
            Some(allowed) => within(limit, asked, allowed.0, history.committed_within(seconds).0),
            None => Ok(()),
        })
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
        .try_for_each(|(limit, asked, allowed)| within(limit, asked, allowed, 0))?;
        self.check_objective(request)
    }

    /// A provider's objective must be attainable, a buyer's worth its price.
    fn check_objective(&self, request: &Commitment) -> Result<(), Refusal> {
        let Some(asked) = request.error_budget_ppm else { return Ok(()) };
        match (request.stake, self.min_error_budget_ppm, self.max_error_budget_ppm) {
            (Stake::Bond(_), Some(least), _) if asked < least => {
                Err(Refusal::Below { limit: Limit::MinErrorBudgetPpm, asked, least })
            }
            (Stake::Price(_), _, Some(most)) => within(Limit::MaxErrorBudgetPpm, asked, most, 0),
            _ => Ok(()),
        }
    }

    fn check_ceilings(&self, request: &Commitment, history: &History) -> Result<(), Refusal> {
        let asked = request.locked_sat().0;
        let with_peer = history.locked_with(&request.counterparty).0;
        within(Limit::MaxContractSat, asked, self.max_contract_sat.0, 0)?;
        if let (Stake::Bond(_), Some(allowed)) = (request.stake, self.max_unsigned_sat) {
            within(Limit::MaxUnsignedSat, asked, allowed.0, history.unsigned().0)?;
        }
        if let (Stake::Bond(bond), Some(allowed)) = (request.stake, self.max_at_risk_per_service_sat) {
            let used = history.at_risk_on(&request.service).0;
            within(Limit::MaxAtRiskPerServiceSat, bond.0, allowed.0, used)?;
        }
        self.check_rates(asked, history)?;
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
