//! One of our long-running programs: set up once, then started, killed and started again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use std::{fs, io};

use serde_json::Value;
use thiserror::Error;

use crate::{BinaryError, Process, ProcessBuilder, ProcessError};

/// How long starting and stopping may take in real time, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Why a service could not be set up or commanded.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// Its process.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Its program.
    #[error(transparent)]
    Binary(#[from] BinaryError),
    /// A command of its program failed.
    #[error("{command} ended with {status}: {stderr}")]
    Command {
        /// The command line.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// A command's answer is not the JSON that was expected.
    #[error("{command} answered: {answer}")]
    Answer {
        /// The command line.
        command: String,
        /// What it answered.
        answer: String,
    },
    /// A file.
    #[error("{path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// `earnest serve`, `earnest-oracle serve` or `earnest-oracle probe`, with a folder, a configuration file and a log of its own.
///
/// It knows how our programs are commanded (`init`, `serve`, `probe`, `--config`, `--simulated-time`) and nothing of what
/// they do. Dropping it kills the process.
#[derive(Debug)]
pub struct Service {
    name: String,
    program: PathBuf,
    folder: PathBuf,
    /// Where it tells that it is ready; a vantage listens nowhere.
    addr: Option<SocketAddr>,
    /// The command that runs until it is told to stop.
    command: &'static str,
    /// What that command gets besides the configuration.
    serve: Vec<String>,
    init: Vec<&'static str>,
    envs: BTreeMap<String, OsString>,
    running: Option<Process>,
}

impl Service {
    /// A node called `name` in simulated time, whose owner's API listens on `addr`, in a new folder of `home`.
    ///
    /// # Errors
    /// When the binary is missing or stale, or the folder can't be made.
    pub fn node(name: &str, home: &Path, addr: SocketAddr) -> Result<Self, ServiceError> {
        let mut node = Self::new("earnest", name, home, Some(addr))?;
        node.serve = vec!["--simulated-name".to_owned(), name.to_owned()];
        Ok(node)
    }

    /// An oracle called `name` in simulated time, whose API listens on `addr`, in a new folder of `home`.
    ///
    /// # Errors
    /// When the binary is missing or stale, or the folder can't be made.
    pub fn oracle(name: &str, home: &Path, addr: SocketAddr) -> Result<Self, ServiceError> {
        let mut oracle = Self::new("earnest-oracle", name, home, Some(addr))?;
        oracle.init = vec!["--simulated"];
        oracle.serve = vec!["--simulated-name".to_owned(), name.to_owned()];
        Ok(oracle)
    }

    /// A vantage called `name` of an oracle, in simulated time, in a new folder of `home`.
    ///
    /// # Errors
    /// When the binary is missing or stale, or the folder can't be made.
    pub fn vantage(name: &str, home: &Path) -> Result<Self, ServiceError> {
        let mut vantage = Self::new("earnest-oracle", name, home, None)?;
        vantage.command = "probe";
        vantage.init = vec!["--vantage", "--simulated"];
        vantage.serve = vec!["--simulated-name".to_owned(), name.to_owned()];
        Ok(vantage)
    }

    fn new(program: &str, name: &str, home: &Path, addr: Option<SocketAddr>) -> Result<Self, ServiceError> {
        let folder = home.join(name);
        fs::create_dir_all(&folder).map_err(|source| ServiceError::Io { path: folder.clone(), source })?;
        Ok(Self {
            name: name.to_owned(),
            program: crate::binary(program)?,
            folder,
            addr,
            command: "serve",
            serve: Vec::new(),
            init: Vec::new(),
            envs: BTreeMap::new(),
            running: None,
        })
    }

    /// Its folder: `config.toml`, `data` (for the configuration to name) and `log` are in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the configuration should put its data.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Its configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.folder.join("config.toml")
    }

    /// Writes the configuration; a running process keeps the one that it read.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn configure(&self, toml: &str) -> Result<(), ServiceError> {
        let path = self.config_file();
        fs::write(&path, toml).map_err(|source| ServiceError::Io { path, source })
    }

    /// From its next start on this variable is in its environment, beside all that is in ours; `None` takes it out again.
    pub fn set_env(&mut self, name: &str, value: Option<OsString>) {
        match value {
            Some(value) => self.envs.insert(name.to_owned(), value),
            None => self.envs.remove(name),
        };
    }

    /// Runs `init`, and returns what it prints.
    ///
    /// # Errors
    /// When it fails.
    pub fn init(&self) -> Result<Value, ServiceError> {
        let mut arguments = vec!["init", "--json"];
        arguments.extend(&self.init);
        self.json(&arguments)
    }

    /// Runs a command of the program with the configuration file, to its end.
    ///
    /// # Errors
    /// When it can't be run at all.
    pub fn command(&self, arguments: &[&str]) -> Result<Output, ServiceError> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--config").arg(self.config_file());
        command.output().map_err(|source| ServiceError::Io { path: self.program.clone(), source })
    }

    /// As [`Service::command`], with something to read on its standard input.
    ///
    /// # Errors
    /// When it can't be run at all.
    pub fn command_reading(&self, arguments: &[&str], input: &str) -> Result<Output, ServiceError> {
        let failed = |source| ServiceError::Io { path: self.program.clone(), source };
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--config").arg(self.config_file());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).map_err(failed)?;
        }
        child.wait_with_output().map_err(failed)
    }

    /// As [`Service::command`], for one that succeeds and prints JSON.
    ///
    /// # Errors
    /// When it fails, or prints something else.
    pub fn json(&self, arguments: &[&str]) -> Result<Value, ServiceError> {
        let output = self.command(arguments)?;
        let command = || format!("{} {}", self.program.display(), arguments.join(" "));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if !output.status.success() {
            let (status, stderr) = (output.status, text(&output.stderr));
            return Err(ServiceError::Command { command: command(), status, stderr });
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|_| ServiceError::Answer { command: command(), answer: text(&output.stdout) })
    }

    /// Starts it in the simulated time of the barrier at `time`, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(&mut self, time: SocketAddr) -> Result<(), ServiceError> {
        self.start_unready(time)?;
        self.wait_ready().await
    }

    /// Starts it, and does not wait.
    ///
    /// # Errors
    /// When it can't be run at all.
    pub fn start_unready(&mut self, time: SocketAddr) -> Result<(), ServiceError> {
        let mut builder = ProcessBuilder::program(&self.program, self.folder.join("log"))
            .called(&self.name)
            .args([self.command, "--config"])
            .arg(self.config_file())
            .args(["--simulated-time", &time.to_string()])
            .args(&self.serve);
        for (name, value) in &self.envs {
            builder = builder.env(name, value);
        }
        self.running = Some(builder.spawn()?);
        Ok(())
    }

    /// Waits until it is ready. Does nothing when it was not started, or listens nowhere.
    ///
    /// # Errors
    /// When it ends, or is not ready in time.
    pub async fn wait_ready(&mut self) -> Result<(), ServiceError> {
        let (Some(process), Some(addr)) = (&mut self.running, self.addr) else { return Ok(()) };
        Ok(process.wait_ready(addr, LIMIT).await?)
    }

    /// Its process, while it was started and neither killed nor stopped.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.running.as_mut()
    }

    /// Kills it with no chance to write anything down. Does nothing when it is not running.
    pub fn kill(&mut self) {
        if let Some(process) = self.running.take() {
            process.kill();
        }
    }

    /// Stops it as an operator would.
    ///
    /// # Errors
    /// When it does not end, or not well.
    pub async fn stop(&mut self) -> Result<(), ServiceError> {
        if let Some(process) = self.running.take() {
            let status = process.terminate(LIMIT).await?;
            if !status.success() {
                let (command, stderr) = (format!("{} {}", self.name, self.command), self.log());
                return Err(ServiceError::Command { command, status, stderr });
            }
        }
        Ok(())
    }

    /// All that it wrote so far, in every run.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
