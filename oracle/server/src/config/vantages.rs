//! Vantages: those that report to this oracle, and the oracles that this place is a vantage of.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use signer::check_key;
use terms::Hex32;
use url::Url;

use super::Config;
use super::load::{is_label, rule};

/// The most vantages of one oracle, its own included: no quorum is larger.
const MAX_VANTAGES: usize = 64;
/// The most oracles that one place measures for.
const MAX_ORACLES: usize = 16;

/// A vantage elsewhere that reports to this oracle.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteVantage {
    /// Its name in samples, in `[a-z0-9-]`.
    pub name: String,
    /// Its x-only key, as its `earnest-oracle init` printed it.
    pub key: Hex32,
}

/// An oracle that this place measures for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedOracle {
    /// Where its API is.
    pub url: Url,
    /// Its x-only key, as its `earnest-oracle init` printed it.
    pub key: Hex32,
}

pub(super) fn default_poll_every_s() -> u64 {
    30
}

impl Config {
    /// How long a slice waits for vantages elsewhere after its end, in milliseconds.
    pub fn vantage_grace_ms(&self) -> u64 {
        self.vantage_grace_s.unwrap_or(self.publication_delay_s / 2).saturating_mul(1000)
    }

    /// The vantage elsewhere that has this key.
    pub fn remote_vantage(&self, key: &Hex32) -> Option<&RemoteVantage> {
        self.remote_vantages.iter().find(|vantage| vantage.key == *key)
    }

    /// Is this the configuration of a vantage, and of no oracle?
    pub fn is_vantage(&self) -> bool {
        !self.oracles.is_empty()
    }

    /// A vantage's key.
    pub fn vantage_key_file(&self) -> PathBuf {
        self.data_dir.join("vantage.key")
    }

    /// What a vantage has measured, until its oracle has it.
    pub fn spool_file(&self) -> PathBuf {
        self.data_dir.join("vantage.db")
    }
}

pub(super) fn check(config: &Config) -> Result<(), (&'static str, &'static str)> {
    let remote = &config.remote_vantages;
    rule(remote.len() < MAX_VANTAGES, "remote_vantage", "there may be at most 63")?;
    let names: BTreeSet<&str> = remote.iter().map(|vantage| vantage.name.as_str()).collect();
    rule(
        remote.iter().all(|vantage| is_label(&vantage.name)),
        "remote_vantage.name",
        "must be 1 to 32 characters of a-z, 0-9 and -",
    )?;
    let apart = names.len() == remote.len() && !names.contains(config.vantage.as_str());
    rule(apart, "remote_vantage.name", "must be a name that no other vantage has, nor the oracle's own")?;
    let keys: BTreeSet<&Hex32> = remote.iter().map(|vantage| &vantage.key).collect();
    rule(keys.len() == remote.len(), "remote_vantage.key", "must be a key that no other vantage has")?;
    rule(keys.iter().all(|key| check_key(key)), "remote_vantage.key", "must be an x-only key")?;
    let grace_s = config.vantage_grace_ms() / 1000;
    rule(
        grace_s < config.publication_delay_s || (remote.is_empty() && config.vantage_grace_s.is_none()),
        "vantage_grace_s",
        "must be less than publication_delay_s: the outcome is to be public before it is signed",
    )?;
    check_oracles(config)
}

fn check_oracles(config: &Config) -> Result<(), (&'static str, &'static str)> {
    let oracles = &config.oracles;
    rule(oracles.len() <= MAX_ORACLES, "oracle", "there may be at most 16")?;
    rule(
        oracles.is_empty() || config.remote_vantages.is_empty(),
        "oracle",
        "a place is an oracle with [[remote_vantage]] or a vantage with [[oracle]], never both",
    )?;
    let web = |oracle: &ServedOracle| matches!(oracle.url.scheme(), "http" | "https");
    rule(oracles.iter().all(web), "oracle.url", "must be an http or https URL")?;
    let keys: BTreeSet<&Hex32> = oracles.iter().map(|oracle| &oracle.key).collect();
    rule(keys.len() == oracles.len(), "oracle.key", "must be a key that no other oracle has")?;
    rule(keys.iter().all(|key| check_key(key)), "oracle.key", "must be an x-only key")?;
    rule((1..=3_600).contains(&config.poll_every_s), "poll_every_s", "must be from 1 to 3600")
}
