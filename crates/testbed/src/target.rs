//! A service that fails on command.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::certificates::{CertificateError, Identity};

/// In simulated time every answer says here how long it took, in milliseconds.
pub const LATENCY_HEADER: &str = "x-simulated-latency-ms";

/// What an answer takes in simulated time when nothing makes it slow.
const USUAL_LATENCY_MS: u32 = 10;
/// How long to wait when the system is out of connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// A bound for clients that open connections and never close them.
const MAX_CONNECTIONS: usize = 1_024;

/// How a [`FailingTarget`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// 200 with the usual body.
    Up,
    /// Closes the connection without an answer.
    Down,
    /// This status and an empty body; 500 in place of a number that is none.
    Status(u16),
    /// As up, but late: in simulated time the answer comes at once and says so in
    /// [`LATENCY_HEADER`], in real time it really comes late.
    Slow {
        /// How late.
        latency_ms: u32,
    },
    /// Of the requests since the phase began, this share is answered with 503, spread evenly:
    /// the k-th (from 1) iff `floor(k * ppm / 1e6) > floor((k - 1) * ppm / 1e6)`.
    ErrorShare {
        /// In parts of a million; more than a million is all.
        ppm: u32,
    },
    /// 200 with a body that is not the right one.
    WrongBody,
    /// 404: what is to be delivered is not there yet.
    NotYet,
    /// 200 with this body.
    Body(Vec<u8>),
}

/// How many requests were answered, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub requests: u64,
    /// Those answered with 200, whatever the body.
    pub answered: u64,
    /// Those answered with another status.
    pub refused: u64,
    /// Those not answered.
    pub dropped: u64,
}

/// An HTTP server on a loopback port of its own that answers every path and method alike, as
/// its [`Phase`] says; over TLS once it has a certificate to [present](Self::present). It ends when dropped.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use testbed::{FailingTarget, Phase};
///
/// let target = FailingTarget::start().await?;
/// target.set(Phase::ErrorShare { ppm: 850_000 });
/// # assert_eq!(target.counts().requests, 0);
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FailingTarget {
    addr: SocketAddr,
    behaviour: Arc<Behaviour>,
    serving: AbortHandle,
}

#[derive(Debug)]
struct Behaviour {
    really_slow: bool,
    state: Mutex<State>,
    /// Rung when all connections shall end.
    hung_up: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    body: Bytes,
    /// Requests since the phase began.
    in_phase: u64,
    counts: Counts,
    /// How it speaks TLS; `None` while it speaks plain HTTP.
    tls: Option<Arc<ServerConfig>>,
}

/// The connection is to be closed without an answer.
#[derive(Debug, Error)]
#[error("down")]
struct Dropped;

impl FailingTarget {
    /// A target for simulated time, up to begin with.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start() -> io::Result<Self> {
        Self::begin(false).await
    }

    /// A target for real time, which is slow by really taking that long and says nothing
    /// about latency.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start_in_real_time() -> io::Result<Self> {
        Self::begin(true).await
    }

    async fn begin(really_slow: bool) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let (hung_up, _) = watch::channel(());
        let behaviour = Arc::new(Behaviour { really_slow, state: Mutex::new(State::new()), hung_up });
        let serving = tokio::spawn(serve(listener, Arc::clone(&behaviour))).abort_handle();
        Ok(Self { addr, behaviour, serving })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A URL there; `path` begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Begins a phase, from the next request on.
    pub fn set(&self, phase: Phase) {
        let mut state = self.behaviour.state();
        state.phase = phase;
        state.in_phase = 0;
    }

    /// Sets the usual body, `ok` before.
    pub fn set_body(&self, body: impl Into<Vec<u8>>) {
        self.behaviour.state().body = Bytes::from(body.into());
    }

    /// Speaks TLS from the next connection on, with this certificate. Connections that stand stay as they are.
    ///
    /// # Errors
    /// When the certificate can't be presented.
    pub fn present(&self, identity: &Identity) -> Result<(), CertificateError> {
        self.behaviour.state().tls = Some(identity.server()?);
        Ok(())
    }

    /// Ends all connections that stand. Who asks again connects anew.
    pub fn hang_up(&self) {
        self.behaviour.hung_up.send_replace(());
    }

    /// The requests so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.behaviour.state().counts
    }
}

impl Drop for FailingTarget {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Accepts connections; owns their tasks, so they end when it does.
async fn serve(listener: TcpListener, behaviour: Arc<Behaviour>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        while connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, Arc::clone(&behaviour)));
            }
            Err(error) => {
                tracing::warn!(%error, "the failing target could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, behaviour: Arc<Behaviour>) {
    // Without this an answer may wait for an acknowledgement; it would still come.
    let _ = stream.set_nodelay(true);
    let mut hung_up = behaviour.hung_up.subscribe();
    tokio::select! {
        biased;
        // It fails when the target itself has ended.
        _ = hung_up.changed() => {}
        () = secured(stream, &behaviour) => {}
    }
}

/// Shakes hands first, where it speaks TLS.
async fn secured(stream: TcpStream, behaviour: &Behaviour) {
    let tls = behaviour.state().tls.clone();
    match tls {
        None => converse(stream, behaviour).await,
        // A client that believes no such certificate has gone.
        Some(tls) => match TlsAcceptor::from(tls).accept(stream).await {
            Ok(stream) => converse(stream, behaviour).await,
            Err(error) => tracing::debug!(%error, "no handshake with the failing target"),
        },
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, behaviour: &Behaviour) {
    let service = service_fn(|_: Request<Incoming>| behaviour.answer());
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // An error here is our own `Dropped`, or a client that went away.
    let _ = served.await;
}

impl Behaviour {
    async fn answer(&self) -> Result<Response<Full<Bytes>>, Dropped> {
        let (mut answer, delay_ms) = self.state().next()?;
        if self.really_slow {
            let delay_ms = delay_ms.unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(delay_ms.into())).await;
        } else {
            let latency_ms = delay_ms.unwrap_or(USUAL_LATENCY_MS);
            answer.headers_mut().insert(LATENCY_HEADER, latency_ms.into());
        }
        Ok(answer)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new() -> Self {
        let body = Bytes::from_static(b"ok");
        Self { phase: Phase::Up, body, in_phase: 0, counts: Counts::default(), tls: None }
    }

    /// The answer to the next request, and how late it shall be where that is not as usual.
    fn next(&mut self) -> Result<(Response<Full<Bytes>>, Option<u32>), Dropped> {
        self.in_phase += 1;
        self.counts.requests += 1;
        let (status, body) = self.status_and_body().inspect_err(|Dropped| {
            self.counts.dropped += 1;
        })?;
        match status {
            StatusCode::OK => self.counts.answered += 1,
            _ => self.counts.refused += 1,
        }
        let mut answer = Response::new(Full::new(body));
        *answer.status_mut() = status;
        let delay_ms = match self.phase {
            Phase::Slow { latency_ms } => Some(latency_ms),
            _ => None,
        };
        Ok((answer, delay_ms))
    }

    fn status_and_body(&self) -> Result<(StatusCode, Bytes), Dropped> {
        let empty = Bytes::new();
        Ok(match &self.phase {
            Phase::Down => return Err(Dropped),
            Phase::Up | Phase::Slow { .. } => (StatusCode::OK, self.body.clone()),
            Phase::Body(body) => (StatusCode::OK, Bytes::copy_from_slice(body)),
            Phase::WrongBody => (StatusCode::OK, wrong(&self.body)),
            Phase::NotYet => (StatusCode::NOT_FOUND, empty),
            Phase::Status(status) => (status_or_500(*status), empty),
            Phase::ErrorShare { ppm } if fails(self.in_phase, *ppm) => {
                (StatusCode::SERVICE_UNAVAILABLE, empty)
            }
            Phase::ErrorShare { .. } => (StatusCode::OK, self.body.clone()),
        })
    }
}

/// Does the `k`-th request of a phase fail? See [`Phase::ErrorShare`].
fn fails(k: u64, ppm: u32) -> bool {
    let failed_of = |requests: u64| u128::from(requests) * u128::from(ppm.min(1_000_000)) / 1_000_000;
    failed_of(k) > failed_of(k - 1)
}

/// Something else of the same length, so that only looking at the content tells.
fn wrong(body: &Bytes) -> Bytes {
    match body.is_empty() {
        true => Bytes::from_static(b"wrong"),
        false => body.iter().map(|byte| !byte).collect(),
    }
}

fn status_or_500(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(requests: u64, ppm: u32) -> u64 {
        (1..=requests).filter(|k| fails(*k, ppm)).count() as u64
    }

    #[test]
    fn a_share_fails_exactly_rounded_down_after_any_number_of_requests() {
        for ppm in [0, 1, 1_999, 333_333, 500_000, 850_000, 999_999, 1_000_000] {
            for requests in [1, 2, 3, 7, 196, 1_000, 5_761] {
                let expected = requests * u64::from(ppm) / 1_000_000;
                assert_eq!(failures(requests, ppm), expected, "{ppm} of {requests}");
            }
        }
    }

    #[test]
    fn a_share_is_spread_evenly_and_not_at_once() {
        let pattern: Vec<bool> = (1..=8).map(|k| fails(k, 250_000)).collect();
        assert_eq!(pattern, [false, false, false, true, false, false, false, true]);
        assert!((1..=100).all(|k| fails(k, u32::MAX)));
    }

    #[test]
    fn a_wrong_body_is_never_the_right_one() {
        for right in [&b""[..], b"ok", b"wrong", &[0x55; 32]] {
            let right = Bytes::copy_from_slice(right);
            assert_ne!(wrong(&right), right);
        }
    }
}
