//! A program of the workspace as a process of its own.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::BinaryError;

const POLL: Duration = Duration::from_millis(10);
/// How long one question whether it is ready may take.
const QUESTION_LIMIT: Duration = Duration::from_secs(2);
/// How much of a log an error shows.
const LOG_TAIL_LINES: usize = 20;

/// Why a process did not do what was wanted.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// There is no such program, or not the right one.
    #[error(transparent)]
    Binary(#[from] BinaryError),
    /// It ended before it was ready.
    #[error("{name} ended with {status} before it was ready; its log ends:\n{log}")]
    EndedEarly {
        /// The program.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines that it wrote.
        log: String,
    },
    /// It did not do something in time.
    #[error("{name} did not {what} within {} s; its log ends:\n{log}", limit.as_secs())]
    TooSlow {
        /// The program.
        name: String,
        /// What was waited for.
        what: &'static str,
        /// For how long.
        limit: Duration,
        /// The last lines that it wrote.
        log: String,
    },
    /// The system refuses something.
    #[error("{name}: {what}")]
    Io {
        /// The program.
        name: String,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// How a [`Process`] shall be started. Can be used again to start the same once more.
#[derive(Debug, Clone)]
pub struct ProcessBuilder {
    exe: PathBuf,
    name: String,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    log: PathBuf,
}

impl ProcessBuilder {
    /// The workspace's binary `name`; all that it writes is appended to the file `log`.
    ///
    /// # Errors
    /// When the binary is missing or stale.
    pub fn binary(name: &str, log: impl Into<PathBuf>) -> Result<Self, ProcessError> {
        Ok(Self::program(crate::binary(name)?, log))
    }

    /// Any program.
    #[must_use]
    pub fn program(exe: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        let exe = exe.into();
        let name = exe.file_name().unwrap_or(exe.as_os_str());
        Self {
            name: name.to_string_lossy().into_owned(),
            exe,
            args: Vec::new(),
            envs: Vec::new(),
            log: log.into(),
        }
    }

    /// What to call it in errors, where several of one program run.
    #[must_use]
    pub fn called(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.args.extend(args);
        self
    }

    /// One more variable in its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.envs.push((name, value));
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// When its log can't be opened or it can't be run.
    pub fn spawn(&self) -> Result<Process, ProcessError> {
        let log = self.open_log().map_err(self.failed("can't open its log"))?;
        let err = log.try_clone().map_err(self.failed("can't open its log"))?;
        let child = Command::new(&self.exe)
            .args(&self.args)
            .envs(self.envs.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(err)
            .spawn()
            .map_err(self.failed("can't be run"))?;
        Ok(Process { child, name: self.name.clone(), log: self.log.clone() })
    }

    fn open_log(&self) -> io::Result<File> {
        if let Some(folder) = self.log.parent() {
            fs::create_dir_all(folder)?;
        }
        File::options().create(true).append(true).open(&self.log)
    }

    fn failed(&self, what: &'static str) -> impl Fn(io::Error) -> ProcessError {
        let name = self.name.clone();
        move |source| ProcessError::Io { name: name.clone(), what, source }
    }
}

/// A running process with its log; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// What it is called in errors.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number in the system.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it, and its predecessors with the same log, wrote so far.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Where that is kept.
    #[must_use]
    pub fn log_file(&self) -> &Path {
        &self.log
    }

    /// How it ended; `None` while it runs.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        let ended = self.child.try_wait();
        ended.map_err(|source| ProcessError::Io {
            name: self.name.clone(),
            what: "can't be waited for",
            source,
        })
    }

    /// Waits until `GET /readyz` there is answered with 200.
    ///
    /// # Errors
    /// When the process ends before that, or `limit` (in real time) passes.
    pub async fn wait_ready(&mut self, addr: SocketAddr, limit: Duration) -> Result<(), ProcessError> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended()? {
                return Err(ProcessError::EndedEarly {
                    name: self.name.clone(),
                    status,
                    log: self.log_tail(),
                });
            }
            let ready = tokio::time::timeout(QUESTION_LIMIT, is_ready(addr));
            if matches!(ready.await, Ok(Ok(true))) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.too_slow("become ready", limit));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// When `limit` (in real time) passes before that; it still runs then.
    pub async fn wait(&mut self, limit: Duration) -> Result<ExitStatus, ProcessError> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(self.too_slow("end", limit));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Asks it to end (SIGTERM) and waits until it did.
    ///
    /// # Errors
    /// When `limit` (in real time) passes before that; it is killed then.
    pub async fn terminate(mut self, limit: Duration) -> Result<ExitStatus, ProcessError> {
        // One that has ended needs no signal, and its number may be another's by now.
        if self.ended()?.is_none() {
            // It can end just here, and then is still ours to wait for: nothing else to heed.
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
        self.wait(limit).await
    }

    /// Kills it (SIGKILL), with no chance to write anything down, and waits until it is gone.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Either fails only for a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn too_slow(&self, what: &'static str, limit: Duration) -> ProcessError {
        ProcessError::TooSlow { name: self.name.clone(), what, limit, log: self.log_tail() }
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

async fn is_ready(addr: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    // All that matters stands at the front: `HTTP/1.1 200`.
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    Ok(status.ends_with(b" 200"))
}
