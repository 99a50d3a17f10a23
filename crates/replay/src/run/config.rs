//! The configuration files of the three programs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use terms::{Hex32, Measurement};
use toml::Value;

use crate::scenario::{ChainPlan, Scenario};

/// The name under which the oracle knows its reference target.
const REFERENCE: &str = "http://reference.example/ok";

/// An oracle that is killed loses what it has not written down: a slice, or where slices are long this many seconds.
const MOST_UNWRITTEN_S: u64 = 300;

/// A text or a path as TOML writes it.
fn quoted(text: impl Into<String>) -> String {
    Value::String(text.into()).to_string()
}

fn path(path: &Path) -> String {
    quoted(path.display().to_string())
}

/// `earnest-oracle`'s configuration: the names of scenario and reference lead to the replay's targets.
pub(super) fn oracle(
    scenario: &Scenario,
    data_dir: &Path,
    listen: SocketAddr,
    target: SocketAddr,
    reference: SocketAddr,
) -> anyhow::Result<String> {
    let services = resolve(&scenario.measurement, target)?;
    let slice_s = scenario.measurement.slice_s;
    Ok(oracle_of(&scenario.chain, slice_s, data_dir, listen, reference, &services))
}

/// The host of a measurement's target leads here.
pub(crate) fn resolve(measurement: &Measurement, to: SocketAddr) -> anyhow::Result<String> {
    let target_url = measurement.target.http().map(|http| http.url.as_str());
    let url: url::Url = target_url.unwrap_or_default().parse()?;
    let host = quoted(url.host_str().unwrap_or_default());
    Ok(format!("\n[[resolve]]\nhost = {host}\naddr = \"{to}\"\n"))
}

/// The same for any services: `services` goes on after the lines about probes.
pub(crate) fn oracle_of(
    chain: &ChainPlan,
    slice_s: u64,
    data_dir: &Path,
    listen: SocketAddr,
    reference: SocketAddr,
    services: &str,
) -> String {
    format!(
        "network = \"regtest\"\nlisten = \"{listen}\"\ndata_dir = {}\npublication_delay_s = {}\n\
         vantage = \"local\"\nreferences_needed = 1\n\n[policy]\naccept = \"open\"\n\n\
         [probe]\nflush_every_s = {}\n{services}\n\
         [[resolve]]\nhost = \"reference.example\"\naddr = \"{reference}\"\n\n\
         [[reference]]\nurl = \"{REFERENCE}\"\n",
        path(data_dir),
        chain.publication_delay_s,
        slice_s.min(MOST_UNWRITTEN_S),
    )
}

/// Where a node listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listens {
    pub owner: SocketAddr,
    pub peer: SocketAddr,
}

/// What a node reaches, and where.
#[derive(Clone, Debug)]
pub(crate) struct Reaches {
    pub bitcoind: SocketAddr,
    pub cookie: PathBuf,
    pub oracle: (SocketAddr, Hex32),
}

/// `earnest`'s configuration. The mandate allows this one escrow with room to spare.
pub(super) fn node(scenario: &Scenario, data_dir: &Path, listens: Listens, reaches: &Reaches) -> String {
    let ceiling = 2 * (scenario.deal.price_sat.0 + scenario.deal.bond_sat.0) + 1_000_000;
    let mandate = format!(
        "max_contract_sat = {ceiling}\nmax_locked_sat = {ceiling}\nmax_per_counterparty_sat = {ceiling}\n\
         max_fee_rate_sat_vb = 1000\n"
    );
    node_of(&scenario.chain, data_dir, listens, reaches, &mandate)
}

/// The same with any mandate, given as the lines of its section.
pub(crate) fn node_of(
    chain: &ChainPlan,
    data_dir: &Path,
    listens: Listens,
    reaches: &Reaches,
    mandate: &str,
) -> String {
    format!(
        "network = \"regtest\"\ndata_dir = {}\nowner_listen = \"{}\"\npeer_listen = \"{}\"\n\
         poll_every_s = {}\nconfirmations = {}\n\n[bitcoind]\nurl = {}\ncookie_file = {}\n\n\
         [[oracle]]\nurl = \"http://{}\"\nkey = \"{}\"\n\n\
         [mandate]\n{mandate}",
        path(data_dir),
        listens.owner,
        listens.peer,
        chain.poll_every_s,
        chain.confirmations,
        quoted(format!("http://{}", reaches.bitcoind)),
        path(&reaches.cookie),
        reaches.oracle.0,
        reaches.oracle.1,
    )
}
