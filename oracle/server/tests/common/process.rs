//! The built binary as a process of its own.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::{Http, World};

/// The built binary, untouched by the environment.
pub fn earnest_oracle(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earnest-oracle"));
    command.args(arguments);
    for name in
        ["EARNEST_SIMULATED_TIME", "EARNEST_ORACLE_PASSPHRASE", "EARNEST_CRASH_AT", "EARNEST_CRASH_LOG"]
    {
        command.env_remove(name);
    }
    command
}

/// `earnest-oracle serve` as a process of its own.
pub struct Process {
    child: Child,
    log: PathBuf,
    pub http: Http,
}

impl Process {
    /// Starts it, and waits until it is ready.
    ///
    /// # Panics
    /// When it ends instead.
    pub async fn serve(world: &World) -> Self {
        let started = Self::serve_with(world, &[]).await;
        started.unwrap_or_else(|(status, log)| panic!("ended with {status}:\n{log}"))
    }

    /// Starts it with these variables in its environment. Where it ends before it is ready: how, and what it said.
    pub async fn serve_with(world: &World, envs: &[(&str, &str)]) -> Result<Self, (ExitStatus, String)> {
        // Each start has a log of its own: the address is read from it, since the system chooses the port.
        let log = world.new_file("log");
        let config = world.config_file().display().to_string();
        let mut child = earnest_oracle(&["serve", "--config", &config, "--listen", "127.0.0.1:0"])
            .args(["--simulated-time", &world.barrier.addr().to_string()])
            .envs(envs.iter().copied())
            .stderr(Stdio::from(std::fs::File::create(&log).unwrap()))
            .spawn()
            .unwrap();
        let addr = loop {
            let said = std::fs::read_to_string(&log).unwrap();
            if let Some(addr) = address(&said) {
                break addr;
            }
            if let Some(status) = child.try_wait().unwrap() {
                world.barrier.wait_until_gone("oracle").await;
                return Err((status, std::fs::read_to_string(&log).unwrap()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        Ok(Self { child, log, http: Http::at(addr) })
    }

    /// What it wrote to its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it has said so often that something is so.
    pub async fn says(&self, what: &str, times: usize) {
        while self.log().matches(what).count() < times {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        address(&self.log()).unwrap()
    }

    /// Sends it a signal, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// From now on it may have so many files open; those that are open stay.
    pub fn may_open_files(&self, most: u64) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let hard = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
        let limit = rustix::process::Rlimit { current: Some(most), maximum: hard };
        rustix::process::prlimit(Some(pid), rustix::process::Resource::Nofile, limit).unwrap();
    }

    /// Whether it killed itself at a crash point.
    ///
    /// # Panics
    /// When it ended in another way.
    pub async fn has_died(&mut self, world: &World) -> bool {
        let present = world.barrier.attendance().iter().any(|somebody| somebody.name == "oracle");
        if present {
            return false;
        }
        // Its connections are closed a moment before it is gone.
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "{status}:\n{}", self.log());
        world.barrier.wait_until_gone("oracle").await;
        true
    }

    pub async fn kill(mut self, world: &World) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        world.barrier.wait_until_gone("oracle").await;
    }

    pub async fn terminate(mut self, world: &World) {
        self.signal("TERM");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        world.barrier.wait_until_gone("oracle").await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already where the test was well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where it says that it serves.
pub fn address(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| line.contains("the oracle serves"))?;
    line.split("addr=").nth(1)?.split(' ').next()?.parse().ok()
}
