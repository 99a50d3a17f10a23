//! Strangers at the peers' listener: who asks, how fast, and how much of what is stored may be theirs.
//!
//! What passes in a moment is counted in memory, by address before anything is done and by key once a signature is checked
//! ([`Visitors`]). What stays is counted over what is stored.

mod config;
mod doors;
mod sessions;

use std::net::IpAddr;

use rates::{Rates, TooSoon};
use terms::Hex32;

pub use config::LimitsConfig;
pub(crate) use doors::Doors;
pub use sessions::TooManySessions;

/// How fast strangers may ask, and behind which proxies.
#[derive(Debug)]
pub(crate) struct Visitors {
    rates: Rates,
    trusted_proxies: Vec<IpAddr>,
    loopback: bool,
}

impl Visitors {
    /// By the owner's configuration.
    pub(crate) fn new(limits: &LimitsConfig) -> Self {
        let (trusted_proxies, loopback) = (limits.trusted_proxies.clone(), limits.loopback);
        Self { rates: Rates::new(&limits.quotas()), trusted_proxies, loopback }
    }

    /// Whose request it is, and whether it may come now.
    ///
    /// # Errors
    /// When it came too soon.
    pub(crate) fn meet<'a>(
        &self,
        peer: IpAddr,
        forwarded: impl DoubleEndedIterator<Item = &'a str>,
    ) -> Result<Visitor, TooSoon> {
        let address = rates::behind_proxies(peer, forwarded, &self.trusted_proxies);
        self.rates.of_address(address)?;
        Ok(Visitor(rates::counted(address, self.loopback)))
    }

    /// Counts what a key has signed.
    ///
    /// # Errors
    /// When it came too soon.
    pub(crate) fn heard(&self, key: Hex32) -> Result<(), TooSoon> {
        self.rates.of_key(key)
    }
}

/// Under which address a request counts: an IPv4 address, or the first 64 bits of an IPv6 one; none for the machine itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Visitor(pub Option<IpAddr>);

impl Visitor {
    /// The address as it is stored.
    pub(crate) fn name(self) -> Option<String> {
        self.0.map(|address| address.to_string())
    }
}
