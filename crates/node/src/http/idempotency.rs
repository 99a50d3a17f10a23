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

use super::access::Asker;
use super::answer::{Refusal, json, refuse};
use crate::error::NodeError;
use crate::node::Node;
use crate::ticket::Ticket;

/// The longest key.
const MAX_KEY: usize = 128;

/// Answers a POST once for each key. Without a key it is simply answered.
///
/// The answer is written in the same transaction as what the request does (see [`Ticket`]), so that not even a crash
/// makes a repeated request act twice; and one that is repeated at the same time waits.
pub(crate) async fn once<T: Serialize>(
    node: &Arc<Node>,
    asker: &Asker,
    path: &str,
    body: &[u8],
    work: impl AsyncFnOnce(Ticket) -> Result<T, NodeError>,
) -> Result<Response, Refusal> {
    let Some(key) = key(asker)? else {
        return Ok(json(StatusCode::OK, &work(Ticket::default().by(asker.by.clone())).await?));
    };
    let request_hash = Hex32(canonical::sha256(&[path.as_bytes(), b"\n", body].concat()));
    let _turn = node.turns.take(&key).await;
    if let Some(stored) = node.core.lock().await.store.answer(&key).await.map_err(NodeError::from)? {
        return repeated(&stored, request_hash);
    }
    let done = work(Ticket::new(key, request_hash).by(asker.by.clone())).await?;
    here!("owner.answered:{}", route(path));
    Ok(json(StatusCode::OK, &done))
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

fn repeated(stored: &Answer, request_hash: Hex32) -> Result<Response, Refusal> {
    if stored.request_hash != request_hash {
        let detail = "Idempotency-Key: was used before, with another request";
        return Err(refuse(ProblemType::IdempotencyMismatch, detail));
    }
    let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    Ok((status, [(header::CONTENT_TYPE, "application/json")], stored.body.clone()).into_response())
}
