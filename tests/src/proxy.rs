//! A network that fails on command: an HTTP proxy between two of our processes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::http::{Request as Http, exchange};

/// More than any message between our processes has.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What happens to one request.
#[derive(Debug)]
pub enum Verdict {
    /// It reaches its receiver, and the answer the sender.
    Pass,
    /// It reaches nobody, and nothing comes back.
    Swallow,
    /// It reaches its receiver; the answer is lost and nothing comes back.
    SwallowAnswer,
    /// It reaches nobody, and this comes back, as JSON.
    Answer(StatusCode, Vec<u8>),
    /// It reaches its receiver, and this comes back instead of the answer, as JSON.
    Replace(StatusCode, Vec<u8>),
}

/// A request as a rule sees it.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Path and query.
    pub path: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl Seen<'_> {
    /// Whether the body contains this text.
    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        self.body.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

type Rule = Box<dyn FnMut(&Seen<'_>) -> Verdict + Send>;

/// A proxy on a loopback port of its own, in front of one address. It ends when dropped.
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    serving: AbortHandle,
}

struct Shared {
    to: SocketAddr,
    rule: Mutex<Rule>,
    caught: Notify,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Proxy {
    /// A proxy in front of `to` that lets everything pass.
    pub async fn before(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are free ports");
        let addr = listener.local_addr().expect("the listener is bound");
        let rule: Mutex<Rule> = Mutex::new(Box::new(|_| Verdict::Pass));
        let shared = Arc::new(Shared { to, rule, caught: Notify::new() });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            // Ends with the task, which `drop` aborts.
            let _ = axum::serve(listener, router).await;
        });
        Self { addr, shared, serving: serving.abort_handle() }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// From now on this decides.
    pub fn rule(&self, rule: impl FnMut(&Seen<'_>) -> Verdict + Send + 'static) {
        *self.shared.rule.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(rule);
    }

    /// From now on everything passes.
    pub fn pass(&self) {
        self.rule(|_| Verdict::Pass);
    }

    /// Waits until a request, or its answer, was swallowed.
    pub async fn caught(&self) {
        self.shared.caught.notified().await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let verdict = {
        let mut rule = shared.rule.lock().unwrap_or_else(PoisonError::into_inner);
        rule(&Seen { path: &path, body: &body })
    };
    match verdict {
        Verdict::Pass => forward(&shared, &parts, &path, body).await,
        Verdict::Answer(status, body) => {
            (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Verdict::Replace(status, answer) => {
            let _lost = forward(&shared, &parts, &path, body).await;
            (status, [(header::CONTENT_TYPE, "application/json")], answer).into_response()
        }
        Verdict::Swallow => silence(&shared).await,
        Verdict::SwallowAnswer => {
            let _lost = forward(&shared, &parts, &path, body).await;
            silence(&shared).await
        }
    }
}

async fn silence(shared: &Shared) -> Response {
    shared.caught.notify_one();
    std::future::pending().await
}

async fn forward(shared: &Shared, parts: &axum::http::request::Parts, path: &str, body: Bytes) -> Response {
    let headers: Vec<(&str, &str)> = [header::AUTHORIZATION, header::CONTENT_TYPE]
        .iter()
        .filter_map(|name| Some((name.as_str(), parts.headers.get(name)?.to_str().ok()?)))
        .collect();
    let request = Http { method: parts.method.as_str(), path, headers: &headers, body: &body };
    match exchange(shared.to, request).await {
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        Ok(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, [(header::CONTENT_TYPE, answer.content_type)], answer.body).into_response()
        }
    }
}
