//! Connections that speak HTTP/1.1, and those that are kept for the next probe.

use std::error::Error;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Url};

use crate::probe::cause::Cause;
use crate::probe::dial::Dialer;
use crate::probe::names::Endpoint;
use crate::probe::phases::Phases;
use crate::probe::timing::Trip;
use crate::probe::tls::{Speaks, Validity};

/// The head of an answer may be this long.
const HEAD_BYTES: usize = 64 * 1024;
/// An idle connection is believed to be alive this long.
const IDLE: Duration = Duration::from_secs(90);
/// So many connections of one target are kept.
const MAX_KEPT: usize = 4;

/// Where requests of one kind go; a connection belongs to one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probe) struct Origin {
    /// With TLS.
    pub(in crate::probe) is_secure: bool,
    /// Host and port.
    pub(in crate::probe) endpoint: Endpoint,
}

impl Origin {
    /// The origin of an `http` or `https` URL.
    pub(in crate::probe) fn of(url: &Url) -> Option<Self> {
        let is_secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = match url.host()? {
            Host::Domain(name) => Host::Domain(name.to_owned()),
            Host::Ipv4(ip) => Host::Ipv4(ip),
            Host::Ipv6(ip) => Host::Ipv6(ip),
        };
        Some(Self { is_secure, endpoint: Endpoint { host, port: url.port_or_known_default()? } })
    }
}

/// A connection that takes one request after the other.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    validity: Option<Validity>,
    idle_since: Instant,
    /// Moves the bytes; the connection ends with it.
    _driver: AbortOnDropHandle<()>,
}

impl Connection {
    pub(super) async fn open(dialer: &Dialer, origin: &Origin, trip: &mut Trip) -> Result<Self, Cause> {
        if !origin.is_secure {
            return Self::over(dialer.tcp(&origin.endpoint, trip).await?, None).await;
        }
        let (stream, validity) = dialer.secured(&origin.endpoint, Speaks::Http, trip).await?;
        Self::over(stream, Some(validity)).await
    }

    async fn over<S>(stream: S, validity: Option<Validity>) -> Result<Self, Cause>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shaken = http1::Builder::new().max_buf_size(HEAD_BYTES).handshake(TokioIo::new(stream)).await;
        let (sender, driver) = shaken.map_err(|error| Cause::of_exchange(&error))?;
        let driver = tokio::spawn(async move {
            // What goes wrong here, the sender is told too.
            let _ = driver.await;
        });
        let driver = AbortOnDropHandle::new(driver);
        Ok(Self { sender, validity, idle_since: Instant::now(), _driver: driver })
    }

    /// Is the certificate that it began with valid for at least so many seconds more?
    pub(super) fn lasts(&self, now_s: u64, least_s: Option<u64>) -> Result<(), Cause> {
        self.validity.map_or(Ok(()), |validity| validity.lasts(now_s, least_s))
    }

    /// Sends a request; returns when the head of its answer is there.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        phases: &mut Phases,
    ) -> Result<Response<Incoming>, Unanswered> {
        if self.sender.ready().await.is_err() {
            return Err(Unanswered::Unsent);
        }
        let started = Instant::now();
        let answer = self.sender.send_request(request).await.map_err(|error| Unanswered::of(&error))?;
        phases.add_first_byte(started);
        Ok(answer)
    }

    fn is_good(&self, now_s: u64) -> bool {
        let valid = self.validity.is_none_or(|validity| now_s <= validity.known_until_s);
        valid && self.idle_since.elapsed() < IDLE && !self.sender.is_closed()
    }
}

/// A request that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// It never left: the connection had ended before.
    Unsent,
    /// The connection ended without an answer.
    HungUp,
    /// What came is no answer.
    Broken(Cause),
}

impl Unanswered {
    fn of(error: &hyper::Error) -> Self {
        if error.is_canceled() {
            Self::Unsent
        } else if error.is_incomplete_message() || is_hang_up(error) {
            Self::HungUp
        } else {
            Self::Broken(Cause::of_exchange(error))
        }
    }

    pub(super) fn cause(self) -> Cause {
        match self {
            Self::Unsent | Self::HungUp => Cause::Broken,
            Self::Broken(cause) => cause,
        }
    }
}

fn is_hang_up(error: &hyper::Error) -> bool {
    use io::ErrorKind as E;
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    io.is_some_and(|io| {
        matches!(io.kind(), E::ConnectionReset | E::ConnectionAborted | E::BrokenPipe | E::UnexpectedEof)
    })
}

/// The connections of one target that wait for its next probe.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Vec<(Origin, Connection)>>);

impl Pool {
    /// A kept connection to `origin`, unless there is none that may still be used.
    pub(super) fn take(&self, origin: &Origin, now_s: u64) -> Option<Connection> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, connection)| connection.is_good(now_s));
        let position = kept.iter().position(|(of, _)| of == origin)?;
        Some(kept.swap_remove(position).1)
    }

    /// Keeps a connection: one to an origin, and few in all, wherever a target's redirects may lead.
    pub(super) fn keep(&self, origin: Origin, mut connection: Connection) {
        connection.idle_since = Instant::now();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, _)| *of != origin);
        if kept.len() >= MAX_KEPT {
            kept.remove(0);
        }
        kept.push((origin, connection));
    }
}
