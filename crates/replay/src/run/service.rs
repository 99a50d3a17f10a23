//! One of the built programs as a part of a replay: started, killed and started again.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use testbed::{Process, ProcessBuilder};

/// How long a program may take, in real time, until it is ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// How long a program may take to end, in real time.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// How long `init` may take, in real time.
const INIT_LIMIT: Duration = Duration::from_secs(30);

/// A program with the command that starts it.
#[derive(Debug)]
pub(crate) struct Service {
    command: ProcessBuilder,
    /// A vantage listens nowhere.
    ready_at: Option<SocketAddr>,
    process: Option<Process>,
}

impl Service {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(command: ProcessBuilder, ready_at: SocketAddr) -> anyhow::Result<Self> {
        let mut service = Self { command, ready_at: Some(ready_at), process: None };
        service.start_again().await?;
        Ok(service)
    }

    /// Starts one that listens nowhere: it is ready when it takes part in simulated time.
    pub(crate) async fn start_unheard(command: ProcessBuilder) -> anyhow::Result<Self> {
        let mut service = Self { command, ready_at: None, process: None };
        service.start_again().await?;
        Ok(service)
    }

    /// Starts it after it was killed.
    pub(crate) async fn start_again(&mut self) -> anyhow::Result<()> {
        let mut process = self.command.spawn()?;
        if let Some(ready_at) = self.ready_at {
            process.wait_ready(ready_at, READY_LIMIT).await?;
        }
        self.process = Some(process);
        Ok(())
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Ends it as its operator would. Does nothing when it is dead.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(process) = self.process.take() {
            process.terminate(STOP_LIMIT).await?;
        }
        Ok(())
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.process.is_some()
    }

    /// Fails when it ended without having been killed.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        let Some(process) = &mut self.process else { return Ok(()) };
        match process.ended()? {
            None => Ok(()),
            Some(status) => {
                let log = process.log();
                let lines: Vec<&str> = log.lines().rev().take(20).collect();
                let tail: Vec<&str> = lines.into_iter().rev().collect();
                bail!("{} ended by itself ({status}); its log ends:\n{}", process.name(), tail.join("\n"))
            }
        }
    }
}

/// Runs a command that ends by itself, such as `init`.
pub(crate) async fn run_to_end(command: ProcessBuilder, what: &str) -> anyhow::Result<()> {
    let mut process = command.spawn()?;
    let status = process.wait(INIT_LIMIT).await?;
    if !status.success() {
        bail!("{what} ended with {status}:\n{}", process.log());
    }
    Ok(())
}

/// Reads a token file that `init` made.
pub(crate) fn read_token(path: &std::path::Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text.trim().to_owned())
}
