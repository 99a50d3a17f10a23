//! One allowance for each address or key (GCRA), of which a bounded number is kept in mind.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// How many are kept in mind, at most. Beyond it all newcomers share one allowance.
const MOST_KEPT: usize = 100_000;

type States<K> = RateLimiter<K, HashMapStateStore<K>, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

/// The allowances.
pub(crate) struct Limiter<K: Hash + Eq + Clone> {
    states: States<K>,
}

impl<K: Hash + Eq + Clone> fmt::Debug for Limiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("kept", &self.states.len()).finish()
    }
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// `None` where one of the two is 0, which is no limit.
    pub(crate) fn new(per_minute: u32, burst: u32) -> Option<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute)?).allow_burst(NonZeroU32::new(burst)?);
        Some(Self { states: RateLimiter::hashmap_with_clock(quota, MonotonicClock) })
    }

    /// Counts a request; too soon, and it says how long to wait. Where nobody else can be kept in mind it counts as
    /// `newcomer`'s.
    pub(crate) fn count(&self, key: K, newcomer: K) -> Result<(), Duration> {
        if self.states.len() >= MOST_KEPT {
            self.states.retain_recent();
        }
        let key = if self.states.len() >= MOST_KEPT { newcomer } else { key };
        self.states.check_key(&key).map_err(|not_until| not_until.wait_time_from(MonotonicClock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_after_a_hundred_thousand_others_shares_an_allowance_and_nothing_grows() {
        let limiter = Limiter::new(1, 1).unwrap();
        for key in 1..=MOST_KEPT {
            assert!(limiter.count(key, 0).is_ok());
        }
        assert!(limiter.count(MOST_KEPT + 1, 0).is_ok(), "the first newcomer has the shared one");
        assert!(limiter.count(MOST_KEPT + 2, 0).is_err(), "and the second finds it used");
        assert!(limiter.states.len() <= MOST_KEPT + 1);
    }
}
