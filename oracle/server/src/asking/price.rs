//! The operator's word on what a measurement costs: a program of its own, asked before anything is announced.
//!
//! The oracle knows no money. It hands the request to the hook, and what the hook says to the requester. An event that is
//! announced is never asked about again, and the hook must answer alike when it is asked twice about the same event and
//! payment: the oracle may have died in between.

use std::time::Duration;

use axum::http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use protocol::problem::Price;
use protocol::text;
use serde::{Deserialize, Serialize};
use terms::{EventId, Measurement};
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

/// The hook may take this long.
const PATIENCE: Duration = Duration::from_secs(10);
/// The hook's answer may be this long.
const MOST_BYTES: usize = 64 * 1024;

/// What the hook is told.
#[derive(Debug, Serialize)]
pub struct Question<'a> {
    /// The event that would be announced.
    pub event_id: EventId,
    /// What would be measured.
    pub measurement: &'a Measurement,
    /// Who asks: `key:...`, `token`, or `address:...`.
    pub requester: String,
    /// What the requester says that it paid with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<&'a str>,
}

/// What the hook says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// `{"allow":{}}`: go on.
    Allow {},
    /// `{"price":{"amount","how","invoice"?}}`: not before this is paid.
    Price(Price),
    /// `{"refuse":{"why"}}`: never.
    Refuse {
        /// The reason, for the requester.
        why: String,
    },
}

/// Why the hook said nothing that can be used.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// It could not be reached, or broke off.
    #[error("the price hook does not answer")]
    Unreachable,
    /// It took too long.
    #[error("the price hook took too long")]
    Slow,
    /// It answered, and that it can't.
    #[error("the price hook answered {0}")]
    Status(StatusCode),
    /// Its answer is not one of its words.
    #[error("the price hook's answer is none: {0}")]
    Malformed(String),
}

/// Asks the hook.
///
/// # Errors
/// When it has nothing to say that can be used; nothing may be announced then.
pub async fn ask(hook: &Url, question: &Question<'_>) -> Result<Word, HookError> {
    let answer = tokio::time::timeout(PATIENCE, send(hook, terms::canonical::bytes(question)));
    let bytes = answer.await.map_err(|_| HookError::Slow)??;
    let word: Word =
        serde_json::from_slice(&bytes).map_err(|error| HookError::Malformed(error.to_string()))?;
    check(&word)?;
    Ok(word)
}

async fn send(hook: &Url, body: Vec<u8>) -> Result<Bytes, HookError> {
    let (Some(host), Some(port)) = (hook.host_str(), hook.port_or_known_default()) else {
        return Err(HookError::Unreachable);
    };
    let address = (host.trim_matches(['[', ']']), port);
    let stream = TcpStream::connect(address).await.map_err(|_| HookError::Unreachable)?;
    let (mut sender, driver) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| HookError::Unreachable)?;
    let _driver = AbortOnDropHandle::new(tokio::spawn(async {
        // Whatever goes wrong, the request fails of it.
        let _ = driver.await;
    }));
    let request = Request::builder()
        .method(Method::POST)
        .uri(&hook[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, format!("{host}:{port}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| HookError::Unreachable)?;
    let answer = sender.send_request(request).await.map_err(|_| HookError::Unreachable)?;
    if answer.status() != StatusCode::OK {
        return Err(HookError::Status(answer.status()));
    }
    let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
    Ok(body.map_err(|error| HookError::Malformed(error.to_string()))?.to_bytes())
}

/// What the hook says goes to strangers, and to their terminals.
fn check(word: &Word) -> Result<(), HookError> {
    let checked = match word {
        Word::Allow {} => Ok(()),
        Word::Price(price) => price.check(),
        Word::Refuse { why } => text::check_text("refuse.why", why),
    };
    checked.map_err(|error| HookError::Malformed(error.to_string()))
}
