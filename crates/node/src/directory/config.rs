//! `[directory]`: keeping listings of others. `[listing]`: having one's own kept.

use protocol::listing::{MAX_LIFE_S, MAX_SUMMARY_CHARS};
use protocol::text::{check_line, check_url};
use serde::Deserialize;

use crate::config::ConfigError;

/// The most directories that one node is listed in.
const MOST_DIRECTORIES: usize = 8;
/// A listing is renewed when half of its life is over; with less than this it would be renewed all the time.
const LEAST_LIFE_S: u64 = 600;

/// The configuration's section `[directory]`: where it stands, this node keeps the listings of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirectoryConfig {
    /// So many listings are kept at most, those that were withdrawn and must not come back among them.
    pub max_listings: u64,
    /// So many of them may come from one address: an IPv4 address or the first 64 bits of an IPv6 one.
    pub max_per_address: u64,
}

impl Default for DirectoryConfig {
    fn default() -> Self {
        Self { max_listings: 10_000, max_per_address: 20 }
    }
}

/// The configuration's section `[listing]`: where it stands, this node has itself listed as a provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListingConfig {
    /// Where others reach this node's card: the base URL of its peer API as the world sees it.
    pub url: String,
    /// The directories that keep the listing, 1 to 8 base URLs.
    pub directories: Vec<String>,
    /// What it sells, for a person to read: one line of 300 characters at most.
    #[serde(default)]
    pub summary: String,
    /// How long each listing is good, in seconds; it is renewed at half of that.
    #[serde(default = "a_day")]
    pub life_s: u64,
}

fn a_day() -> u64 {
    86_400
}

impl DirectoryConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        rule((1..=100_000).contains(&self.max_listings), "directory.max_listings", "must be 1 to 100000")?;
        let per_address = (1..=self.max_listings).contains(&self.max_per_address);
        rule(per_address, "directory.max_per_address", "must be 1 to max_listings")
    }
}

impl ListingConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let is_url = |url: &String| check_url("url", url).is_ok();
        rule(is_url(&self.url), "listing.url", "must be an http or https URL of at most 500 characters")?;
        let some = (1..=MOST_DIRECTORIES).contains(&self.directories.len());
        let directories = some && self.directories.iter().all(is_url);
        rule(directories, "listing.directories", "must be 1 to 8 http or https URLs")?;
        let is_line = check_line("summary", &self.summary, MAX_SUMMARY_CHARS).is_ok();
        rule(is_line, "listing.summary", "must be one line of at most 300 characters")?;
        let life = (LEAST_LIFE_S..=MAX_LIFE_S).contains(&self.life_s);
        rule(life, "listing.life_s", "must be 600 to 604800")
    }
}

fn rule(holds: bool, field: &'static str, rule: &'static str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Rule { field, rule }) }
}
