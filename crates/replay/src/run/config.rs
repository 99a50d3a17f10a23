//! The configuration files of the three programs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use terms::{Hex32, Measurement};
use toml::Value;

use crate::scenario::{ChainPlan, Scenario};

/// The name under which the oracle knows its reference target.
const REFERENCE: &str = "http://reference.example/ok";

/// The name of an oracle's own place of measurement.
pub(super) const OWN: &str = "local";

/// A vantage asks for its assignments at least this often, in seconds.
const MOST_POLL_S: u64 = 3_600;

/// An oracle that is killed loses what it has not written down: a slice, or where slices are long this many seconds.
const MOST_UNWRITTEN_S: u64 = 300;

/// A text or a path as TOML writes it.
pub(super) fn quoted(text: impl Into<String>) -> String {
    Value::String(text.into()).to_string()
}

pub(super) fn path(path: &Path) -> String {
    quoted(path.display().to_string())
}

/// A place of measurement: where it keeps its data, how it finds and believes the service, and where its reference is.
#[derive(Clone, Debug)]
pub(super) struct Site<'a> {
    pub data_dir: &'a Path,
    /// Lines that go on after those about probes.
    pub services: String,
    pub reference: SocketAddr,
}

/// `earnest-oracle`'s configuration; `vantages` are the names and keys of those that report to it.
pub(super) fn oracle(
    scenario: &Scenario,
    site: &Site<'_>,
    listen: SocketAddr,
    vantages: &[(String, String)],
) -> String {
    let mut tables = site.services.clone();
    for (name, key) in vantages {
        tables += &format!("\n[[remote_vantage]]\nname = {}\nkey = {}\n", quoted(name), quoted(key));
    }
    let slice_s = scenario.measurement.slice_s;
    oracle_of(&scenario.chain, slice_s, site.data_dir, listen, site.reference, &tables)
}

/// The configuration of a vantage of these oracles, by their addresses and keys. Without any it is good for making its key.
pub(super) fn vantage(scenario: &Scenario, site: &Site<'_>, oracles: &[(SocketAddr, Hex32)]) -> String {
    format!(
        "network = \"regtest\"\ndata_dir = {}\nreferences_needed = 1\npoll_every_s = {}\n\n\
         [probe]\nflush_every_s = {}\n{}{}{}",
        path(site.data_dir),
        scenario.chain.poll_every_s.clamp(1, MOST_POLL_S),
        scenario.measurement.slice_s.min(MOST_UNWRITTEN_S),
        site.services,
        oracles.iter().map(reached).collect::<String>(),
        reference(site.reference),
    )
}

/// An oracle as nodes and vantages name it.
fn reached((addr, key): &(SocketAddr, Hex32)) -> String {
    format!("\n[[oracle]]\nurl = \"http://{addr}\"\nkey = \"{key}\"\n")
}

fn reference(to: SocketAddr) -> String {
    format!(
        "\n[[resolve]]\nhost = \"reference.example\"\naddr = \"{to}\"\n\n[[reference]]\nurl = \"{REFERENCE}\"\n"
    )
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
         vantage = \"{OWN}\"\nreferences_needed = 1\n\n[policy]\naccept = \"open\"\n\n\
         [probe]\nflush_every_s = {}\n{services}{}",
        path(data_dir),
        chain.publication_delay_s,
        slice_s.min(MOST_UNWRITTEN_S),
        self::reference(reference),
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

/// `earnest`'s configuration. The mandate allows this one escrow with room to spare. `others` are the oracles beside the
/// first one.
pub(super) fn node(
    scenario: &Scenario,
    data_dir: &Path,
    listens: Listens,
    reaches: &Reaches,
    others: &[(SocketAddr, Hex32)],
) -> String {
    let ceiling = 2 * (scenario.deal.price_sat.0 + scenario.deal.bond_sat.0) + 1_000_000;
    let mandate = format!(
        "max_contract_sat = {ceiling}\nmax_locked_sat = {ceiling}\nmax_per_counterparty_sat = {ceiling}\n\
         max_fee_rate_sat_vb = 1000\n"
    );
    let text = node_of(&scenario.chain, data_dir, listens, reaches, &mandate);
    others.iter().map(reached).fold(text, |text, other| text + &other)
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
