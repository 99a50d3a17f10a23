//! The owner's routes of reputation: what is known of providers, and what is presented to others.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use protocol::owner::{FetchRequest, PresentRequest};
use protocol::reference::MAX_BYTES;
use terms::{DocumentError, Hex32, canonical};

use super::access::Asker;
use super::answer::{Refusal, json};
use super::body::Whole;
use super::idempotency::{Post, once};
use super::owner::{Answered, Shared};
use crate::node::Node;
use crate::ticket::Ticket;

/// What only the owner may: what strangers can read of their escrows.
pub(super) fn presenting() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/escrows/{id}/present", post(present))
        .route("/v1/escrows/{id}/withhold", post(withhold))
}

/// What buyers need, and moves no money.
pub(super) fn gathering() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/reputation/fetch", post(fetch))
        .route("/v1/reputation/verify", post(verify).layer(DefaultBodyLimit::max(MAX_BYTES)))
}

/// What every delegated key may see.
pub(super) fn readable() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/reputation/{key}", get(show))
        .route("/v1/references", get(presented))
        .route("/v1/escrows/{id}/reference", get(reference))
}

async fn show(State(node): Shared, Path(key): Path<String>) -> Answered {
    let key = hex("key", &key)?;
    Ok(json(StatusCode::OK, &node.reputation(key).await?))
}

async fn presented(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.presented().await?))
}

async fn reference(State(node): Shared, Path(id): Path<String>) -> Answered {
    let id = hex("id", &id)?;
    Ok(json(StatusCode::OK, &node.reference(id).await?))
}

async fn fetch(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let request: FetchRequest = canonical::parse(&body)?;
    let work = async |_| node.fetch_references(&request).await;
    once(Post { node: &node, asker: &asker, path: "/v1/reputation/fetch", body: &body }, work).await
}

async fn verify(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let work = async |_| node.bring_reference(&body).await;
    once(Post { node: &node, asker: &asker, path: "/v1/reputation/verify", body: &body }, work).await
}

async fn present(State(node): Shared, Path(id): Path<String>, asker: Asker, Whole(body): Whole) -> Answered {
    let id = hex("id", &id)?;
    let PresentRequest {} = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.present(id, &ticket).await;
    once(Post { node: &node, asker: &asker, path: &format!("/v1/escrows/{id}/present"), body: &body }, work)
        .await
}

async fn withhold(State(node): Shared, Path(id): Path<String>, asker: Asker, Whole(body): Whole) -> Answered {
    let id = hex("id", &id)?;
    let PresentRequest {} = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.core.lock().await.withhold(id, &ticket, node.now()).await;
    once(Post { node: &node, asker: &asker, path: &format!("/v1/escrows/{id}/withhold"), body: &body }, work)
        .await
}

fn hex(field: &str, text: &str) -> Result<Hex32, Refusal> {
    let hex = Hex32::parse(text);
    Ok(hex.ok_or_else(|| DocumentError::new(field, "must be 64 lower-case hex digits"))?)
}
