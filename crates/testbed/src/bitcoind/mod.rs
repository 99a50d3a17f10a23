//! A real bitcoind, on regtest where nothing else is said.
//!
//! `corepc-node` would start one as well, but it can't start it again on the same port and
//! folder, which a test that kills the node needs, and it polls in steps of 200 ms.

mod chain;
mod filler;
mod find;
mod funder;
mod rpc;

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bitcoin::Network;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;
use thiserror::Error;

pub use chain::Tip;
pub use filler::Rush;
use funder::Funder;
use rpc::Rpc;
pub use rpc::RpcError;

/// A node that has nothing to load takes a fraction of a second; this allows for a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
/// How often another port is tried when the node ends at once.
const ATTEMPTS: u8 = 3;

/// Common to all our nodes. Replays jump through time: nothing may expire from the mempool
/// (hours) and no tip may ever count as too old (seconds).
const ARGS: [&str; 9] = [
    "-server",
    "-listen=0",
    "-connect=0",
    "-disablewallet",
    "-printtoconsole=0",
    "-mempoolexpiry=876000",
    "-maxtipage=3153600000",
    "-rpcthreads=8",
    "-rpcworkqueue=256",
];

/// Why a node could not be started or stopped.
#[derive(Debug, Error)]
pub enum BitcoindError {
    /// The script that knows where bitcoind comes from gave no path.
    #[error("{script} gave no bitcoind; run it to see why")]
    Script {
        /// The script that was run.
        script: PathBuf,
    },
    /// The executable can't be run at all.
    #[error("{exe} can't be run")]
    Spawn {
        /// The executable.
        exe: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It ran and ended before it answered.
    #[error("bitcoind ended at once with {status}: {stderr}")]
    EndedEarly {
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// It runs but does not answer, or does not end.
    #[error("bitcoind did not {what} within {} s", limit.as_secs())]
    TooSlow {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        limit: Duration,
    },
    /// It was started twice.
    #[error("bitcoind is running already")]
    Running,
    /// More coins were asked for than a regtest chain ever pays its miners.
    #[error("the testbed has {balance} after mining for long, and is asked for {asked}")]
    TooPoor {
        /// With fees.
        asked: bitcoin::Amount,
        /// What it has.
        balance: bitcoin::Amount,
    },
    /// A mempool that should be full takes more.
    #[error("the mempool is not full: it still takes {least_sat_kvb} sat/kvB")]
    NotFull {
        /// Its minimum.
        least_sat_kvb: u64,
    },
    /// A call failed.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// Something with files or ports.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How a [`Bitcoind`] shall be started.
#[derive(Debug, Default, Clone)]
pub struct BitcoindBuilder {
    network: Option<Network>,
    args: Vec<String>,
    folder: Option<PathBuf>,
    mock_time_s: Option<u64>,
}

impl BitcoindBuilder {
    /// One more argument of bitcoind's, such as `-maxmempool=5`.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// On another network than regtest. It has no peers, so its chain is the genesis block.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.network = Some(network);
        self
    }

    /// Keeps everything in this folder, which stays, instead of in a temporary one.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Starts the node's clock standing still at this unix time, in seconds. A node
    /// whose time shall lie in the past needs it before its first block is mined.
    #[must_use]
    pub fn mock_time(mut self, unix_s: u64) -> Self {
        self.mock_time_s = Some(unix_s);
        self
    }

    /// Starts the node and waits until it answers.
    ///
    /// # Errors
    /// When there is no bitcoind, or it does not start.
    pub fn start(self) -> Result<Bitcoind, BitcoindError> {
        let folder = match self.folder {
            Some(path) => Folder::Kept(std::path::absolute(path)?),
            None => Folder::Temporary(tempfile::Builder::new().prefix("bitcoind-").tempdir()?),
        };
        std::fs::create_dir_all(folder.path())?;
        let mut node = Bitcoind {
            exe: find::bitcoind()?,
            network: self.network.unwrap_or(Network::Regtest),
            args: self.args,
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            mock_time_s: Mutex::new(self.mock_time_s),
            running: Mutex::new(None),
            funder: Mutex::new(Funder::new()),
            burnt: AtomicU32::new(0),
            folder,
        };
        for attempt in 1.. {
            node.addr = crate::free_addr()?;
            match node.start_again() {
                Err(BitcoindError::EndedEarly { .. }) if attempt < ATTEMPTS => {}
                outcome => return outcome.map(|()| node),
            }
        }
        unreachable!("the last attempt returns")
    }
}

/// A bitcoind with its own folder and port; killed when dropped.
///
/// All calls block, and may be made from several threads. It has no peers and no wallet; coins
/// come from [`Bitcoind::fund`].
///
/// ```no_run
/// use bitcoin::Amount;
/// # let address: bitcoin::Address = unimplemented!();
/// let node = testbed::Bitcoind::start()?;
/// let coins = node.fund(&address, &[Amount::from_sat(100_000)])?;
/// node.mine(6)?;
/// # Ok::<(), testbed::BitcoindError>(())
/// ```
#[derive(Debug)]
pub struct Bitcoind {
    exe: PathBuf,
    network: Network,
    args: Vec<String>,
    addr: SocketAddr,
    mock_time_s: Mutex<Option<u64>>,
    running: Mutex<Option<Running>>,
    funder: Mutex<Funder>,
    burnt: AtomicU32,
    folder: Folder,
}

#[derive(Debug)]
enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

#[derive(Debug)]
struct Running {
    child: Child,
    rpc: Rpc,
}

impl Bitcoind {
    /// Starts a node with nothing special about it.
    ///
    /// # Errors
    /// As [`BitcoindBuilder::start`].
    pub fn start() -> Result<Self, BitcoindError> {
        Self::builder().start()
    }

    /// For a node with something special about it.
    #[must_use]
    pub fn builder() -> BitcoindBuilder {
        BitcoindBuilder::default()
    }

    /// Such as `http://127.0.0.1:40123`; the same after the node was started again.
    #[must_use]
    pub fn rpc_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where [`Bitcoind::rpc_url`] leads.
    #[must_use]
    pub fn rpc_addr(&self) -> SocketAddr {
        self.addr
    }

    /// The file with user and password, which are new each time the node is started.
    #[must_use]
    pub fn cookie_file(&self) -> PathBuf {
        let folder = match self.network {
            Network::Bitcoin => "",
            other => other.to_core_arg(),
        };
        self.folder().join(folder).join(".cookie")
    }

    /// The node's data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Calls any method of the node.
    ///
    /// # Errors
    /// When the node refuses, is not there, or answers something else than a `T`.
    pub fn call<T: DeserializeOwned>(&self, method: &str, params: &[Value]) -> Result<T, RpcError> {
        let rpc = self.running().as_ref().map(|running| running.rpc.clone());
        let rpc = rpc.ok_or_else(|| RpcError::NotRunning { method: method.to_owned() })?;
        rpc.call(method, params)
    }

    /// Kills the node with no chance to write anything down. Does nothing when it isn't running.
    pub fn kill(&self) {
        if let Some(mut running) = self.running().take() {
            end(&mut running.child);
        }
    }

    /// Stops the node as an operator would.
    ///
    /// # Errors
    /// When it is not running or does not end in time; it is killed then.
    pub fn stop(&self) -> Result<(), BitcoindError> {
        self.call::<Value>("stop", &[])?;
        let Some(mut running) = self.running().take() else {
            return Ok(());
        };
        let deadline = Instant::now() + STOP_LIMIT;
        while running.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                end(&mut running.child);
                return Err(BitcoindError::TooSlow { what: "stop", limit: STOP_LIMIT });
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Starts the node again on its chain, port and mock time, after [`Bitcoind::kill`] or
    /// [`Bitcoind::stop`].
    ///
    /// # Errors
    /// When it runs already or does not start.
    pub fn start_again(&self) -> Result<(), BitcoindError> {
        let mut running = self.running();
        if running.is_some() {
            return Err(BitcoindError::Running);
        }
        // Else the cookie that a killed node left would be taken for the new one's.
        match std::fs::remove_file(self.cookie_file()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut child = self.spawn()?;
        match self.await_answer(&mut child) {
            Ok(rpc) => {
                *running = Some(Running { child, rpc });
                Ok(())
            }
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    fn spawn(&self) -> Result<Child, BitcoindError> {
        let mock_time_s = *self.mock_time_s();
        Command::new(&self.exe)
            .args(ARGS)
            .arg(format!("-chain={}", self.network.to_core_arg()))
            .arg(format!("-datadir={}", self.folder().display()))
            .arg(format!("-rpcport={}", self.addr.port()))
            .args(mock_time_s.map(|unix_s| format!("-mocktime={unix_s}")))
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(self.stderr_file())?)
            .spawn()
            .map_err(|source| BitcoindError::Spawn { exe: self.exe.clone(), source })
    }

    fn await_answer(&self, child: &mut Child) -> Result<Rpc, BitcoindError> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if let Some(status) = child.try_wait()? {
                let stderr = std::fs::read_to_string(self.stderr_file()).unwrap_or_default();
                return Err(BitcoindError::EndedEarly { status, stderr });
            }
            // No cookie yet, not listening yet, still warming up: all the same here.
            if let Ok(rpc) = Rpc::with_cookie(self.addr, &self.cookie_file())
                && rpc.call::<u64>("getblockcount", &[]).is_ok()
            {
                return Ok(rpc);
            }
            if Instant::now() > deadline {
                return Err(BitcoindError::TooSlow { what: "start", limit: START_LIMIT });
            }
            std::thread::sleep(POLL);
        }
    }

    fn stderr_file(&self) -> PathBuf {
        self.folder().join("stderr.log")
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mock_time_s(&self) -> MutexGuard<'_, Option<u64>> {
        let mock_time_s = &self.mock_time_s;
        mock_time_s.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Bitcoind {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills a child, and waits so that nothing of it is left, such as the lock on its folder.
fn end(child: &mut Child) {
    // Either fails only for a process that is gone already.
    let _ = child.kill();
    let _ = child.wait();
}
