//! The connection: credentials, timeouts, one retry with a re-read cookie.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bdk_bitcoind_rpc::bitcoincore_rpc::jsonrpc::{self, http::simple_http};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

/// Blocks of four megabytes as hex over loopback take far less; a node busy with a reorg may take seconds. The transport
/// asks a second time before it gives up.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How the node knows us.
#[derive(Clone)]
pub enum RpcAuth {
    /// The cookie file that bitcoind writes at every start; read again whenever the node refuses us.
    Cookie(PathBuf),
    /// `rpcuser` and `rpcpassword`, or one of `rpcauth`.
    UserPassword(String, String),
}

impl std::fmt::Debug for RpcAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cookie(path) => f.debug_tuple("Cookie").field(path).finish(),
            Self::UserPassword(user, _) => f.debug_tuple("UserPassword").field(user).finish_non_exhaustive(),
        }
    }
}

/// Why a call to the node gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The URL is not one of an RPC server.
    #[error("bitcoind URL {url}: {source}")]
    Url {
        /// As configured.
        url: String,
        /// What is wrong with it.
        source: simple_http::Error,
    },
    /// The cookie file cannot be read; usually the node is not running.
    #[error("bitcoind cookie file {path}: {source}")]
    Cookie {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The node refuses our credentials.
    #[error("bitcoind refuses our credentials")]
    Unauthorized,
    /// No answer.
    #[error("bitcoind does not answer {method}: {source}")]
    Unreachable {
        /// The RPC method.
        method: &'static str,
        /// The transport's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was not asked, since it has let a call before this one wait in vain.
    #[error("bitcoind has stopped answering, and is not asked {method}")]
    Silent {
        /// The RPC method.
        method: &'static str,
    },
    /// The node answers with an error.
    #[error("bitcoind {method}: {message} ({code})")]
    Rpc {
        /// The RPC method.
        method: &'static str,
        /// Bitcoin Core's code (`src/rpc/protocol.h`).
        code: i32,
        /// Its words.
        message: String,
    },
    /// An answer that is not what the method promises.
    #[error("bitcoind {method}: unexpected answer: {detail}")]
    Malformed {
        /// The RPC method.
        method: &'static str,
        /// What is unexpected about it.
        detail: String,
    },
    /// The task that made the call was cancelled; the process is shutting down.
    #[error("the call to bitcoind was cancelled")]
    Cancelled,
}

impl ChainError {
    /// Whether trying again later can help: the node is starting, restarting or unreachable.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        const IN_WARMUP: i32 = -28;
        match self {
            Self::Cookie { .. }
            | Self::Unauthorized
            | Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::Cancelled => true,
            Self::Rpc { code, .. } => *code == IN_WARMUP,
            Self::Url { .. } | Self::Malformed { .. } => false,
        }
    }
}

/// A bitcoind. Calls block the thread; from async code use [`Bitcoind::run`]. Clones share one connection.
#[derive(Clone)]
pub struct Bitcoind {
    shared: Arc<Shared>,
}

struct Shared {
    url: String,
    auth: RpcAuth,
    client: Mutex<Option<Arc<jsonrpc::Client>>>,
    /// Whether the last call was let wait in vain.
    silent: AtomicBool,
}

impl std::fmt::Debug for Bitcoind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bitcoind").field("url", &self.shared.url).field("auth", &self.shared.auth).finish()
    }
}

impl Bitcoind {
    /// Nothing is sent yet, so the node may still be starting.
    ///
    /// # Errors
    /// [`ChainError::Url`].
    pub fn new(url: &str, auth: RpcAuth) -> Result<Self, ChainError> {
        builder(url)?;
        Ok(Self {
            shared: Arc::new(Shared {
                url: url.to_owned(),
                auth,
                client: Mutex::new(None),
                silent: AtomicBool::new(false),
            }),
        })
    }

    /// Runs blocking calls on a thread where blocking is allowed.
    ///
    /// # Errors
    /// Those of the calls, and [`ChainError::Cancelled`] when the runtime is shutting down.
    pub async fn run<T, E, F>(&self, calls: F) -> Result<T, E>
    where
        F: FnOnce(&Self) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<ChainError> + Send + 'static,
    {
        let chain = self.clone();
        match tokio::task::spawn_blocking(move || calls(&chain)).await {
            Ok(result) => result,
            Err(_) => Err(ChainError::Cancelled.into()),
        }
    }

    /// Asks whether the node answers at all, on a connection of its own. Once a call was let wait in vain, all others
    /// fail at once until this succeeds: so only this has to be kept from where waiting does harm.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn probe(&self) -> Result<(), ChainError> {
        const METHOD: &str = "getblockcount";
        let asked = self.connect().and_then(|client| ask::<u32>(&client, METHOD, &[]));
        self.note_silence(&asked);
        asked.map(|_| ())
    }

    /// Any RPC method, for what has no typed call.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn call<T: DeserializeOwned>(&self, method: &'static str, params: &[Value]) -> Result<T, ChainError> {
        if self.shared.silent.load(Ordering::Relaxed) {
            return Err(ChainError::Silent { method });
        }
        let called = self.call_twice(method, params);
        if called.as_ref().is_err_and(is_silence) {
            self.note_silence(&called);
            // An answer that comes after all would be taken for that to the next call.
            self.disconnect();
        }
        called
    }

    fn note_silence<T>(&self, called: &Result<T, ChainError>) {
        self.shared.silent.store(called.as_ref().is_err_and(is_silence), Ordering::Relaxed);
    }

    fn call_twice<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &[Value],
    ) -> Result<T, ChainError> {
        match self.call_once(method, params) {
            // The node was restarted and has a new cookie; or the connection was made with an old one.
            Err(ChainError::Unauthorized) => {
                self.disconnect();
                self.call_once(method, params)
            }
            other => other,
        }
    }

    fn call_once<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &[Value],
    ) -> Result<T, ChainError> {
        ask(self.client()?.as_ref(), method, params)
    }

    fn client(&self) -> Result<Arc<jsonrpc::Client>, ChainError> {
        let mut slot = self.shared.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = slot.as_ref() {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.connect()?);
        *slot = Some(Arc::clone(&client));
        Ok(client)
    }

    fn connect(&self) -> Result<jsonrpc::Client, ChainError> {
        let transport = match &self.shared.auth {
            RpcAuth::UserPassword(user, password) => builder(&self.shared.url)?.auth(user, Some(password)),
            RpcAuth::Cookie(path) => {
                let cookie = std::fs::read_to_string(path)
                    .map_err(|source| ChainError::Cookie { path: path.clone(), source })?;
                builder(&self.shared.url)?.cookie_auth(cookie.trim())
            }
        };
        Ok(jsonrpc::Client::with_transport(transport.build()))
    }

    fn disconnect(&self) {
        *self.shared.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn builder(url: &str) -> Result<simple_http::Builder, ChainError> {
    let builder = simple_http::Builder::new().timeout(TIMEOUT);
    builder.url(url).map_err(|source| ChainError::Url { url: url.to_owned(), source })
}

fn ask<T: DeserializeOwned>(
    client: &jsonrpc::Client,
    method: &'static str,
    params: &[Value],
) -> Result<T, ChainError> {
    let malformed = |error: serde_json::Error| ChainError::Malformed { method, detail: error.to_string() };
    let params: Box<RawValue> = serde_json::value::to_raw_value(params).map_err(malformed)?;
    let request = client.build_request(method, Some(&params));
    let response = client.send_request(request).map_err(|error| classify(method, error))?;
    response.result().map_err(|error| classify(method, error))
}

/// Whether a call was let wait until its time was over.
fn is_silence(error: &ChainError) -> bool {
    let ChainError::Unreachable { source, .. } = error else { return false };
    match source.downcast_ref::<simple_http::Error>() {
        Some(simple_http::Error::SocketError(error)) => {
            // A read that times out is either, depending on the system.
            matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
        }
        _ => false,
    }
}

fn classify(method: &'static str, error: jsonrpc::Error) -> ChainError {
    match error {
        jsonrpc::Error::Rpc(error) => ChainError::Rpc { method, code: error.code, message: error.message },
        jsonrpc::Error::Transport(source) => match source.downcast_ref::<simple_http::Error>() {
            Some(simple_http::Error::HttpErrorCode(401 | 403)) => ChainError::Unauthorized,
            _ => ChainError::Unreachable { method, source },
        },
        other => ChainError::Malformed { method, detail: other.to_string() },
    }
}
