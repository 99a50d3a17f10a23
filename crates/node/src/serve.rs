//! Starting and stopping a node.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use clock::Clock;
use listening::Limits;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::error::NodeError;
use crate::http;
use crate::node::Node;

/// How long requests that are being answered may take to end when the node stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Why a node did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Simulated time was asked for on a network with real money.
    #[error("simulated time is for regtest alone, and this node is on {network}")]
    SimulatedTime {
        /// The network.
        network: String,
    },
    /// The clock of the replay cannot be reached.
    #[error("the simulated clock at {addr}: {source}")]
    Clock {
        /// Where it should be.
        addr: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The replay went away.
    #[error(transparent)]
    ClockLost(#[from] clock::Lost),
    /// The data folder, the Bitcoin node or the configuration.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The task that drives the escrows ended, which it never should.
    #[error("the driving task failed: {0}")]
    Driver(tokio::task::JoinError),
    /// A task that answers requests ended before it was told to, which it never should.
    #[error("a listener ended: {0}")]
    Listener(std::io::Error),
    /// A listener.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The system.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Runs a node until it is told to stop (SIGTERM, SIGINT).
///
/// # Errors
/// See [`ServeError`].
pub async fn serve(config: Config, simulated_time: Option<SocketAddr>, name: &str) -> Result<(), ServeError> {
    if simulated_time.is_some() && config.network != "regtest" {
        return Err(ServeError::SimulatedTime { network: config.network });
    }
    let clock = Clock::open(simulated_time, name).await.map_err(|source| ServeError::Clock {
        addr: simulated_time.unwrap_or(config.owner_listen),
        source,
    })?;
    let busy = clock.busy().await;
    let owner = listen(config.owner_listen).await?;
    let peer = listen(config.peer_listen).await?;
    let agents = agents(&config).await?;
    let limits = config.limits.clone();
    let counted = move |peer| limits.counted(peer);
    let node = Node::open(config, clock.clone()).await?;
    tracing::info!(owner = %owner.local_addr()?, peer = %peer.local_addr()?, "serving");

    let (stop, stopped) = watch::channel(());
    let mut tasks = JoinSet::new();
    tasks.spawn(answer(owner, http::owner(node.clone()), nobody, stopped.clone()));
    if let Some((listener, router)) = agents {
        tracing::info!(agents = %listener.local_addr()?, "serving tools to agents");
        tasks.spawn(answer(listener, router, nobody, stopped.clone()));
    }
    tasks.spawn(answer(peer, http::peer(node.clone()), counted, stopped));
    let (driving, stopping) = (busy.share(), node.stopping.clone());
    // In a set, so that it ends with this function however that ends.
    let mut driver = JoinSet::new();
    driver.spawn(node.drive(driving));
    drop(busy);

    let mut terminate = signal(SignalKind::terminate())?;
    let failed = tokio::select! {
        _ = terminate.recv() => None,
        _ = tokio::signal::ctrl_c() => None,
        lost = clock.lost() => Some(lost.into()),
        // Without it nothing would be watched, and deadlines would pass unseen.
        Some(Err(error)) = driver.join_next() => Some(ServeError::Driver(error)),
        // Nor would anybody be answered without its listener.
        Some(ended) = tasks.join_next() => Some(ServeError::Listener(how(ended))),
    };
    tracing::info!("stopping");
    // What is stored is whole at every instant, so the driver can be stopped anywhere.
    driver.abort_all();
    stopping.send_replace(true);
    drop(stop);
    let drained = tokio::time::timeout(DRAIN, drain(&mut tasks)).await;
    drained.unwrap_or(Ok(()))?;
    failed.map_or(Ok(()), Err)
}

/// The tools for agents, where they are configured. They ask the owner's API like any other program with a delegated key.
async fn agents(config: &Config) -> Result<Option<(TcpListener, Router)>, ServeError> {
    let Some(mcp) = &config.mcp else { return Ok(None) };
    let allowed = mcp::Allowed { hosts: mcp.allowed_hosts.clone(), origins: mcp.allowed_origins.clone() };
    let router = mcp::router(format!("http://{}", config.owner_listen), &allowed);
    Ok(Some((listen(mcp.listen).await?, router)))
}

/// How a task that should go on has ended.
fn how(ended: Result<std::io::Result<()>, tokio::task::JoinError>) -> std::io::Error {
    let ended = ended.map_err(std::io::Error::other).flatten();
    ended.err().unwrap_or_else(|| std::io::Error::other("for no reason that it says"))
}

async fn drain(tasks: &mut JoinSet<std::io::Result<()>>) -> Result<(), ServeError> {
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(std::io::Error::other)??;
    }
    Ok(())
}

async fn listen(addr: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(addr).await.map_err(|source| ServeError::Listen { addr, source })
}

/// Serves until `stopped`. `counted` says as whose a peer's connection counts.
async fn answer(
    listener: TcpListener,
    router: Router,
    counted: impl Fn(IpAddr) -> Option<IpAddr>,
    mut stopped: watch::Receiver<()>,
) -> std::io::Result<()> {
    let refused = || tracing::debug!("a connection was refused: there are as many as may be");
    let stop = async move {
        // Ends when the sender is dropped.
        let _ = stopped.changed().await;
    };
    listening::serve(listener, router, Limits::default(), counted, refused, stop).await
}

/// The machine's own programs take no place from each other.
fn nobody(_: IpAddr) -> Option<IpAddr> {
    None
}
