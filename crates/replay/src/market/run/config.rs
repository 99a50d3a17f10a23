//! The configuration files of a market's programs.

use std::net::SocketAddr;
use std::path::Path;

use terms::TimeRange;
use toml::Value;

use crate::market::file::{Market, Provider, host};
use crate::run::config::{Listens, Reaches, node_of, oracle_of, resolve};
use crate::text;

/// What the directory's node may commit: it neither sells nor buys.
const NOTHING: &str = "max_contract_sat = 0\nmax_locked_sat = 0\nmax_per_counterparty_sat = 0\n";

/// The oracle's, which measures the services of all providers.
pub(super) fn oracle(
    market: &Market,
    data_dir: &Path,
    listen: SocketAddr,
    services: &[SocketAddr],
    reference: SocketAddr,
) -> anyhow::Result<String> {
    let any: TimeRange = market.span();
    let mut lines = String::new();
    for (provider, addr) in market.providers.iter().zip(services) {
        lines += &resolve(&market.measurement(provider, any), *addr)?;
    }
    Ok(oracle_of(&market.chain, market.slice_s(), data_dir, listen, reference, &lines))
}

/// The directory's.
pub(super) fn directory(market: &Market, data_dir: &Path, listens: Listens, reaches: &Reaches) -> String {
    node_of(&market.chain, data_dir, listens, reaches, NOTHING) + "\n[directory]\n"
}

/// A provider's, which has itself listed.
pub(super) fn provider(
    market: &Market,
    provider: &Provider,
    data_dir: &Path,
    listens: Listens,
    reaches: &Reaches,
    directory: &str,
) -> String {
    let windows = text::counted(market.windows.len() as u64, "window", "windows");
    let summary = Value::String(format!("{windows} of {}", host(&provider.target)));
    node_of(&market.chain, data_dir, listens, reaches, &provider.mandate.lines())
        + &format!(
            "\n[listing]\nurl = \"http://{}\"\ndirectories = [\"{directory}\"]\nsummary = {summary}\n",
            listens.peer
        )
}
