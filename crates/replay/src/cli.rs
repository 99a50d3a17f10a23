//! `earnest replay`: arguments, exit codes, and what is printed where.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use crate::progress::Progress;
use crate::run::{self, Finished, World};
use crate::scenario::Scenario;
use crate::{files, one_cpu, table};

/// Arguments of `earnest replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// The scenario, such as scenarios/fastly-2021-06-08.toml (docs/scenarios.md describes the format).
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write a page about the run, and the files to check it with, into this folder.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Write the oracle's samples as CSV to this file.
    #[arg(long, value_name = "FILE")]
    pub samples: Option<PathBuf>,
    /// Run a command at the end, while the Bitcoin node still answers.
    ///
    /// Its argument is a file with the run's JSON; EARNEST_RPC_URL and EARNEST_RPC_COOKIE (a file) in its environment
    /// lead to the node, EARNEST_SCENARIO is the scenario's file. When it fails, so does the replay.
    /// scripts/check-settlement is such a command.
    #[arg(long, value_name = "COMMAND")]
    pub check: Option<PathBuf>,
    /// Keep the folder with configurations, databases and logs, and say where it is.
    #[arg(long)]
    pub keep: bool,
}

/// All that the scenario expects holds.
const HOLDS: u8 = 0;
/// Something doesn't, or the run broke off.
const FAILS: u8 = 1;
/// The scenario file is bad.
const BAD_FILE: u8 = 2;
/// Ended by SIGINT or SIGTERM.
const INTERRUPTED: u8 = 130;

/// Runs a scenario, prints what came of it, and says with the exit code whether it is what was expected: 0 when all
/// of it holds, 1 when something doesn't or the run broke off, 2 for a bad file.
///
/// Ends every process that it started, also on SIGINT and SIGTERM. Quickest on a runtime of one thread: in simulated
/// time one thing happens after the other, and waking other threads takes a quarter of a month's time.
pub async fn run(arguments: ReplayArgs, as_json: bool) -> ExitCode {
    let scenario = match Scenario::load(&arguments.file) {
        Ok(scenario) => scenario,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(BAD_FILE);
        }
    };
    one_cpu::stay();
    let done = tokio::select! {
        done = replay(&scenario, &arguments, as_json) => done,
        interrupted = interrupted() => interrupted.map(|()| INTERRUPTED),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(FAILS)
        }
    }
}

async fn interrupted() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be listened to")?;
    tokio::select! {
        _ = terminate.recv() => {}
        pressed = tokio::signal::ctrl_c() => pressed.context("SIGINT can't be listened to")?,
    }
    eprintln!("interrupted: ending what was started");
    Ok(())
}

async fn replay(scenario: &Scenario, arguments: &ReplayArgs, as_json: bool) -> anyhow::Result<u8> {
    let folder = Folder::new(arguments.keep)?;
    let progress = Progress::new(scenario);
    let finished = run::run(scenario, folder.path(), &progress).await;
    progress.finish();
    let mut finished = finished?;
    write_samples(arguments, &mut finished)?;
    let page = match &arguments.report {
        Some(report) => Some(files::write_report(report, &finished.record, &finished.evidence)?),
        None => None,
    };
    let json = files::json(&finished.record)?;
    if as_json {
        print!("{json}");
    } else {
        println!("{}", table::summary(&finished.record));
    }
    if let Some(page) = page {
        eprintln!("report: {}", page.display());
    }
    let checked = match &arguments.check {
        Some(command) => check(command, &json, folder.path(), &arguments.file, &finished.world).await?,
        None => true,
    };
    Ok(if finished.record.passed && checked { HOLDS } else { FAILS })
}

fn write_samples(arguments: &ReplayArgs, finished: &mut Finished) -> anyhow::Result<()> {
    let Some(path) = &arguments.samples else { return Ok(()) };
    let samples = finished.evidence.samples.as_ref().context("--samples: the oracle was dead at the end")?;
    files::write(path, samples)?;
    finished.record.samples_csv = Some(path.display().to_string());
    Ok(())
}

/// Runs the command given with `--check`. What it prints goes to standard error, beside our own data.
async fn check(
    command: &Path,
    json: &str,
    folder: &Path,
    scenario: &Path,
    world: &World,
) -> anyhow::Result<bool> {
    let file = folder.join("run.json");
    files::write(&file, json.as_bytes())?;
    let (url, cookie) = world.rpc();
    let output = tokio::process::Command::new(command)
        .arg(&file)
        .env("EARNEST_RPC_URL", url)
        .env("EARNEST_RPC_COOKIE", cookie)
        .env("EARNEST_SCENARIO", scenario)
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("--check {}", command.display()))?;
    eprint!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        eprintln!("--check {}: {}", command.display(), output.status);
    }
    Ok(output.status.success())
}

/// The run's folder: gone at the end, unless it is to be kept.
enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn new(keep: bool) -> anyhow::Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("earnest-replay-").tempdir().context("a temporary folder")?;
        if !keep {
            return Ok(Self::Temporary(folder));
        }
        let path = folder.keep();
        eprintln!("keeping {}", path.display());
        Ok(Self::Kept(path))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}
