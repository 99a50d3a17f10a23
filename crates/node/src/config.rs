//! The node's configuration file: typed, checked, every field documented.

mod agents;
mod money;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bitcoin::Network;
use mandate::Mandate;
use serde::Deserialize;
use terms::Hex32;

pub use self::agents::McpConfig;
pub use self::money::{SupplyConfig, SweepConfig, TimeOfDay};
use crate::book::ReceiptsConfig;
use crate::directory::{DirectoryConfig, ListingConfig};
use crate::money::fees::FeesConfig;
use crate::peers::locking::LockingConfig;
use crate::peers::renewal::RenewalConfig;
use crate::reputation::ReputationConfig;
use crate::visitors::LimitsConfig;

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not TOML, or a field is unknown, missing or of the wrong type.
    #[error("{path}: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, column and field.
        source: Box<toml::de::Error>,
    },
    /// Real money, and nobody has said that they know what is risked.
    #[error(
        "mainnet_acknowledgement: to use real money, write mainnet_acknowledgement = \"{MAINNET_ACKNOWLEDGEMENT}\""
    )]
    Unacknowledged,
    /// A field breaks a rule.
    #[error("{field}: {rule}")]
    Rule {
        /// The field.
        field: &'static str,
        /// The rule.
        rule: &'static str,
    },
}

/// What the owner of a node on mainnet writes into its configuration, word for word.
pub const MAINNET_ACKNOWLEDGEMENT: &str =
    "this is real money, and a fault of the software, a lost seed or a lost data folder can lose all of it";

/// Everything `earnest serve` needs to know.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The chain: `regtest`, `signet`, `testnet4` or `mainnet`.
    pub network: String,
    /// The sentence [`MAINNET_ACKNOWLEDGEMENT`], without which nothing is done on mainnet.
    #[serde(default)]
    pub mainnet_acknowledgement: Option<String>,
    /// Where seed, token and database live; created by `earnest init`.
    pub data_dir: PathBuf,
    /// Where the owner's API and pages listen; loopback.
    pub owner_listen: SocketAddr,
    /// Where peers reach us.
    pub peer_listen: SocketAddr,
    /// The longest time between two looks at the chain, the oracles and the peers, in seconds.
    #[serde(default = "default_poll")]
    pub poll_every_s: u64,
    /// The depth at which something on the chain counts as final.
    #[serde(default = "default_confirmations")]
    pub confirmations: u32,
    /// The Bitcoin node.
    pub bitcoind: BitcoindConfig,
    /// The oracles that we ask, at most 16.
    #[serde(default, rename = "oracle")]
    pub oracles: Vec<OracleConfig>,
    /// What transactions pay, and when they are bumped.
    #[serde(default)]
    pub fees: FeesConfig,
    /// Whether agreements with several oracles need proofs that each oracle knows its nonces.
    #[serde(default = "yes")]
    pub require_nonce_proofs: bool,
    /// The latest version of the protocol that this node speaks with peers: 1, or 2, which negotiates.
    #[serde(default = "default_protocol_version")]
    pub max_protocol_version: u64,
    /// How long locking may take.
    #[serde(default)]
    pub locking: LockingConfig,
    /// Where escrows are kept besides the data folder.
    pub backup: Option<BackupConfig>,
    /// The scheduled sweep; left out: none.
    #[serde(default)]
    pub sweep: Option<SweepConfig>,
    /// The supply of coins for escrows; left out: none.
    #[serde(default)]
    pub supply: Option<SupplyConfig>,
    /// What becomes of an escrow after its window.
    #[serde(default)]
    pub renewal: RenewalConfig,
    /// Who may see the receipts' roots.
    #[serde(default)]
    pub receipts: ReceiptsConfig,
    /// How much strangers may ask of this node.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Where it stands, this node is a directory: it keeps the listings of others.
    #[serde(default)]
    pub directory: Option<DirectoryConfig>,
    /// Where it stands, this node has itself listed as a provider.
    #[serde(default)]
    pub listing: Option<ListingConfig>,
    /// What this node presents of its own escrows, whom it believes, and what it asks of providers.
    #[serde(default)]
    pub reputation: ReputationConfig,
    /// Where agents reach the node's tools over HTTP; left out: nowhere.
    #[serde(default)]
    pub mcp: Option<McpConfig>,
    /// What the owner lets this node do.
    pub mandate: Mandate,
}

/// How to reach the Bitcoin node's RPC.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitcoindConfig {
    /// Such as `http://127.0.0.1:8332`.
    pub url: String,
    /// The node's cookie file; or else `user` and `password`.
    pub cookie_file: Option<PathBuf>,
    /// An RPC user.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
}

/// One oracle: where it is, and the key that we hold it to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleConfig {
    /// Its address.
    pub url: String,
    /// Its x-only key; what another key signs is not from this oracle.
    pub key: Hex32,
}

fn yes() -> bool {
    true
}

/// Where escrows are kept besides the data folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupConfig {
    /// A folder on another disk or machine, which `earnest init` prepares.
    pub target: PathBuf,
}

fn default_protocol_version() -> u64 {
    protocol::envelope::LATEST
}

fn default_poll() -> u64 {
    30
}

fn default_confirmations() -> u32 {
    6
}

impl Config {
    /// Reads and checks a configuration file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Names the file, and the field and the rule that it breaks.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.data_dir = folder.join(&config.data_dir);
        config.bitcoind.cookie_file = config.bitcoind.cookie_file.map(|file| folder.join(file));
        if let Some(backup) = &mut config.backup {
            backup.target = folder.join(&backup.target);
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let rules = [
            (self.chain().is_some(), "network", "must be regtest, signet, testnet4 or mainnet"),
            (
                self.owner_listen.ip().is_loopback(),
                "owner_listen",
                "must be a loopback address; put a proxy with its own login in front of it",
            ),
            ((1..=86_400).contains(&self.poll_every_s), "poll_every_s", "must be 1 to 86400"),
            ((1..=100).contains(&self.confirmations), "confirmations", "must be 1 to 100"),
            (
                protocol::envelope::VERSIONS.contains(&self.max_protocol_version),
                "max_protocol_version",
                "must be 1 or 2",
            ),
            (self.oracles.len() <= 16, "oracle", "at most 16 oracles"),
            (
                self.bitcoind.cookie_file.is_some() != self.bitcoind.user.is_some(),
                "bitcoind",
                "needs either cookie_file, or user and password",
            ),
            (
                self.bitcoind.user.is_some() == self.bitcoind.password.is_some(),
                "bitcoind.password",
                "user and password go together",
            ),
            (
                self.backup.as_ref().is_none_or(|backup| !backup.target.starts_with(&self.data_dir)),
                "backup.target",
                "must be outside data_dir: it is for the day when data_dir is lost",
            ),
        ];
        let sections = self.fees.rules().into_iter().chain(self.locking.rules());
        let sections = sections.chain(self.reputation.rules());
        match rules.into_iter().chain(sections).find(|(holds, ..)| !holds) {
            None => {
                self.check_acknowledgement()?;
                self.check_mandate()?;
                self.check_public()?;
                self.mcp.as_ref().map_or(Ok(()), |mcp| mcp.check(self.owner_listen))?;
                self.check_money()
            }
            Some((_, field, rule)) => Err(ConfigError::Rule { field, rule }),
        }
    }

    /// Elsewhere the sentence is refused, so that it is written when a node moves to mainnet and not long before.
    fn check_acknowledgement(&self) -> Result<(), ConfigError> {
        let given = self.mainnet_acknowledgement.as_deref();
        match (self.bitcoin_network(), given) {
            (Network::Bitcoin, Some(MAINNET_ACKNOWLEDGEMENT)) => Ok(()),
            (Network::Bitcoin, _) => Err(ConfigError::Unacknowledged),
            (_, None) => Ok(()),
            (_, Some(_)) => Err(ConfigError::Rule {
                field: "mainnet_acknowledgement",
                rule: "is for mainnet alone; leave it out on a test network",
            }),
        }
    }

    fn check_mandate(&self) -> Result<(), ConfigError> {
        self.mandate.validate().map_err(|(field, rule)| ConfigError::Rule { field, rule })
    }

    /// What strangers see of this node.
    fn check_public(&self) -> Result<(), ConfigError> {
        self.limits.check()?;
        self.directory.map_or(Ok(()), |directory| directory.check())?;
        self.listing.as_ref().map_or(Ok(()), ListingConfig::check)
    }

    fn check_money(&self) -> Result<(), ConfigError> {
        self.sweep.as_ref().map_or(Ok(()), |sweep| sweep.check(self.bitcoin_network()))?;
        self.supply.as_ref().map_or(Ok(()), SupplyConfig::check)
    }

    fn chain(&self) -> Option<Network> {
        match self.network.as_str() {
            "regtest" => Some(Network::Regtest),
            "signet" => Some(Network::Signet),
            "testnet4" => Some(Network::Testnet4),
            "mainnet" => Some(Network::Bitcoin),
            _ => None,
        }
    }

    /// The chain.
    ///
    /// # Panics
    /// Never for a configuration that [`Config::load`] returned: it checked the name.
    pub fn bitcoin_network(&self) -> Network {
        self.chain().expect("load() checked the network's name")
    }
}
