//! `Idempotency-Key`: the same key and request give the same answer; another request under it is refused.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use crashpoint::here;
use protocol::ProblemType;
use protocol::owner::IDEMPOTENCY_KEY;
use serde::Serialize;
use storage::Answer;
use terms::{Hex32, canonical};
use tokio::sync::OwnedMutexGuard;

use super::access::Asker;
use super::answer::{Refusal, json, refuse};
use crate::core::Change;
use crate::error::NodeError;
use crate::guard::KeptSecret;
use crate::node::Node;
use crate::ticket::Ticket;

/// The longest key.
const MAX_KEY: usize = 128;

/// A POST, as far as its answer depends on it.
#[derive(Clone, Copy)]
pub(crate) struct Post<'a> {
    /// Who does it.
    pub node: &'a Arc<Node>,
    /// Who asks.
    pub asker: &'a Asker,
    /// For what: the path, without a parameter.
    pub path: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// Answers a POST once for each key. Without a key it is simply answered.
///
/// The answer is written in the same transaction as what the request does (see [`Ticket`]), so that not even a crash
/// makes a repeated request act twice; and one that is repeated at the same time waits. Where nothing was left to do, the
/// answer is written by itself.
pub(crate) async fn once<T: Serialize>(
    post: Post<'_>,
    work: impl AsyncFnOnce(Ticket) -> Result<T, NodeError>,
) -> Result<Response, Refusal> {
    let Post { node, asker, path, .. } = post;
    match turn(post).await? {
        Turn::Free => Ok(json(StatusCode::OK, &work(Ticket::default().by(asker.by.clone())).await?)),
        Turn::Repeated(stored) => Ok(repeated(&stored)),
        Turn::First(ticket, _guard) => {
            let done = work(ticket.clone()).await?;
            keep(node, &ticket, &done).await?;
            here!("owner.answered:{}", route(path));
            Ok(json(StatusCode::OK, &done))
        }
    }
}

/// As [`once`], for what commits money: a dry run goes the same way, and ends where something would be done. It stores no
/// answer, so that no key is looked at.
pub(crate) async fn once_or_dry<T: Serialize>(
    post: Post<'_>,
    work: impl AsyncFnOnce(Ticket) -> Result<T, NodeError>,
) -> Result<Response, Refusal> {
    let Post { asker, path, .. } = post;
    if !asker.rehearsal {
        return once(post, work).await;
    }
    match work(Ticket::rehearsal().by(asker.by.clone())).await {
        Err(NodeError::Rehearsed(plan)) => Ok(json(StatusCode::OK, &*plan)),
        Err(refusal) => Err(refusal.into()),
        Ok(_) => {
            tracing::error!(path, "a dry run was not stopped");
            Err(refuse(ProblemType::Internal, "an internal error; see the node's log"))
        }
    }
}

/// As [`once`], for an answer with a token, which is kept nowhere: see [`KeptSecret`].
pub(crate) async fn once_secret(
    post: Post<'_>,
    work: impl AsyncFnOnce(Ticket) -> Result<KeptSecret, NodeError>,
) -> Result<Response, Refusal> {
    let Post { node, path, .. } = post;
    let kept = match turn(post).await? {
        Turn::Free => work(Ticket::default()).await?,
        Turn::Repeated(stored) => {
            let damaged = |_| NodeError::Damaged { what: "answer" };
            serde_json::from_str(&stored.body).map_err(damaged)?
        }
        Turn::First(ticket, _guard) => {
            let kept = work(ticket).await?;
            here!("owner.answered:{}", route(path));
            kept
        }
    };
    Ok(json(StatusCode::OK, &node.core.lock().await.shown_secret(&kept)))
}

/// What a request finds when it is its turn.
enum Turn {
    /// It has no key.
    Free,
    /// It was answered before.
    Repeated(Answer),
    /// It is the first; the guard is its turn.
    First(Ticket, OwnedMutexGuard<()>),
}

async fn turn(post: Post<'_>) -> Result<Turn, Refusal> {
    let Post { node, asker, path, body } = post;
    if asker.rehearsal {
        return Err(refuse(ProblemType::BadInput, "dry_run: is for what commits money, and this does not"));
    }
    let Some(key) = key(asker)? else { return Ok(Turn::Free) };
    let request_hash = Hex32(canonical::sha256(&[path.as_bytes(), b"\n", body].concat()));
    let guard = node.turns.take(&key).await;
    match node.core.lock().await.store.answer(&key).await.map_err(NodeError::from)? {
        Some(stored) if stored.request_hash == request_hash => Ok(Turn::Repeated(stored)),
        Some(_) => {
            let detail = "Idempotency-Key: was used before, with another request";
            Err(refuse(ProblemType::IdempotencyMismatch, detail))
        }
        None => Ok(Turn::First(Ticket::new(key, request_hash).by(asker.by.clone()), guard)),
    }
}

/// Writes the answer of a request that changed nothing, as one that was done before under another key.
async fn keep<T: Serialize>(node: &Arc<Node>, ticket: &Ticket, done: &T) -> Result<(), NodeError> {
    let Some((key, answer)) = ticket.answer(done)? else { return Ok(()) };
    let mut core = node.core.lock().await;
    if core.store.answer(&key).await?.is_none() {
        let change = Change { answer: Some((key, answer)), ..Change::default() };
        core.commit(change, node.now()).await?;
    }
    Ok(())
}

/// The path without ids, which are others in every run: it names a crash point.
fn route(path: &str) -> String {
    let segments =
        path.split('/').map(|segment| if Hex32::parse(segment).is_some() { "ID" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Each delegated key has Idempotency-Keys of its own: no header can have the line feed.
fn key(asker: &Asker) -> Result<Option<String>, Refusal> {
    let Some(value) = asker.headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match (value.to_str(), &asker.by) {
        (Ok(key), by) if !key.is_empty() && key.len() <= MAX_KEY => {
            Ok(Some(by.as_ref().map_or(key.to_owned(), |by| format!("{by}\n{key}"))))
        }
        _ => Err(refuse(ProblemType::BadInput, "Idempotency-Key: must be 1 to 128 visible characters")),
    }
}

fn repeated(stored: &Answer) -> Response {
    let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    (status, [(header::CONTENT_TYPE, "application/json")], stored.body.clone()).into_response()
}
