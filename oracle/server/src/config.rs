//! The oracle's configuration: one TOML file, everything else defaulted.

mod alias;
mod limits;
mod load;
mod network;
mod policy;
mod probe;
mod rate;
mod retention;
mod services;
#[cfg(test)]
mod tests;
mod vantages;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use terms::Hex32;

pub use alias::Alias;
pub use limits::Limits;
pub use load::ConfigError;
pub use network::Network;
pub use policy::{Accept, Policy, RequesterConfig};
pub use probe::{ProbeConfig, Reference, Resolve};
pub use rate::RateConfig;
pub use retention::Retention;
pub use services::{ServiceConfig, ServiceError};
pub use vantages::{RemoteVantage, ServedOracle};

/// Everything that an operator sets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The chain; see [`Network`].
    pub network: Network,
    /// Where the HTTP API listens.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Holds key, database, journal and lock; relative to the configuration file.
    pub data_dir: PathBuf,
    /// Maturity is the window's end plus this: the time to object to a provisional outcome.
    #[serde(default = "default_publication_delay_s")]
    pub publication_delay_s: u64,
    /// The name of this oracle's place of measurement, in `[a-z0-9-]`.
    #[serde(default = "default_vantage")]
    pub vantage: String,
    /// The signing journal, outside the database; best on another disk. Default: in `data_dir`.
    #[serde(default)]
    pub journal: Option<PathBuf>,
    /// Where the newest checkpoint of the log is kept: a file on another machine's disk, mounted here. It is written
    /// before each signature, and compared at start: a snapshot of this machine rolls database and journal back
    /// together, and only what lies elsewhere can tell.
    #[serde(default)]
    pub checkpoint_copy: Option<PathBuf>,
    /// The file with the key's passphrase, for an oracle that starts without its operator.
    #[serde(default)]
    pub passphrase_file: Option<PathBuf>,
    /// Who may ask for measurements.
    #[serde(default)]
    pub policy: Policy,
    /// Those whose signed requests are taken, where the policy asks for signatures.
    #[serde(default, rename = "requester")]
    pub requesters: Vec<RequesterConfig>,
    /// Names under which clients of other oracles find events.
    #[serde(default, rename = "alias")]
    pub aliases: Vec<Alias>,
    /// Bounds on what outside input can make the oracle do.
    #[serde(default)]
    pub limits: Limits,
    /// Bounds on the requests of one address and of one key.
    #[serde(default)]
    pub rate: RateConfig,
    /// How targets are probed.
    #[serde(default)]
    pub probe: ProbeConfig,
    /// Names that lead to a fixed address.
    #[serde(default, rename = "resolve")]
    pub resolve: Vec<Resolve>,
    /// Targets that tell whether the oracle itself is connected.
    #[serde(default, rename = "reference")]
    pub references: Vec<Reference>,
    /// So many references must answer for a failed probe to count against its target.
    #[serde(default = "default_references_needed")]
    pub references_needed: usize,
    /// Vantages elsewhere that report to this oracle.
    #[serde(default, rename = "remote_vantage")]
    pub remote_vantages: Vec<RemoteVantage>,
    /// A slice waits this long after its end, in seconds, for vantages elsewhere. Default: half of the publication
    /// delay.
    #[serde(default)]
    pub vantage_grace_s: Option<u64>,
    /// Oracles that this place measures for, which makes this file one for `earnest-oracle probe`.
    #[serde(default, rename = "oracle")]
    pub oracles: Vec<ServedOracle>,
    /// How often such a place asks its oracles what there is to measure, in seconds.
    #[serde(default = "vantages::default_poll_every_s")]
    pub poll_every_s: u64,
    /// How long things are kept as they came.
    #[serde(default)]
    pub retention: Retention,
    /// Services whose windows are announced ahead, without being asked for.
    #[serde(default, rename = "service")]
    pub services: Vec<ServiceConfig>,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 7800))
}

fn default_publication_delay_s() -> u64 {
    600
}

fn default_vantage() -> String {
    "local".to_owned()
}

fn default_references_needed() -> usize {
    1
}

impl Config {
    /// The requester with this key.
    pub fn requester(&self, key: Hex32) -> Option<&RequesterConfig> {
        self.requesters.iter().find(|requester| requester.key == key)
    }

    /// The file that holds the requesters' token.
    pub fn token_file(&self) -> PathBuf {
        self.policy.token_file.clone().unwrap_or_else(|| self.data_dir.join("requester-token"))
    }

    /// The signing journal.
    pub fn journal_file(&self) -> PathBuf {
        self.journal.clone().unwrap_or_else(|| self.data_dir.join("signing.journal"))
    }

    /// The signing key.
    pub fn key_file(&self) -> PathBuf {
        self.data_dir.join("oracle.key")
    }

    /// The database.
    pub fn database_file(&self) -> PathBuf {
        self.data_dir.join("oracle.db")
    }
}
