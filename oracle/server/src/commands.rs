//! What the commands do. Results go to stdout, everything else to stderr.

mod beat;
mod check;
mod init;
mod keep;
mod objections;
mod probe;
mod serve;

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clock::Clock;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, ConfigFile};
use crate::config::Config;
use crate::operating::open_files;
use crate::probe::LOOKUPS_AT_ONCE;
use crate::service;

const NO_RUNTIME: &str = "the runtime can't be started";

/// Threads for disk, journal and judging, beside those of lookups.
const OTHER_THREADS: usize = 512;
/// However many targets the operator allows.
const MOST_THREADS: usize = 16_384;

/// Why a command did not end well, and with which exit code.
enum Failed {
    /// 1: it could not be done.
    Run(anyhow::Error),
    /// 2: what it was given breaks a rule.
    Input(anyhow::Error),
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::Run(error)
    }
}

fn bad_input(error: impl Into<anyhow::Error>) -> Failed {
    Failed::Input(error.into())
}

/// Runs a command to its end.
pub fn run(cli: Cli) -> ExitCode {
    log_to_stderr();
    let done = match cli.command {
        Command::Init(arguments) => init::init(&arguments),
        Command::Serve(arguments) => serve::serve(arguments),
        Command::Probe(arguments) => probe::probe(&arguments),
        Command::Beat(arguments) => beat::beat(&arguments),
        Command::Measure(arguments) => check::measure(&arguments),
        Command::Audit(arguments) => check::audit(&arguments),
        Command::Prove(arguments) => check::prove(&arguments),
        Command::TrustDatabase(arguments) => keep::trust_database(&arguments),
        Command::RotateKey(arguments) => keep::rotate_key(&arguments),
        Command::RetireKey(arguments) => keep::retire_key(&arguments),
        Command::Backup(arguments) => keep::back_up(&arguments),
        Command::Restore(arguments) => keep::restore(&arguments),
        Command::Objections(arguments) => objections::objections(&arguments),
        Command::Withhold(arguments) => objections::withhold(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Run(error)) => report(&error, 1),
        Err(Failed::Input(error)) => report(&error, 2),
    }
}

fn report(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("earnest-oracle: {}", in_words(error));
    ExitCode::from(code)
}

/// The error and its causes, less the causes that the error before them names already.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if words.ends_with(&cause) {
            continue;
        }
        let separator = if words.is_empty() { "" } else { ": " };
        words = format!("{words}{separator}{cause}");
    }
    words
}

/// `RUST_LOG` chooses what is logged; without it, what an operator wants to know.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    // Told to complain of a line that it can't write, it would panic: the disk under the log may be full.
    let log = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter);
    let log = log.with_writer(io::stderr);
    // A second subscriber in one process can only be a test's; its own is as good.
    let _ = log.with_ansi(io::stderr().is_terminal()).try_init();
}

fn load(file: &ConfigFile) -> Result<Config, Failed> {
    Config::load(&file.config).map_err(bad_input)
}

/// The configuration of an oracle. That of a vantage, which has another key and no journal, is refused.
fn load_oracle(file: &ConfigFile) -> Result<Config, Failed> {
    let config = load(file)?;
    refuse_vantage(&config, &file.config, "for `probe`")?;
    Ok(config)
}

fn refuse_vantage(config: &Config, path: &Path, meant: &str) -> Result<(), Failed> {
    if config.is_vantage() {
        let path = path.display();
        return Err(bad_input(anyhow!("{path}: oracle: makes this a vantage's configuration, {meant}")));
    }
    Ok(())
}

fn environment_passphrase() -> Option<String> {
    std::env::var("EARNEST_ORACLE_PASSPHRASE").ok()
}

/// What a process that measures needs before it starts: leave for its clock, files, threads.
fn prepared(config: &Config, simulated: bool) -> Result<Runtime, Failed> {
    service::allow_clock(config.network, simulated).map_err(bad_input)?;
    open_files::raise();
    let mut builder = threads(simulated);
    builder.max_blocking_threads(waiting_threads(config));
    Ok(builder.build().context(NO_RUNTIME)?)
}

/// Threads that may wait for a disk or a resolver. They are made as they are needed, and there are some for everything else
/// also when every target's lookups hang.
fn waiting_threads(config: &Config) -> usize {
    let events = usize::try_from(config.limits.open_events).unwrap_or(usize::MAX);
    let targets = events.saturating_mul(config.oracles.len().max(1));
    targets.saturating_mul(LOOKUPS_AT_ONCE).saturating_add(OTHER_THREADS).min(MOST_THREADS)
}

/// The time that it measures by.
async fn opened_clock(simulated: Option<SocketAddr>, name: &str) -> anyhow::Result<Clock> {
    Clock::open(simulated, name).await.context("--simulated-time: the barrier can't be joined")
}

/// In simulated time one thing happens after the other, so that waking a second thread only costs time.
fn threads(simple: bool) -> Builder {
    let mut builder = if simple { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all();
    builder
}

fn runtime(simple: bool) -> anyhow::Result<Runtime> {
    threads(simple).build().context(NO_RUNTIME)
}

/// What an operator tells a running process.
struct Signals {
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// From now on they end nothing by themselves.
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("SIGTERM can't be listened to")?,
            hangup: signal(SignalKind::hangup()).context("SIGHUP can't be listened to")?,
        })
    }
}

fn told_to_stop() -> anyhow::Result<()> {
    tracing::info!("told to stop");
    Ok(())
}

fn print(value: &Value) -> Result<(), Failed> {
    say(&serde_json::to_string_pretty(value).context("the result is no JSON")?)
}

/// A reader that went away (`| head`) is no failure.
fn say(text: &str) -> Result<(), Failed> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failed::Run(error.into())),
        _ => Ok(()),
    }
}
