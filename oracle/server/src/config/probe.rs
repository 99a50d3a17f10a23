//! How targets are probed, and what tells whether the oracle itself is connected.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use url::{Host, Url};

use super::Config;
use super::load::rule;

/// The most reference targets; each failed probe asks all of them.
const MAX_REFERENCES: usize = 16;
/// As long as a target may take.
const MAX_REFERENCE_TIMEOUT_MS: u64 = 60_000;
/// A crash loses what was seen since the last flush.
const MAX_FLUSH_EVERY_S: u64 = 3_600;

/// How targets are probed.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeConfig {
    /// Probe loopback, private and link-local addresses too. Off, so that a stranger's measurement
    /// can't turn the oracle against its own network.
    pub allow_private_targets: bool,
    /// Probe at unforeseeable moments inside the slots, from a seed that is revealed afterwards.
    pub jitter: bool,
    /// Keep connections between probes. Off, every probe connects afresh, and sees more.
    pub keep_alive: bool,
    /// A sample is written this long after its probe, or with the next probe where that comes within as long again; a
    /// crash loses no more. Default: 5 s, and in simulated time 300 s.
    pub flush_every_s: Option<u64>,
    /// The name server that is asked, instead of those of this machine, for the names of all targets, and in DNS probes
    /// that name none. Its word is the operator's own, so it may lie on a private network.
    pub dns_server: Option<SocketAddr>,
    /// How long a reference target may take.
    pub reference_timeout_ms: u64,
    /// Believe the certificate authorities of this machine.
    pub system_roots: bool,
    /// A PEM file with certificates of more authorities, for services with a private one. `/v1/info` shows
    /// them, since whoever relies on this oracle relies on them.
    pub extra_roots: Option<PathBuf>,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self {
            allow_private_targets: false,
            jitter: true,
            keep_alive: true,
            flush_every_s: None,
            dns_server: None,
            reference_timeout_ms: 5_000,
            system_roots: true,
            extra_roots: None,
        }
    }
}

/// A name that leads to a fixed address, whatever the resolver says, or to a fixed port where it says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// The host of a target's URL.
    pub host: String,
    /// Where connections for it go, whatever port the URL names. The name is not looked up.
    pub addr: Option<SocketAddr>,
    /// In place of `addr`: the name is looked up, and connections go to this port there, whatever port the URL names.
    pub port: Option<u16>,
}

impl Resolve {
    /// Is this rule about `host`?
    pub fn is_for(&self, host: &str) -> bool {
        self.host.eq_ignore_ascii_case(host)
    }
}

/// A target that tells whether the oracle itself is connected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Any answer of status 200 to 399 counts.
    pub url: Url,
}

pub(super) fn check(config: &Config) -> Result<(), (&'static str, &'static str)> {
    let flush = config.probe.flush_every_s.is_none_or(|s| (1..=MAX_FLUSH_EVERY_S).contains(&s));
    rule(flush, "probe.flush_every_s", "must be from 1 to 3600")?;
    // Where no reference could answer in time, no failure would ever count.
    let patient = (1..=MAX_REFERENCE_TIMEOUT_MS).contains(&config.probe.reference_timeout_ms);
    rule(patient, "probe.reference_timeout_ms", "must be from 1 to 60000")?;
    let named = |rule: &Resolve| matches!(Host::parse(&rule.host), Ok(Host::Domain(_)));
    rule(config.resolve.iter().all(named), "resolve.host", "must be a name, and no address")?;
    let leads = |rule: &Resolve| rule.addr.is_some() != rule.port.is_some();
    rule(config.resolve.iter().all(leads), "resolve", "must have addr or port, and not both")?;
    let count = config.references.len();
    rule(count <= MAX_REFERENCES, "reference", "there may be at most 16")?;
    rule(
        config.references.iter().all(|reference| matches!(reference.url.scheme(), "http" | "https")),
        "reference.url",
        "must be an http or https URL",
    )?;
    rule(
        count == 0 || (1..=count).contains(&config.references_needed),
        "references_needed",
        "must be at least 1 and at most the number of references",
    )
}
