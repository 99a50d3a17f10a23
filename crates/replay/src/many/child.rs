//! One scenario in a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::Order;
use super::result::{Run, Verdict};
use crate::cli::FAILS;
use crate::done::Done;
use crate::files::PAGE;

/// The most of a run's complaints that is kept, in characters.
const MAX_COMPLAINT: usize = 4_000;

/// A run under way.
pub(super) struct Running {
    child: Child,
    name: String,
    file: PathBuf,
    page: Option<String>,
    began: Instant,
}

impl Running {
    /// Starts it as `earnest replay FILE --json`, in the given turn among those that run at the same time.
    pub(super) fn start(order: &Order, name: &str, file: &Path, lane: usize) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's own path")?;
        let mut command = Command::new(program);
        command.arg("replay").arg(file).args(["--json", "--lane", &lane.to_string()]);
        command.args(["--seed", &order.seed.to_string()]);
        if let Some(report) = &order.report {
            command.arg("--report").arg(report.join(name));
        }
        if let Some(check) = &order.check {
            command.arg("--check").arg(check);
        }
        if let Some(speed) = order.real_time {
            command.args(["--real-time", &speed.to_string()]);
        }
        if order.keep {
            command.arg("--keep");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().with_context(|| format!("{name} can't be started"))?;
        let page = order.report.is_some().then(|| format!("{name}/{PAGE}"));
        Ok(Self { child, name: name.to_owned(), file: file.to_owned(), page, began: Instant::now() })
    }

    /// What ends it from elsewhere.
    pub(super) fn process(&self) -> Option<Pid> {
        self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
    }

    /// Waits for its end.
    pub(super) async fn end(self) -> anyhow::Result<Run> {
        let output = self.child.wait_with_output().await.with_context(|| self.name.clone())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let record = serde_json::from_slice::<Done>(&output.stdout).ok();
        let verdict = match record {
            Some(record) => {
                let objected = record.passed() && output.status.code() == Some(i32::from(FAILS));
                let objection = objected.then(|| complaint(&said));
                Verdict::Ended { record, objection }
            }
            None => Verdict::Broke(complaint(&said)),
        };
        let page = self.page.filter(|_| matches!(verdict, Verdict::Ended { .. }));
        Ok(Run { name: self.name, file: self.file, took: self.began.elapsed(), page, verdict })
    }
}

/// Asks a run to end, which ends all that it started.
pub(super) fn ask_to_end(process: Pid) {
    // It fails for one that has just ended by itself.
    let _ = kill_process(process, Signal::TERM);
}

/// The end of what a run said, without the stages that it went through.
fn complaint(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| {
            !["bitcoind: ", "report: "].iter().any(|noise| line.starts_with(noise)) && !line.ends_with(" ...")
        })
        .collect();
    let text = lines.join("\n");
    let skip = text.chars().count().saturating_sub(MAX_COMPLAINT);
    let text: String = text.chars().skip(skip).collect();
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}
