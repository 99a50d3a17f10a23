//! What the commands do. Results go to stdout, everything else to stderr.

mod beat;
mod objections;
mod probe;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clock::Clock;
use ledger::bundle::Bundle;
use serde_json::{Value, json};
use signer::{KeyOptions, OracleKey};
use terms::Measurement;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::backup;
use crate::checking::audit_log::{self, LogAuditError};
use crate::checking::prove::{self, NotProven};
use crate::checking::records::Records;
use crate::checking::source::SourceError;
use crate::cli::{Audit, Backup, Cli, Command, ConfigFile, Init, Measure, Prove, RetireKey, Serve};
use crate::config::{Accept, Config};
use crate::durable;
use crate::keyring::Keyring;
use crate::open_files;
use crate::reload::{self, Source};
use crate::retire;
use crate::service::{self, Running};
use crate::trust;

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
        Command::Init(arguments) => init(&arguments),
        Command::Serve(arguments) => serve(arguments),
        Command::Probe(arguments) => probe::probe(&arguments),
        Command::Beat(arguments) => beat::beat(&arguments),
        Command::Measure(arguments) => measure(&arguments),
        Command::Audit(arguments) => audit(&arguments),
        Command::Prove(arguments) => prove(&arguments),
        Command::TrustDatabase(arguments) => trust_database(&arguments),
        Command::RotateKey(arguments) => rotate_key(&arguments),
        Command::RetireKey(arguments) => retire_key(&arguments),
        Command::Backup(arguments) => back_up(&arguments),
        Command::Restore(arguments) => restore(&arguments),
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

fn init(arguments: &Init) -> Result<(), Failed> {
    let config = load(&arguments.file)?;
    service::allow_clock(config.network, arguments.simulated).map_err(bad_input)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data_dir)
        .with_context(|| format!("data_dir: {} can't be made", config.data_dir.display()))?;
    let options = KeyOptions {
        network: config.network.name().to_owned(),
        simulated: arguments.simulated,
        passphrase: service::passphrase(&config, environment_passphrase())?,
    };
    if arguments.vantage {
        return init_vantage(arguments, &config, &options);
    }
    let path = config.key_file();
    let key = OracleKey::create(&path, &options).with_context(|| format!("the key {}", path.display()))?;
    let token_file = make_token(&config)?;
    if arguments.json {
        let token_file = token_file.map(|path| path.display().to_string());
        return print(
            &json!({ "pubkey": key.public().to_string(), "key_file": path.display().to_string(), "token_file": token_file }),
        );
    }
    eprintln!("The signing key is in {}; back it up, and the signing journal with it.", path.display());
    if let Some(path) = token_file {
        eprintln!("Requests for measurements need the token in {}.", path.display());
    }
    say(&key.public().to_string())
}

fn init_vantage(arguments: &Init, config: &Config, options: &KeyOptions) -> Result<(), Failed> {
    let (path, key) = probe::make_key(config, options)?;
    if arguments.json {
        return print(&json!({ "pubkey": key, "key_file": path.display().to_string() }));
    }
    eprintln!(
        "The vantage's key is in {}; its oracles need the public part as remote_vantage.key.",
        path.display()
    );
    say(&key)
}

fn environment_passphrase() -> Option<String> {
    std::env::var("EARNEST_ORACLE_PASSPHRASE").ok()
}

/// Makes the requesters' token where the policy asks for one and there is none.
fn make_token(config: &Config) -> anyhow::Result<Option<std::path::PathBuf>> {
    let path = config.token_file();
    if config.policy.accept != Accept::Token || path.exists() {
        return Ok((config.policy.accept == Accept::Token).then_some(path));
    }
    let mut token = [0; 32];
    getrandom::fill(&mut token).map_err(|error| anyhow!("the system gives no randomness: {error}"))?;
    write_secret(&path, &hex::encode(token)).with_context(|| format!("the token {}", path.display()))?;
    Ok(Some(path))
}

fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

fn serve(arguments: Serve) -> Result<(), Failed> {
    let path = arguments.file.config.display().to_string();
    let source = Source::new(arguments.file.config, arguments.listen);
    let config = source.load().map_err(bad_input)?;
    if config.is_vantage() {
        return Err(bad_input(anyhow!("{path}: oracle: makes this a vantage's configuration, for `probe`")));
    }
    service::allow_clock(config.network, arguments.simulated_time.is_some()).map_err(bad_input)?;
    open_files::raise();
    let runtime = runtime(arguments.simulated_time.is_some())?;
    Ok(runtime.block_on(async {
        let signals = Signals::listen()?;
        let clock = Clock::open(arguments.simulated_time, &arguments.simulated_name)
            .await
            .context("--simulated-time: the barrier can't be joined")?;
        let passphrase = service::passphrase(&config, environment_passphrase())?;
        let running = service::start(config, clock, passphrase).await?;
        until_told(&running, source, signals).await?;
        running.stop().await
    })?)
}

/// In simulated time one thing happens after the other, so that waking a second thread only costs time.
fn runtime(simple: bool) -> anyhow::Result<Runtime> {
    let mut builder = if simple { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build().context("the runtime can't be started")
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

/// Waits for SIGTERM or SIGINT, or until simulated time is lost. At a SIGHUP, and when the configuration file was changed,
/// it is read again.
async fn until_told(running: &Running, mut source: Source, mut signals: Signals) -> anyhow::Result<()> {
    let clock = running.oracle().clock.clone();
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return told_to_stop(),
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.context("SIGINT can't be listened to")?;
                return told_to_stop();
            }
            lost = clock.lost() => {
                tracing::error!(?lost, "simulated time is lost");
                return Ok(());
            }
            _ = signals.hangup.recv() => reload(running, &source).await,
            // How a file is watched is no part of simulated time.
            () = tokio::time::sleep(WATCH_EVERY) => {
                if source.has_changed() {
                    reload(running, &source).await;
                }
            }
        }
    }
}

/// How often the configuration file is looked at.
const WATCH_EVERY: Duration = Duration::from_secs(2);

fn told_to_stop() -> anyhow::Result<()> {
    tracing::info!("told to stop");
    Ok(())
}

async fn reload(running: &Running, source: &Source) {
    match reload::reload(running.oracle(), source).await {
        Ok(kept) if kept.is_empty() => tracing::info!("the configuration was read again"),
        Ok(kept) => {
            let fields = kept.join(", ");
            tracing::warn!(%fields, "the configuration was read again, but for fields that need a restart");
        }
        Err(error) => tracing::error!(%error, "the configuration was not taken; the one before it stays"),
    }
}

fn measure(arguments: &Measure) -> Result<(), Failed> {
    let measurement = read_measurement(&arguments.measurement)?;
    let path = &arguments.samples;
    let file = fs::File::open(path).with_context(|| path.display().to_string()).map_err(Failed::Input)?;
    let samples =
        ledger::csv::read(file).with_context(|| path.display().to_string()).map_err(Failed::Input)?;
    let report = ledger::outcome(&measurement, &samples)
        .with_context(|| arguments.measurement.display().to_string())
        .map_err(Failed::Input)?;
    if arguments.explain {
        return say(&report.explain(&measurement));
    }
    print(&serde_json::to_value(&report).context("the report is no JSON")?)
}

fn read_measurement(path: &Path) -> Result<Measurement, Failed> {
    let bytes = fs::read(path).with_context(|| path.display().to_string()).map_err(Failed::Input)?;
    Measurement::parse(&bytes).with_context(|| path.display().to_string()).map_err(Failed::Input)
}

fn audit(arguments: &Audit) -> Result<(), Failed> {
    match (&arguments.bundle, &arguments.log) {
        (Some(bundle), _) => audit_bundle(bundle, arguments.json),
        (None, Some(url)) => audit_log(url, arguments.keep.as_deref(), arguments.json),
        (None, None) => Err(bad_input(anyhow!("a bundle or --log is needed"))),
    }
}

fn audit_log(url: &str, keep: Option<&Path>, json: bool) -> Result<(), Failed> {
    let audit = runtime(true)?.block_on(audit_log::audit(url, keep));
    if let (Err(LogAuditError::Contradicted(both)), Some(keep)) = (&audit, keep) {
        let mut path = keep.as_os_str().to_owned();
        path.push(".contradiction.json");
        let path = PathBuf::from(path);
        let written = serde_json::to_vec(&both.json()).map(|json| durable::replace(&path, &json));
        written.context("the proof is no JSON")?.with_context(|| path.display().to_string())?;
        eprintln!("Both checkpoints are in {}; {} is as it was.", path.display(), keep.display());
    }
    let audit = audit.map_err(|error| match &error {
        LogAuditError::Source(SourceError::Url(_)) => bad_input(error),
        LogAuditError::Kept(_) => Failed::Input(anyhow!(error).context("--keep")),
        _ => Failed::Run(anyhow!(error).context(format!("{url}: what was published does not hold"))),
    })?;
    if json { print(&audit.json()) } else { say(&audit.explain()) }
}

fn audit_bundle(file: &Path, json: bool) -> Result<(), Failed> {
    let path = file.display().to_string();
    let bytes = fs::read(file).with_context(|| path.clone()).map_err(Failed::Input)?;
    let bundle = Bundle::parse(&bytes).with_context(|| path.clone()).map_err(Failed::Input)?;
    let audit = signer::audit(&bundle).with_context(|| format!("{path}: the evidence does not hold"))?;
    let report = &audit.evaluation.report;
    if json {
        return print(&json!({
            "holds": true,
            "oracle": audit.announcement.oracle_public_key.to_string(),
            "attested": audit.attestation.is_some(),
            "root": bundle.root,
            "root_signed": audit.root_signed,
            "vantages": bundle.vantages.iter().map(|word| json!({
                "name": word.name, "key": word.key, "blocks": word.blocks.len(),
            })).collect::<Vec<_>>(),
            "logged": audit.checkpoint.as_ref().map(|checkpoint| json!({
                "log": checkpoint.origin, "entries": checkpoint.size,
            })),
            "report": report,
        }));
    }
    say(&report.explain(&bundle.measurement))?;
    say(match audit.attestation {
        Some(_) => "The samples give this outcome, and the oracle's attestation says the same.",
        None => "The samples give this outcome. It is not attested yet.",
    })?;
    say(if audit.root_signed {
        "The oracle signed the root of this evidence."
    } else {
        "The oracle did not sign the root of this evidence: it agrees with itself, and no more."
    })?;
    for word in &bundle.vantages {
        say(&format!(
            "The samples of {} are those that its key signed, in {} blocks: {}",
            word.name,
            word.blocks.len(),
            word.key
        ))?;
    }
    say(&match &audit.checkpoint {
        Some(checkpoint) => format!(
            "Its log, {}, has this outcome under a signed checkpoint of {} entries.",
            checkpoint.origin, checkpoint.size
        ),
        None => "The bundle does not show that the oracle's log has this outcome.".to_owned(),
    })?;
    say(&format!("Compare the oracle's key with the one you trust: {}", audit.announcement.oracle_public_key))
}

fn prove(arguments: &Prove) -> Result<(), Failed> {
    let mut records = Records::default();
    for argument in &arguments.records {
        let name = argument.chars().take(80).collect::<String>();
        records.read(argument).with_context(|| name).map_err(Failed::Input)?;
    }
    let proof = prove::find(&records).map_err(|error| match error {
        NotProven::TooFew { .. } => bad_input(error),
        error => Failed::Run(error.into()),
    })?;
    if arguments.json { print(&proof.json()) } else { say(&proof.explain()) }
}

fn trust_database(file: &ConfigFile) -> Result<(), Failed> {
    let config = load(file)?;
    let passphrase = service::passphrase(&config, environment_passphrase())?;
    let _lock = signer::InstanceLock::acquire(&config.key_file()).map_err(anyhow::Error::from)?;
    let keys = Keyring::load_of_any_time(&config, passphrase.as_ref())?;
    let mut journal = service::open_journal(&config, &keys)?;
    let runtime = runtime(true)?;
    let trusted = runtime.block_on(trust::trust(&config, &keys, &mut journal))?;
    let trust::Trusted { known, mark, missing, abandoned } = trusted;
    say(&format!("The database is trusted from commit {mark} on, with {known} events."))?;
    for id in missing {
        say(&format!("{id} is lost: it will not be attested, and its contracts end by refund."))?;
    }
    for id in abandoned {
        say(&format!(
            "{id} may have been attested already: it is given up, and its contracts end by refund."
        ))?;
    }
    Ok(())
}

fn rotate_key(file: &ConfigFile) -> Result<(), Failed> {
    let config = load(file)?;
    let passphrase = || service::passphrase(&config, environment_passphrase());
    let _lock = signer::InstanceLock::acquire(&config.key_file()).map_err(anyhow::Error::from)?;
    let keys = Keyring::load_of_any_time(&config, passphrase()?.as_ref())?;
    let rotation = keys.rotate(&config, passphrase()?, Clock::system().now_s())?;
    eprintln!(
        "Back up the new key. Events that were announced by {} keep it until they are attested.",
        rotation.from
    );
    say(&rotation.to.to_string())
}

fn retire_key(arguments: &RetireKey) -> Result<(), Failed> {
    let config = load(&arguments.file)?;
    let passphrase = service::passphrase(&config, environment_passphrase())?;
    let _lock = signer::InstanceLock::acquire(&config.key_file()).map_err(anyhow::Error::from)?;
    let keys = Keyring::load_of_any_time(&config, passphrase.as_ref())?;
    let journal = service::open_journal(&config, &keys)?;
    let runtime = runtime(true)?;
    runtime.block_on(retire::retire(&config, keys, &journal, &arguments.key))?;
    say(&format!("{} is retired: its file is gone.", arguments.key))
}

fn back_up(arguments: &Backup) -> Result<(), Failed> {
    let config = load(&arguments.file)?;
    let runtime = runtime(true)?;
    let made = runtime.block_on(backup::make(&config, &arguments.file.config, &arguments.folder));
    made.map_err(anyhow::Error::from)?;
    say(&format!(
        "Copied to {}. It does not know what is announced or signed from now on.",
        arguments.folder.display()
    ))
}

fn restore(arguments: &Backup) -> Result<(), Failed> {
    let config = load(&arguments.file)?;
    for path in backup::restore(&config, &arguments.folder).map_err(anyhow::Error::from)? {
        say(&path.display().to_string())?;
    }
    say(
        "Put the newest signing journal and database in their places if you have them. What was announced or signed after \
         the backup was made is not in it: the oracle does not start before `earnest-oracle trust-database`.",
    )
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
