//! Serving strangers over HTTP/1.1: how many connections there may be, and how long one may dawdle.
//!
//! A connection costs a file descriptor, and an oracle that has none left can't probe. So there are at most so many, one
//! address has at most its share of them, and whoever neither sends a request nor takes an answer is let go: [`serve`].
//! How fast whole requests may come, and what they may do, is for the router that is served.
//!
//! Time is the machine's, also in a replay: what is bounded is what this process holds.

mod patient;
mod places;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use patient::Patient;
use places::{Place, Places};

/// After a failure to accept, such as for want of file descriptors, it is tried again this much later.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// How many connections there may be, and how long one may dawdle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections of everybody together.
    pub connections: usize,
    /// Connections of one address.
    pub of_one: usize,
    /// A connection on which no whole request head has come for so long is closed, whether it is new or was used before.
    /// Clients that keep connections must give them up earlier, or a request may meet the end of its connection.
    pub head: Duration,
    /// One that takes nothing of an answer for so long is closed.
    pub stalled: Duration,
}

impl Default for Limits {
    /// 2,048 connections, 128 of one address. A head has two minutes, since common clients keep idle connections for 90
    /// seconds; an answer may stand still for one.
    fn default() -> Self {
        Self {
            connections: 2_048,
            of_one: 128,
            head: Duration::from_secs(120),
            stalled: Duration::from_secs(60),
        }
    }
}

/// Serves until `stop`, and then until the answers under way are given.
///
/// `counted` says as whose a peer's connection counts; `None` for whom [`Limits::of_one`] does not bind, such as a reverse
/// proxy. Connections beyond a limit are closed at once, and `refused` is called. Handlers find the peer in [`ConnectInfo`].
///
/// # Errors
/// None so far: a failure to accept is tried again.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    counted: impl Fn(IpAddr) -> Option<IpAddr>,
    refused: impl Fn(),
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let places = Places::new(limits.connections, limits.of_one);
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener) => accepted,
            // What has ended is forgotten.
            Some(_) = connections.join_next() => continue,
        };
        match places.take(counted(peer.ip())) {
            Some(place) => {
                let served = converse(stream, peer, router.clone(), limits, stopped.clone(), place);
                connections.spawn(served);
            }
            None => refused(),
        }
    }
    drop((listener, stopping));
    while connections.join_next().await.is_some() {}
    Ok(())
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The other side was gone before it was looked at.
            Err(error) if is_of_one(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted; it is tried again");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One connection, request after request, until either side has enough of it.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    mut stopped: watch::Receiver<()>,
    _place: Place,
) {
    let _ = stream.set_nodelay(true);
    let routed = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let request: Request = request.map(Body::new);
        routed.call(request)
    });
    let io = TokioIo::new(Patient::new(stream, limits.stalled));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(io, service);
    tokio::pin!(served);
    tokio::select! {
        // An error is the other side's: it went away, said no HTTP, or dawdled.
        _ = &mut served => return,
        // Ends when the sender is dropped.
        _ = stopped.changed() => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}
