//! How fast requests may come: by address, before anything is done for them, and by key, once its signature is checked.
//!
//! Time is the machine's, also in a replay: what is bounded is the work of this process.

use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use terms::Hex32;

use crate::config::RateConfig;

/// Addresses and keys that are kept in mind, at most. Beyond it all newcomers share one allowance.
const MOST_KEPT: usize = 100_000;

/// The limits of all addresses and keys.
#[derive(Debug)]
pub struct Rates {
    addresses: Option<Limiter<IpAddr>>,
    keys: Option<Limiter<Hex32>>,
    loopback: bool,
}

/// A request that came too soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests from {from}; the next one may come in {} s", self.wait_s())]
pub struct TooSoon {
    /// Whose requests are too many.
    pub from: From,
    /// How long to wait.
    pub wait: Duration,
}

/// Whose requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// An address.
    Address,
    /// A key.
    Key,
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "this address",
            Self::Key => "this key",
        })
    }
}

impl TooSoon {
    /// The wait in whole seconds, rounded up, at least one.
    pub fn wait_s(&self) -> u64 {
        let whole = self.wait.as_secs();
        if self.wait.subsec_nanos() > 0 { whole + 1 } else { whole.max(1) }
    }
}

impl Rates {
    /// The limits that the operator set.
    pub fn new(config: &RateConfig) -> Self {
        Self {
            addresses: Limiter::new(config.per_minute, config.burst),
            keys: Limiter::new(config.key_per_minute, config.key_burst),
            loopback: config.loopback,
        }
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    /// When it came too soon.
    pub fn of_address(&self, address: IpAddr) -> Result<(), TooSoon> {
        let Some(limiter) = &self.addresses else { return Ok(()) };
        if address.is_loopback() && !self.loopback {
            return Ok(());
        }
        let count = limiter.count(network(address), IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        count.map_err(|wait| TooSoon { from: From::Address, wait })
    }

    /// Counts a signed request of a key.
    ///
    /// # Errors
    /// When it came too soon.
    pub fn of_key(&self, key: Hex32) -> Result<(), TooSoon> {
        let Some(limiter) = &self.keys else { return Ok(()) };
        limiter.count(key, Hex32([0; 32])).map_err(|wait| TooSoon { from: From::Key, wait })
    }
}

/// What stands for an address: itself, or the first 64 bits of IPv6, of which whoever has one has all.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

type States<K> = RateLimiter<K, HashMapStateStore<K>, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

struct Limiter<K: Hash + Eq + Clone> {
    states: States<K>,
}

impl<K: Hash + Eq + Clone> fmt::Debug for Limiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("kept", &self.states.len()).finish()
    }
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(per_minute: u32, burst: u32) -> Option<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute)?).allow_burst(NonZeroU32::new(burst)?);
        Some(Self { states: RateLimiter::hashmap_with_clock(quota, MonotonicClock) })
    }

    /// Counts a request; too soon, and it says how long to wait.
    fn count(&self, key: K, newcomer: K) -> Result<(), Duration> {
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

    fn rates(change: impl FnOnce(&mut RateConfig)) -> Rates {
        let mut config =
            RateConfig { per_minute: 1, burst: 2, key_per_minute: 1, key_burst: 1, ..RateConfig::default() };
        change(&mut config);
        Rates::new(&config)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_burst_and_another_has_its_own() {
        let rates = rates(|_| ());
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(address);
        assert_eq!((rates.of_address(one), rates.of_address(one)), (Ok(()), Ok(())));
        let late = rates.of_address(one).unwrap_err();
        assert!(late.from == From::Address && (1..=60).contains(&late.wait_s()), "{late}");
        assert_eq!(rates.of_address(other), Ok(()));
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one() {
        let rates = rates(|_| ());
        for text in ["2001:db8::1", "2001:db8::2"] {
            assert_eq!(rates.of_address(address(text)), Ok(()));
        }
        assert!(rates.of_address(address("2001:db8::3")).is_err());
        assert_eq!(rates.of_address(address("2001:db8:0:1::3")), Ok(()));
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }

    #[test]
    fn the_machine_itself_is_counted_only_on_demand() {
        let [v4, v6] = ["127.0.0.1", "::1"].map(address);
        let free = rates(|_| ());
        assert!((0..10).all(|_| free.of_address(v4).is_ok() && free.of_address(v6).is_ok()));
        let counted = rates(|config| config.loopback = true);
        assert!((0..3).any(|_| counted.of_address(v4).is_err()));
    }

    #[test]
    fn no_limit_is_no_limit_and_a_key_is_not_an_address() {
        let rates = rates(|config| config.per_minute = 0);
        assert!((0..10).all(|_| rates.of_address(address("192.0.2.1")).is_ok()));
        assert_eq!(rates.of_key(Hex32([1; 32])), Ok(()));
        assert_eq!(rates.of_key(Hex32([1; 32])).unwrap_err().from, From::Key);
        assert_eq!(rates.of_key(Hex32([2; 32])), Ok(()));
    }
}
