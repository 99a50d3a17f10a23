//! `[limits]`: how much strangers may ask of this node.

use std::net::IpAddr;

use protocol::card::CardLimits;
use protocol::negotiable::MAX_ROUNDS;
use serde::Deserialize;

use crate::config::ConfigError;

/// More sessions than these nobody needs, and the database would grow.
const MOST_SESSIONS: u64 = 100_000;
const SESSIONS: &str = "must be 1 to 100000";

/// The configuration's section `[limits]`.
///
/// An address is an IPv4 address or the first 64 bits of an IPv6 one. Requests from the machine itself are not counted as an
/// address': behind a reverse proxy they are everybody's, until `trusted_proxies` tells whose.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Requests of one address in a minute, on average; 0 is no limit.
    pub requests_per_minute: u32,
    /// So many of them may come at once.
    pub requests_burst: u32,
    /// Envelopes and listings of one key in a minute, on average; 0 is no limit.
    pub key_per_minute: u32,
    /// So many of them may come at once.
    pub key_burst: u32,
    /// Sessions that everybody together may open within an hour: a new key costs nothing, and what it makes us store does.
    pub sessions_per_hour: u64,
    /// Of one address.
    pub address_sessions_per_hour: u64,
    /// Of one key.
    pub key_sessions_per_hour: u64,
    /// Negotiations that everybody together may have open: those that led to no escrow, have not ended, and whose offer has
    /// not expired.
    pub open_sessions: u64,
    /// Of one address.
    pub address_open_sessions: u64,
    /// Of one key.
    pub key_open_sessions: u64,
    /// Counters of each side in one session, at most: what an own offer may allow.
    pub counters: u64,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Count the requests of the machine itself as an address' too.
    pub loopback: bool,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            requests_per_minute: 600,
            requests_burst: 240,
            key_per_minute: 600,
            key_burst: 240,
            sessions_per_hour: 600,
            address_sessions_per_hour: 120,
            key_sessions_per_hour: 60,
            open_sessions: 1_000,
            address_open_sessions: 100,
            key_open_sessions: 50,
            counters: MAX_ROUNDS,
            trusted_proxies: Vec::new(),
            loopback: false,
        }
    }
}

impl LimitsConfig {
    /// As whose the connection of this peer counts; `None` for a proxy, and for the machine itself unless that counts.
    pub(crate) fn counted(&self, peer: IpAddr) -> Option<IpAddr> {
        let proxy = self.trusted_proxies.iter().any(|proxy| proxy.to_canonical() == peer.to_canonical());
        if proxy { None } else { rates::counted(peer, self.loopback) }
    }

    /// What of it is counted in memory.
    pub(crate) fn quotas(&self) -> rates::Quotas {
        rates::Quotas {
            per_minute: self.requests_per_minute,
            burst: self.requests_burst,
            key_per_minute: self.key_per_minute,
            key_burst: self.key_burst,
            loopback: self.loopback,
        }
    }

    /// What of it a key may know before it asks.
    pub(crate) fn for_card(&self) -> CardLimits {
        CardLimits {
            envelopes_per_minute: u64::from(self.key_per_minute),
            sessions_per_hour: self.key_sessions_per_hour,
            open_sessions: self.key_open_sessions,
            counters: self.counters,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let sessions = |most: u64| (1..=MOST_SESSIONS).contains(&most);
        let rules = [
            (self.requests_burst > 0, "limits.requests_burst", "must be at least 1"),
            (self.key_burst > 0, "limits.key_burst", "must be at least 1"),
            (sessions(self.sessions_per_hour), "limits.sessions_per_hour", SESSIONS),
            (sessions(self.address_sessions_per_hour), "limits.address_sessions_per_hour", SESSIONS),
            (sessions(self.key_sessions_per_hour), "limits.key_sessions_per_hour", SESSIONS),
            (sessions(self.open_sessions), "limits.open_sessions", SESSIONS),
            (sessions(self.address_open_sessions), "limits.address_open_sessions", SESSIONS),
            (sessions(self.key_open_sessions), "limits.key_open_sessions", SESSIONS),
            ((1..=MAX_ROUNDS).contains(&self.counters), "limits.counters", "must be 1 to 20"),
            (self.trusted_proxies.len() <= 64, "limits.trusted_proxies", "must be at most 64"),
        ];
        let broken = rules.into_iter().find(|(holds, ..)| !holds);
        broken.map_or(Ok(()), |(_, field, rule)| Err(ConfigError::Rule { field, rule }))
    }
}
