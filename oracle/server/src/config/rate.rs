//! How many requests anybody may make.

use std::net::IpAddr;

use serde::Deserialize;

use super::load::rule;

/// Bounds on the requests of one address and of one key.
///
/// An address is an IPv4 address or the first 64 bits of an IPv6 one. Requests from the machine itself are not counted:
/// behind a reverse proxy they are everybody's, until `trusted_proxies` tells whose.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateConfig {
    /// Requests of one address in a minute, on average; 0 is no limit.
    pub per_minute: u32,
    /// So many of them may come at once.
    pub burst: u32,
    /// Signed requests of one key in a minute, on average; 0 is no limit.
    pub key_per_minute: u32,
    /// So many of them may come at once.
    pub key_burst: u32,
    /// Connections that one address may have at the same time.
    pub connections: usize,
    /// Events that one address may have open where anybody may ask for them.
    pub open_events: u64,
    /// Events that one address may have announced within 24 hours where anybody may ask for them.
    pub events_per_day: u64,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Count the requests of the machine itself too.
    pub loopback: bool,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self {
            per_minute: 600,
            burst: 120,
            key_per_minute: 1_200,
            key_burst: 240,
            connections: 128,
            open_events: 100,
            events_per_day: 100,
            trusted_proxies: Vec::new(),
            loopback: false,
        }
    }
}

impl RateConfig {
    /// As whose the connection of this peer counts; `None` for a proxy, and for the machine itself unless that counts.
    pub fn counted(&self, peer: IpAddr) -> Option<IpAddr> {
        let proxy = self.trusted_proxies.iter().any(|proxy| proxy.to_canonical() == peer.to_canonical());
        if proxy { None } else { rates::counted(peer, self.loopback) }
    }

    /// How many requests may come.
    pub fn quotas(&self) -> rates::Quotas {
        let Self { per_minute, burst, key_per_minute, key_burst, loopback, .. } = *self;
        rates::Quotas { per_minute, burst, key_per_minute, key_burst, loopback }
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        rule(self.burst > 0, "rate.burst", "must be at least 1")?;
        rule(self.key_burst > 0, "rate.key_burst", "must be at least 1")?;
        rule(self.connections > 0, "rate.connections", "must be at least 1")?;
        rule(self.trusted_proxies.len() <= 64, "rate.trusted_proxies", "there may be at most 64")
    }
}
