//! One scenario in this very process.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::ended::Ended;
use super::{BAD_FILE, FAILS, HOLDS, INTERRUPTED, ReplayArgs, interrupted, one_cpu};
use crate::files;
use crate::play::Play;

pub(super) async fn run(file: &Path, arguments: &ReplayArgs, as_json: bool) -> anyhow::Result<u8> {
    let play = match Play::load(file) {
        Ok(play) => play,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(BAD_FILE);
        }
    };
    if arguments.lane.is_some() {
        one_cpu::end_with_parent();
    }
    one_cpu::stay(arguments.lane);
    tokio::select! {
        done = replay(&play, file, arguments, as_json) => done,
        interrupted = interrupted() => interrupted.map(|()| INTERRUPTED),
    }
}

async fn replay(play: &Play, file: &Path, arguments: &ReplayArgs, as_json: bool) -> anyhow::Result<u8> {
    let folder = Folder::new(arguments.keep)?;
    let mut ended = Ended::run(play, folder.path(), arguments).await?;
    write_samples(arguments, &mut ended)?;
    let page = match &arguments.report {
        Some(report) => Some(ended.write_report(report)?),
        None => None,
    };
    let json = ended.text()?;
    if !as_json {
        println!("{}", ended.summary());
    } else if arguments.masked {
        println!("{:#}", crate::mask::masked(&ended.json()?));
    } else {
        print!("{json}");
    }
    if let Some(page) = page {
        eprintln!("report: {}", page.display());
    }
    let checked = match &arguments.check {
        Some(command) => check(command, &json, folder.path(), file, ended.rpc()).await?,
        None => true,
    };
    Ok(if ended.passed() && checked { HOLDS } else { FAILS })
}

fn write_samples(arguments: &ReplayArgs, ended: &mut Ended) -> anyhow::Result<()> {
    let Some(path) = &arguments.samples else { return Ok(()) };
    let Ended::Pair(finished) = ended else {
        bail!("--samples: is for one escrow; a market measures many services");
    };
    let samples =
        finished.evidence.main.samples.as_ref().context("--samples: the oracle was dead at the end")?;
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
    (url, cookie): (String, PathBuf),
) -> anyhow::Result<bool> {
    let file = folder.join("run.json");
    files::write(&file, json.as_bytes())?;
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
