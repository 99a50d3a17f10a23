//! Names under which clients of other oracles find events.

use serde::Deserialize;
use terms::EventId;

use super::load::rule;

/// An asset of p2pderivatives' API: its clients ask for an asset and a maturity.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alias {
    /// The asset's name: six letters or digits, since its clients take an event id apart after the sixth character.
    pub asset: String,
    /// The events that measure this host: the first announced of each maturity.
    #[serde(default)]
    pub host: Option<String>,
    /// This one event.
    #[serde(default)]
    pub event: Option<EventId>,
}

/// The most aliases.
const MAX_ALIASES: usize = 1_000;
const ASSET_LEN: usize = 6;

/// Checks the aliases.
pub(super) fn check(aliases: &[Alias]) -> Result<(), (&'static str, &'static str)> {
    rule(aliases.len() <= MAX_ALIASES, "alias", "there may be at most 1,000")?;
    let named =
        |it: &Alias| it.asset.len() == ASSET_LEN && it.asset.bytes().all(|b| b.is_ascii_alphanumeric());
    rule(aliases.iter().all(named), "alias.asset", "must be six letters or digits")?;
    let leads = |it: &Alias| it.host.is_some() != it.event.is_some();
    rule(aliases.iter().all(leads), "alias", "must have either host or event")
}
