//! How fast requests may come: by address, before anything is done for them, and by key, once its signature is checked.
//!
//! A server of strangers asks [`behind_proxies`] whose request it is, and [`Rates`] whether it may come now. Memory is
//! bounded whoever asks: at most 100,000 addresses and as many keys are kept in mind.
//!
//! Time is the machine's, also in a replay: what is bounded is the work of this process. This crate deliberately knows no
//! HTTP, no configuration file and no storage: what may be stored for one address is counted over what is stored.

mod address;
mod limiter;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use terms::Hex32;

pub use address::{behind_proxies, network};
use limiter::Limiter;

/// How many requests may come. A rate of 0, or a burst of 0, is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Requests of one address in a minute, on average.
    pub per_minute: u32,
    /// So many of them may come at once.
    pub burst: u32,
    /// Signed requests of one key in a minute, on average.
    pub key_per_minute: u32,
    /// So many of them may come at once.
    pub key_burst: u32,
    /// Whether the requests of the machine itself count as an address' as well.
    pub loopback: bool,
}

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
    pub fn new(quotas: &Quotas) -> Self {
        Self {
            addresses: Limiter::new(quotas.per_minute, quotas.burst),
            keys: Limiter::new(quotas.key_per_minute, quotas.key_burst),
            loopback: quotas.loopback,
        }
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    /// When it came too soon.
    pub fn of_address(&self, address: IpAddr) -> Result<(), TooSoon> {
        let Some(limiter) = &self.addresses else { return Ok(()) };
        let Some(counted) = counted(address, self.loopback) else { return Ok(()) };
        let count = limiter.count(counted, IpAddr::V6(Ipv6Addr::UNSPECIFIED));
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

/// The [`network`] under which an address counts; `None` for the machine itself, unless `loopback` says that it counts too.
pub fn counted(address: IpAddr, loopback: bool) -> Option<IpAddr> {
    let network = network(address);
    let is_machine = address.to_canonical().is_loopback();
    (loopback || !is_machine).then_some(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(change: impl FnOnce(&mut Quotas)) -> Rates {
        let mut quotas = Quotas { per_minute: 1, burst: 2, key_per_minute: 1, key_burst: 1, loopback: false };
        change(&mut quotas);
        Rates::new(&quotas)
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
    }

    #[test]
    fn the_machine_itself_is_counted_only_on_demand() {
        let [v4, v6, mapped] = ["127.0.0.1", "::1", "::ffff:127.0.0.1"].map(address);
        let free = rates(|_| ());
        assert!((0..10).all(|_| [v4, v6, mapped].into_iter().all(|it| free.of_address(it).is_ok())));
        let on_demand = rates(|quotas| quotas.loopback = true);
        assert!((0..3).any(|_| on_demand.of_address(v4).is_err()));
        assert_eq!((counted(mapped, false), counted(mapped, true)), (None, Some(v4)));
    }

    #[test]
    fn no_limit_is_no_limit_and_a_key_is_not_an_address() {
        let rates = rates(|quotas| quotas.per_minute = 0);
        assert!((0..10).all(|_| rates.of_address(address("192.0.2.1")).is_ok()));
        assert_eq!(rates.of_key(Hex32([1; 32])), Ok(()));
        assert_eq!(rates.of_key(Hex32([1; 32])).unwrap_err().from, From::Key);
        assert_eq!(rates.of_key(Hex32([2; 32])), Ok(()));
    }
}
