//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Measures services, keeps the evidence, and signs one attestation for each agreed window.
///
/// Two parties who locked bitcoin in a contract on a service level need somebody to say what the level
/// was. This oracle announces what it will measure, probes the service through the window, publishes
/// the outcome with all its samples, and signs once, at maturity. It never learns who contracted.
///
/// Exit codes: 0 well, 1 it failed (or an audit found something wrong), 2 bad input.
#[derive(Debug, Parser)]
#[command(name = "earnest-oracle", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the signing key and print its public part.
    Init(Init),
    /// Announce, measure, attest, and answer over HTTP, until SIGTERM or SIGINT.
    Serve(Serve),
    /// Measure for oracles elsewhere as one of their vantages, until SIGTERM or SIGINT.
    ///
    /// The configuration names the oracles; they tell what to measure and when. What was seen is written to disk,
    /// signed with this vantage's own key, and handed in until the oracle has it.
    Probe(Probe),
    /// Send one sign of life of a service, or make the key that signs them.
    ///
    /// For the service's own scheduler (cron, a systemd timer, the end of a backup script): a slot of a heartbeat's
    /// window with a beat is good, one without is bad.
    Beat(Beat),
    /// Compute the outcome of a measurement from samples, offline, and print it as JSON.
    ///
    /// The same function that the oracle itself uses: whoever has the samples can check the outcome.
    Measure(Measure),
    /// Check an evidence bundle offline, or everything that an oracle published.
    ///
    /// A bundle: samples, slices, Merkle root, outcome and signatures. With --log: the log's key and checkpoint, every entry
    /// and every tile, every announcement, every attestation with its evidence, and that no nonce was announced twice. With
    /// --keep it goes on from the last audit and checks that the log only grew.
    ///
    /// Exit code 0 when everything holds, 1 when something doesn't (saying where) or can't be read, 2 for a file that is no
    /// evidence bundle, or not what --keep keeps.
    Audit(Audit),
    /// Show that two attestations contradict each other: one key, one event, two outcomes; or two checkpoints of a log.
    ///
    /// Takes hex of TLV records, or files: such hex, the JSON of /attestation/{id} or /v1/events/{id}, evidence bundles, the
    /// alarms of a node (`GET /v1/alarms`). Of more than two attestations it looks for two that contradict each other. The
    /// oracle's announcement is compared where one of the arguments holds it. The key that follows from such a pair is
    /// neither kept nor printed.
    /// A node's alarm about an oracle's log holds two checkpoints, and what shows that the log was changed between them.
    ///
    /// Exit code 0 when a conflict is proven, 1 when there is none (saying why), 2 for what holds nothing of use.
    Prove(Prove),
    /// Say that a restored database shall be trusted again.
    ///
    /// An oracle whose database is older than its signing journal refuses to start: the copy has forgotten
    /// what was announced and signed since it was made. This command makes the journal accept the copy.
    /// Events that the copy lacks stay unattested for good, and are never announced again; their contracts
    /// end by refund. Events that the journal saw signed are only ever signed with that same outcome.
    TrustDatabase(ConfigFile),
    /// Make a new key for new events, signed by the old one. The service must be stopped.
    ///
    /// Events that are announced keep the old key until they are attested; then `retire-key` takes it away. Prints the new
    /// key. Whoever relies on the old one finds both keys' signatures over the change in `/v1/info`.
    RotateKey(ConfigFile),
    /// Erase an old key's file. Refused while an open event needs it. The service must be stopped.
    RetireKey(RetireKey),
    /// Copy key, journal, database and configuration into a new folder, also while the oracle serves.
    ///
    /// The copy is good for starting again, not for going on as if nothing had happened: what is announced or signed
    /// after it was made is not in it, and an oracle that is restored from it signs nothing until `trust-database`.
    Backup(Backup),
    /// Put a backup's files where the configuration wants them. Nothing that is there is replaced.
    Restore(Backup),
    /// List objections to provisional outcomes, or answer one publicly.
    ///
    /// Works beside a running oracle. Nothing follows from an objection by itself: the outcome follows from the samples.
    Objections(ObjectionsArguments),
    /// Leave an event unattested for good, with a public reason, so that contracts on it end by refund.
    ///
    /// For an event whose samples turned out to be wrong: the oracle can't sign another outcome than they give, but it
    /// can refuse to sign. Works beside a running oracle, until the moment of maturity, and can't be taken back.
    Withhold(Withhold),
}

/// Arguments of `objections`.
#[derive(Debug, Args)]
pub struct ObjectionsArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: ConfigFile,
    /// What to do; without it, list all.
    #[command(subcommand)]
    pub action: Option<ObjectionsAction>,
}

/// What to do with objections.
#[derive(Clone, Debug, Subcommand)]
pub enum ObjectionsAction {
    /// List them, newest first, at most 1,000.
    List {
        /// Only those without an answer.
        #[arg(long)]
        unanswered: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Answer one, once and publicly.
    Answer {
        /// The objection's number.
        id: i64,
        /// The answer.
        text: String,
    },
}

/// Arguments of `withhold`.
#[derive(Debug, Args)]
pub struct Withhold {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: ConfigFile,
    /// The event's id.
    pub event: String,
    /// Why, in words that everybody will read.
    #[arg(long)]
    pub reason: String,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration file (docs/oracle.md describes it).
    #[arg(long, value_name = "FILE", env = "EARNEST_ORACLE_CONFIG")]
    pub config: PathBuf,
}

/// Arguments of `backup` and `restore`.
#[derive(Debug, Args)]
pub struct Backup {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: ConfigFile,
    /// The backup's folder.
    pub folder: PathBuf,
}

/// Arguments of `retire-key`.
#[derive(Debug, Args)]
pub struct RetireKey {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: ConfigFile,
    /// The old key (x-only, hex).
    pub key: secp256k1_zkp::XOnlyPublicKey,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Init {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: ConfigFile,
    /// Make the key of a vantage, for `probe`, instead of an oracle's.
    #[arg(long)]
    pub vantage: bool,
    /// Mark the key as one for simulated time: usable on regtest under a simulated clock, and nowhere else.
    #[arg(long)]
    pub simulated: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: ConfigFile,
    /// Listen here instead of where the configuration says.
    #[arg(long, value_name = "HOST:PORT", env = "EARNEST_ORACLE_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Take the time from a replay's barrier. Regtest only.
    #[arg(long, value_name = "HOST:PORT", env = "EARNEST_SIMULATED_TIME")]
    pub simulated_time: Option<SocketAddr>,
    /// This oracle's name in simulated time, where several oracles share one barrier.
    #[arg(long, value_name = "NAME", default_value = "oracle", requires = "simulated_time")]
    pub simulated_name: String,
}

/// Arguments of `probe`.
#[derive(Debug, Args)]
pub struct Probe {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: ConfigFile,
    /// Take the time from a replay's barrier. Regtest only.
    #[arg(long, value_name = "HOST:PORT", env = "EARNEST_SIMULATED_TIME")]
    pub simulated_time: Option<SocketAddr>,
    /// This vantage's name in simulated time.
    #[arg(long, value_name = "NAME", default_value = "vantage", requires = "simulated_time")]
    pub simulated_name: String,
}

/// Arguments of `beat`.
#[derive(Debug, Args)]
pub struct Beat {
    /// The file of the key that signs; made by `--init`.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Make the key and print its public part, which measurements name.
    #[arg(long, conflicts_with_all = ["name", "oracle"])]
    pub init: bool,
    /// The service's name, as the measurement has it.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The oracle's URL.
    #[arg(long, value_name = "URL")]
    pub oracle: Option<String>,
}

/// Arguments of `measure`.
#[derive(Debug, Args)]
pub struct Measure {
    /// The measurement document.
    pub measurement: PathBuf,
    /// The samples: CSV with the columns unix_ms,vantage,ok,latency_ms, where ok is 1, 0, or empty for "could
    /// not be decided".
    pub samples: PathBuf,
    /// Explain the outcome in words instead of JSON.
    #[arg(long)]
    pub explain: bool,
}

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// The evidence bundle, as `GET /v1/events/{id}/evidence` serves it.
    #[arg(required_unless_present = "log", conflicts_with = "log")]
    pub bundle: Option<PathBuf>,
    /// The address of an oracle: audit its whole log.
    #[arg(long, value_name = "URL")]
    pub log: Option<String>,
    /// Go on from what this file says, and keep the newest checkpoint there, with what is needed to go on from it.
    #[arg(long, value_name = "FILE", requires = "log")]
    pub keep: Option<PathBuf>,
    /// Print the findings as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `prove`.
#[derive(Debug, Args)]
pub struct Prove {
    /// Attestations, or what holds some.
    #[arg(required = true, value_name = "HEX_OR_FILE")]
    pub records: Vec<String>,
    /// Print the proof as JSON.
    #[arg(long)]
    pub json: bool,
}
