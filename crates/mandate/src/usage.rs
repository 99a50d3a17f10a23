//! How much of each limit is used, for the owner to see and for alarms.

use terms::Sat;

use crate::{DAY_S, HOUR_S, History, Limit, Mandate};

/// How much of one limit is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Which.
    pub limit: Limit,
    /// Of whom: a counterparty's key, a service; empty where the limit is about everything.
    pub of: String,
    /// What is used.
    pub used: Sat,
    /// The limit.
    pub allowed: Sat,
}

impl Usage {
    /// Whether so many percent of the limit are used.
    pub fn is_near(&self, percent: u64) -> bool {
        self.used.0 > 0 && u128::from(self.used.0) * 100 >= u128::from(self.allowed.0) * u128::from(percent)
    }
}

impl Mandate {
    /// How much of each ceiling that something adds up to is used.
    pub fn usage(&self, history: &History) -> Vec<Usage> {
        let whole = [
            (Limit::MaxLockedSat, Some(self.max_locked_sat), history.locked()),
            (Limit::MaxUnsignedSat, self.max_unsigned_sat, history.unsigned()),
            (
                Limit::MaxCommittedPerHourSat,
                self.max_committed_per_hour_sat,
                history.committed_within(HOUR_S),
            ),
            (Limit::MaxCommittedPerDaySat, self.max_committed_per_day_sat, history.committed_within(DAY_S)),
            (Limit::MaxWithdrawnPerDaySat, self.max_withdrawn_per_day_sat, history.withdrawn),
        ];
        let whole = whole.into_iter().filter_map(|(limit, allowed, used)| {
            Some(Usage { limit, of: String::new(), used, allowed: allowed? })
        });
        whole.chain(self.usage_by_counterparty(history)).chain(self.usage_by_service(history)).collect()
    }

    fn usage_by_counterparty(&self, history: &History) -> Vec<Usage> {
        let (limit, allowed) = (Limit::MaxPerCounterpartySat, self.max_per_counterparty_sat);
        let sums = history.by_counterparty().into_iter();
        sums.map(|(key, used)| Usage { limit, of: key.to_string(), used, allowed }).collect()
    }

    fn usage_by_service(&self, history: &History) -> Vec<Usage> {
        let Some(allowed) = self.max_at_risk_per_service_sat else { return Vec::new() };
        let limit = Limit::MaxAtRiskPerServiceSat;
        let sums = history.by_service().into_iter();
        sums.map(|(service, used)| Usage { limit, of: service.to_owned(), used, allowed }).collect()
    }
}
