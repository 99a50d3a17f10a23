//! Who may ask for measurements, and how many.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use terms::Hex32;
use url::Url;

use super::load::rule;

/// Who may ask for measurements.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Anybody, holders of the token, or the keys of the requesters.
    #[serde(default)]
    pub accept: Accept,
    /// The file with the bearer token; `requester-token` in `data_dir` by default, made by `init`.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// Asked before anything is announced whether it has a price: an `http` URL, best on this machine.
    #[serde(default)]
    pub price_hook: Option<Url>,
}

/// Who may ask for measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accept {
    /// Anybody.
    #[default]
    Open,
    /// Requests with the right `Authorization: Bearer` header.
    Token,
    /// Requests that one of the configured requesters has signed.
    Keys,
}

impl Accept {
    /// The word, as the configuration spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Token => "token",
            Self::Keys => "keys",
        }
    }
}

/// Somebody who may ask for measurements by signed requests, and how many.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequesterConfig {
    /// What the operator calls it.
    pub name: String,
    /// The key that signs its requests (x-only): a node's identity key.
    pub key: Hex32,
    /// Its events that are announced and not yet attested, at most.
    #[serde(default = "default_open_events")]
    pub open_events: u64,
    /// Its events that are announced within 24 hours, at most.
    #[serde(default = "default_per_day")]
    pub per_day: u64,
    /// Probes in the window of an event of its, at most; the oracle's own limit holds as well.
    #[serde(default)]
    pub probes_per_event: Option<u64>,
}

fn default_open_events() -> u64 {
    100
}

fn default_per_day() -> u64 {
    100
}

/// The most requesters.
const MAX_REQUESTERS: usize = 10_000;

/// Checks the requesters against each other.
pub(super) fn check_requesters(
    policy: &Policy,
    requesters: &[RequesterConfig],
) -> Result<(), (&'static str, &'static str)> {
    let hook = policy.price_hook.as_ref();
    rule(
        hook.is_none_or(|hook| hook.scheme() == "http" && hook.has_host()),
        "policy.price_hook",
        "must be an http URL",
    )?;
    rule(requesters.len() <= MAX_REQUESTERS, "requester", "there may be at most 10,000")?;
    let named = |it: &RequesterConfig| (1..=64).contains(&it.name.chars().count());
    rule(requesters.iter().all(named), "requester.name", "must have 1 to 64 characters")?;
    let mut keys: Vec<Hex32> = requesters.iter().map(|requester| requester.key).collect();
    keys.sort_unstable();
    rule(
        keys.windows(2).all(|pair| pair[0] != pair[1]),
        "requester.key",
        "must not be another requester's too",
    )?;
    rule(
        policy.accept != Accept::Keys || !requesters.is_empty(),
        "policy.accept",
        "must not be \"keys\" without a [[requester]]",
    )
}
