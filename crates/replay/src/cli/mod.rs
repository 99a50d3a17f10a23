//! `earnest replay`: arguments, exit codes, and what is printed where.

mod ended;
mod one;
pub mod scenario;

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::many::{self, Order};
use crate::{catalogue, one_cpu};

/// Arguments of `earnest replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// Scenarios, or folders with all that lie below them (docs/scenarios.md describes the format).
    #[arg(value_name = "FILE|DIR", required = true)]
    pub paths: Vec<PathBuf>,
    /// Write a page about the run, and the files to check it with, into this folder; of several runs, also an index.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Write the oracle's samples as CSV to this file. For one scenario only.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["jobs", "junit"])]
    pub samples: Option<PathBuf>,
    /// Run a command at the end of each run, while the Bitcoin node still answers.
    ///
    /// Its argument is a file with the run's JSON; EARNEST_RPC_URL and EARNEST_RPC_COOKIE (a file) in its environment
    /// lead to the node, EARNEST_SCENARIO is the scenario's file. When it fails, so does the replay.
    /// scripts/check-settlement is such a command.
    #[arg(long, value_name = "COMMAND")]
    pub check: Option<PathBuf>,
    /// Keep the folder with configurations, databases and logs, and say where it is.
    #[arg(long)]
    pub keep: bool,
    /// So many scenarios at the same time; left out: one for each CPU.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=64))]
    pub jobs: Option<u64>,
    /// Write the results as JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// What the nodes' seeds grow from: the same seed, the same keys and addresses.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// In JSON, put a star in place of all that differs from run to run (docs/scenarios.md says what).
    #[arg(long)]
    pub masked: bool,
    /// Let simulated time follow the clock on the wall, so many times as fast; for demonstrations.
    #[arg(long, value_name = "SPEED", num_args = 0..=1, default_missing_value = "1")]
    pub real_time: Option<NonZeroU64>,
    /// The turn of this run among those that run at the same time.
    #[arg(long, hide = true)]
    pub lane: Option<usize>,
}

/// All that the scenario expects holds.
pub(crate) const HOLDS: u8 = 0;
/// Something doesn't, or the run broke off.
pub(crate) const FAILS: u8 = 1;
/// The scenario file is bad.
pub(crate) const BAD_FILE: u8 = 2;
/// Ended by SIGINT or SIGTERM.
pub(crate) const INTERRUPTED: u8 = 130;

/// Runs one scenario or many, prints what came of it, and says with the exit code whether it is what was expected: 0
/// when all of it holds, 1 when something doesn't or a run broke off, 2 for bad files.
///
/// Ends every process that it started, also on SIGINT and SIGTERM. Quickest on a runtime of one thread: in simulated
/// time one thing happens after the other, and waking other threads takes a quarter of a month's time.
pub async fn run(arguments: ReplayArgs, as_json: bool) -> ExitCode {
    let files = match catalogue::find(&arguments.paths) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(BAD_FILE);
        }
    };
    let done = match files.as_slice() {
        [file] if is_for_one(&arguments) => one::run(file, &arguments, as_json).await,
        _ if arguments.samples.is_some() => Err(anyhow::anyhow!("--samples: is for one scenario")),
        _ => many::run(order(files, arguments, as_json), interrupted()).await,
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(FAILS)
        }
    }
}

/// Whether a file was named, and nothing that only makes sense for several.
fn is_for_one(arguments: &ReplayArgs) -> bool {
    let named = arguments.paths.iter().all(|path| !path.is_dir());
    named && arguments.jobs.is_none() && arguments.junit.is_none()
}

fn order(files: Vec<PathBuf>, arguments: ReplayArgs, as_json: bool) -> Order {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    Order {
        jobs: arguments.jobs.and_then(|jobs| usize::try_from(jobs).ok()).unwrap_or(cpus).min(files.len()),
        roots: arguments.paths,
        files,
        report: arguments.report,
        check: arguments.check,
        junit: arguments.junit,
        keep: arguments.keep,
        seed: arguments.seed,
        masked: arguments.masked,
        real_time: arguments.real_time,
        as_json,
    }
}

/// Comes with SIGINT or SIGTERM.
async fn interrupted() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be listened to")?;
    tokio::select! {
        _ = terminate.recv() => {}
        pressed = tokio::signal::ctrl_c() => pressed.context("SIGINT can't be listened to")?,
    }
    eprintln!("interrupted: ending what was started");
    Ok(())
}
