//! Vantages elsewhere: processes of their own, over lines that can be cut.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::World;
use super::process::earnest_oracle;

/// A line to an oracle at an address that stays, whoever answers at its end, if anybody. It ends when dropped.
pub struct Line {
    addr: SocketAddr,
    to: watch::Sender<Option<SocketAddr>>,
    serving: AbortHandle,
}

impl Line {
    /// A line that leads nowhere.
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (to, _) = watch::channel(None);
        let serving = tokio::spawn(serve(listener, to.clone())).abort_handle();
        Self { addr, to, serving }
    }

    /// From now on it leads there; everything on it breaks off.
    pub fn lead(&self, to: Option<SocketAddr>) {
        self.to.send_replace(to);
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.serving.abort();
        self.to.send_replace(None);
    }
}

async fn serve(listener: TcpListener, to: watch::Sender<Option<SocketAddr>>) {
    while let Ok((mut near, _)) = listener.accept().await {
        let mut leads = to.subscribe();
        let addr = *leads.borrow_and_update();
        tokio::spawn(async move {
            let Some(addr) = addr else { return };
            let Ok(mut far) = TcpStream::connect(addr).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                _ = leads.changed() => {}
            }
        });
    }
}

/// `earnest-oracle probe` as a process of its own, which can be killed and started again.
pub struct Probe {
    pub name: String,
    pub line: Line,
    /// Its key, which its oracle has to know.
    pub key: String,
    dir: PathBuf,
    child: Option<Child>,
}

impl Probe {
    /// Makes its folder and its key; it does not run yet.
    pub async fn new(world: &World, name: &str) -> Self {
        let dir = world.dir.path().join(name);
        std::fs::create_dir(&dir).unwrap();
        let mut probe =
            Self { name: name.to_owned(), line: Line::new().await, key: String::new(), dir, child: None };
        // The oracle's key does not matter for making one's own.
        probe.configure("", world.service_addr());
        let made = earnest_oracle(&["init", "--vantage", "--simulated", "--config", &probe.config()])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        probe.key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        probe
    }

    /// What the oracle's configuration says about it.
    pub fn as_configured(&self) -> String {
        format!("[[remote_vantage]]\nname = \"{}\"\nkey = \"{}\"\n", self.name, self.key)
    }

    /// Writes its configuration: the oracle's key, and what it takes for the service.
    pub fn configure(&self, oracle: &str, service: SocketAddr) {
        let url = self.line.url();
        let oracle = match oracle {
            "" => String::new(),
            key => format!("[[oracle]]\nurl = \"{url}\"\nkey = \"{key}\"\n"),
        };
        let text = format!(
            "network = \"regtest\"\ndata_dir = \".\"\n{oracle}\
             [[resolve]]\nhost = \"edge.example\"\naddr = \"{service}\"\n"
        );
        std::fs::write(self.config(), text).unwrap();
    }

    fn config(&self) -> String {
        self.dir.join("vantage.toml").display().to_string()
    }

    pub fn start(&mut self, world: &World) {
        let log = std::fs::File::options().append(true).create(true).open(self.dir.join("log")).unwrap();
        let child = earnest_oracle(&["probe", "--config", &self.config()])
            .args(["--simulated-time", &world.barrier.addr().to_string(), "--simulated-name", &self.name])
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Waits until it takes part in the time.
    pub async fn joined(&mut self, world: &World) {
        while !world.barrier.attendance().iter().any(|present| present.name == self.name) {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "{}", self.log());
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    pub async fn kill(&mut self, world: &World) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        world.barrier.wait_until_gone(&self.name).await;
    }

    pub async fn terminate(&mut self, world: &World) {
        let mut child = self.child.take().unwrap();
        Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{}", self.log());
        world.barrier.wait_until_gone(&self.name).await;
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
