//! The oracle's configuration: one TOML file, everything else defaulted.

mod alias;
mod policy;
mod rate;
mod retention;
mod services;
mod vantages;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use terms::Hex32;
use url::{Host, Url};

pub use alias::Alias;
pub use policy::{Accept, Policy, RequesterConfig};
pub use rate::RateConfig;
pub use retention::Retention;
pub use services::{ServiceConfig, ServiceError};
pub use vantages::{RemoteVantage, ServedOracle};

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The configuration file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a field of the wrong shape; the message names line and field.
    #[error("{}: {source}", path.display())]
    Malformed {
        /// The configuration file.
        path: PathBuf,
        /// What the parser said.
        source: Box<toml::de::Error>,
    },
    /// A field breaks a rule.
    #[error("{}: {field}: {rule}", path.display())]
    Invalid {
        /// The configuration file.
        path: PathBuf,
        /// The field's path.
        field: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A configured service breaks a rule.
    #[error("{}: service {service:?}: {error}", path.display())]
    Service {
        /// The configuration file.
        path: PathBuf,
        /// The service's name.
        service: String,
        /// What is wrong with it.
        error: ServiceError,
    },
}

/// The chain that the oracle's events are meant for.
///
/// Nothing of the oracle touches a chain. The network decides one thing: simulated time, and a key
/// that was made under it, are refused anywhere but on `regtest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// A private test chain; the only one that allows simulated time.
    Regtest,
    /// The signed test network.
    Signet,
    /// The public test network.
    Testnet4,
    /// Bitcoin.
    Mainnet,
}

impl Network {
    /// The name, as configurations and agreements spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regtest => "regtest",
            Self::Signet => "signet",
            Self::Testnet4 => "testnet4",
            Self::Mainnet => "mainnet",
        }
    }
}

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

/// Bounds on what outside input can make the oracle do.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Events that are announced and not yet attested.
    pub open_events: u64,
    /// Probes in one event's window. Closing a window takes about 100 MB of memory for a million.
    pub probes_per_event: u64,
    /// Milliseconds between two probes of one event, at least.
    pub probe_every_ms: u64,
    /// Bytes of a probed body that are read, at most.
    pub body_bytes: u64,
    /// HTTP requests that are answered at the same time.
    pub requests: usize,
    /// Probes that are under way at the same time.
    pub probes: usize,
    /// Readers of the stream at the same time.
    pub stream_readers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open_events: 1_000,
            probes_per_event: 1_000_000,
            probe_every_ms: 1_000,
            body_bytes: 8 * 1024 * 1024,
            requests: 256,
            probes: 2_048,
            stream_readers: 64,
        }
    }
}

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
    /// Samples are written at least this often; a crash loses no more. Default: 5 s, and in
    /// simulated time 300 s.
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

/// A name that leads to a fixed address, whatever the system's resolver says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// The host of a target's URL.
    pub host: String,
    /// Where connections for it go, whatever port the URL names.
    pub addr: SocketAddr,
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

/// The longest publication delay: 90 days.
const MAX_PUBLICATION_DELAY_S: u64 = 90 * 86_400;
/// The most reference targets; each failed probe asks all of them.
const MAX_REFERENCES: usize = 16;

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// Names the file, and the line or field with the rule that it breaks.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source: Box::new(source) })?;
        config.check().map_err(|(field, rule)| ConfigError::Invalid {
            path: path.to_owned(),
            field: field.to_owned(),
            rule,
        })?;
        services::check_services(&mut config.services).map_err(|(service, error)| ConfigError::Service {
            path: path.to_owned(),
            service,
            error,
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.data_dir = folder.join(&config.data_dir);
        config.journal = config.journal.map(|journal| folder.join(journal));
        config.checkpoint_copy = config.checkpoint_copy.map(|file| folder.join(file));
        config.passphrase_file = config.passphrase_file.map(|file| folder.join(file));
        config.probe.extra_roots = config.probe.extra_roots.map(|file| folder.join(file));
        config.policy.token_file = config.policy.token_file.map(|file| folder.join(file));
        Ok(config)
    }

    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        rule(is_label(&self.vantage), "vantage", "must be 1 to 32 characters of a-z, 0-9 and -")?;
        rule(
            self.publication_delay_s <= MAX_PUBLICATION_DELAY_S,
            "publication_delay_s",
            "must be at most 90 days",
        )?;
        rule(self.limits.requests > 0, "limits.requests", "must be at least 1")?;
        rule(self.limits.probes > 0, "limits.probes", "must be at least 1")?;
        rule(self.limits.probe_every_ms > 0, "limits.probe_every_ms", "must be at least 1")?;
        rule(self.probe.flush_every_s != Some(0), "probe.flush_every_s", "must be at least 1")?;
        let named = |rule: &Resolve| matches!(Host::parse(&rule.host), Ok(Host::Domain(_)));
        rule(self.resolve.iter().all(named), "resolve.host", "must be a name, and no address")?;
        policy::check_requesters(&self.policy, &self.requesters)?;
        self.rate.check()?;
        alias::check(&self.aliases)?;
        self.check_references()?;
        vantages::check(self)
    }

    fn check_references(&self) -> Result<(), (&'static str, &'static str)> {
        let count = self.references.len();
        rule(count <= MAX_REFERENCES, "reference", "there may be at most 16")?;
        rule(
            self.references.iter().all(|reference| matches!(reference.url.scheme(), "http" | "https")),
            "reference.url",
            "must be an http or https URL",
        )?;
        rule(
            count == 0 || (1..=count).contains(&self.references_needed),
            "references_needed",
            "must be at least 1 and at most the number of references",
        )
    }

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

fn rule<T>(holds: bool, field: T, text: T) -> Result<(), (T, T)> {
    if holds { Ok(()) } else { Err((field, text)) }
}

fn is_label(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("/etc/earnest/oracle.toml"))
    }

    #[test]
    fn two_lines_are_a_whole_configuration() {
        let config = parse("network = \"regtest\"\ndata_dir = \"data\"").unwrap();
        assert_eq!(config.data_dir, Path::new("/etc/earnest/data"));
        assert_eq!(config.publication_delay_s, 600);
        assert_eq!(config.journal_file(), Path::new("/etc/earnest/data/signing.journal"));
        assert!(!config.probe.allow_private_targets);
    }

    #[test]
    fn the_published_example_is_read() {
        let text = include_str!("../../../docs/examples/oracle.toml");
        let config = parse(text).unwrap();
        assert_eq!(config.references.len(), 2);
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        let error = parse("network = \"regtest\"\ndata_dir = \"d\"\nlisten_on = 1").unwrap_err().to_string();
        assert!(error.contains("listen_on") && error.contains("line 3"), "{error}");
    }

    const NORTH_AS_LOCAL: &str = "[[remote_vantage]]\nname = \"local\"\n\
         key = \"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\"";
    const NO_KEY: &str = "[[remote_vantage]]\nname = \"north\"\n\
         key = \"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"";

    #[test]
    fn the_published_vantage_is_read_and_is_one() {
        let config = parse(include_str!("../../../docs/examples/vantage.toml")).unwrap();
        assert!(config.is_vantage() && config.remote_vantages.is_empty());
    }

    #[test]
    fn a_broken_rule_names_its_field() {
        let requester = format!("[[requester]]\nname = \"a\"\nkey = \"{}\"\n", "07".repeat(32));
        let cases = [
            ("vantage = \"Frankfurt 1\"", "vantage"),
            ("publication_delay_s = 99999999", "publication_delay_s"),
            ("references_needed = 2\n[[reference]]\nurl = \"http://a.example\"", "references_needed"),
            ("[[reference]]\nurl = \"ftp://a.example\"", "reference.url"),
            ("[probe]\nflush_every_s = 0", "probe.flush_every_s"),
            ("[rate]\nburst = 0", "rate.burst"),
            ("[policy]\nprice_hook = \"https://pay.example/\"", "policy.price_hook"),
            ("[[alias]]\nasset = \"edge\"\nhost = \"edge.example\"", "alias.asset"),
            ("[[alias]]\nasset = \"edge01\"", "alias"),
            ("[policy]\naccept = \"keys\"", "policy.accept"),
            (&format!("{requester}{requester}"), "requester.key"),
            ("vantage_grace_s = 600", "vantage_grace_s"),
            (NORTH_AS_LOCAL, "remote_vantage.name"),
            (NO_KEY, "remote_vantage.key"),
            (
                "[[oracle]]\nurl = \"ftp://a.example\"\nkey = \"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\"",
                "oracle.url",
            ),
            ("[[resolve]]\nhost = \"192.0.2.1\"\naddr = \"127.0.0.1:80\"", "resolve.host"),
        ];
        for (line, field) in cases {
            let text = format!("network = \"regtest\"\ndata_dir = \"d\"\n{line}");
            let error = parse(&text).unwrap_err();
            assert!(matches!(&error, ConfigError::Invalid { field: f, .. } if f == field), "{error}");
        }
    }
}
