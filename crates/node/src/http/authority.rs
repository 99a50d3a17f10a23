//! The owner's API about what is allowed: the mandate, the pause, delegated keys, approvals.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use protocol::owner::{DecisionRequest, KeyRequest};
use terms::{DocumentError, Hex32, canonical};

use super::access::Asker;
use super::answer::{Refusal, json};
use super::body::Whole;
use super::idempotency::{Post, once, once_or_dry, once_secret};
use super::owner::{Answered, Shared};
use crate::node::Node;
use crate::ticket::Ticket;

/// What only the owner may.
pub(super) fn routes() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/pause", post(pause))
        .route("/v1/resume", post(resume))
        .route("/v1/keys", get(keys).post(create_key))
        .route("/v1/keys/{name}/requests", get(key_requests))
        .route("/v1/keys/{name}/rotate", post(rotate_key))
        .route("/v1/keys/{name}/revoke", post(revoke_key))
        .route("/v1/approvals", get(approvals))
        .route("/v1/approvals/{terms_hash}/approve", post(approve))
        .route("/v1/approvals/{terms_hash}/deny", post(deny))
}

pub(super) async fn mandate(State(node): Shared, asker: Asker) -> Answered {
    let core = node.core.lock().await;
    Ok(json(StatusCode::OK, &core.mandate_view(asker.by.as_deref(), node.now()).await?))
}

async fn pause(node: Shared, asker: Asker, body: Whole) -> Answered {
    switch(node, asker, body, true).await
}

async fn resume(node: Shared, asker: Asker, body: Whole) -> Answered {
    switch(node, asker, body, false).await
}

async fn switch(State(node): Shared, asker: Asker, Whole(body): Whole, paused: bool) -> Answered {
    let DecisionRequest {} = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.core.lock().await.pause(paused, &ticket, node.now()).await;
    once(
        Post {
            node: &node,
            asker: &asker,
            path: if paused { "/v1/pause" } else { "/v1/resume" },
            body: &body,
        },
        work,
    )
    .await
}

async fn keys(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.key_views()))
}

async fn key_requests(State(node): Shared, Path(name): Path<String>) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.requests_of(&name).await?))
}

/// The token is shown, and kept nowhere: a repeated request has it worked out again from what is kept in its place.
async fn create_key(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let request: KeyRequest = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.core.lock().await.create_key(&request, &ticket, node.now()).await;
    once_secret(Post { node: &node, asker: &asker, path: "/v1/keys", body: &body }, work).await
}

async fn rotate_key(
    State(node): Shared,
    Path(name): Path<String>,
    asker: Asker,
    Whole(body): Whole,
) -> Answered {
    let DecisionRequest {} = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.core.lock().await.rotate_key(&name, &ticket, node.now()).await;
    once_secret(
        Post { node: &node, asker: &asker, path: &format!("/v1/keys/{name}/rotate"), body: &body },
        work,
    )
    .await
}

async fn revoke_key(
    State(node): Shared,
    Path(name): Path<String>,
    asker: Asker,
    Whole(body): Whole,
) -> Answered {
    let DecisionRequest {} = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.core.lock().await.revoke_key(&name, &ticket, node.now()).await;
    once(Post { node: &node, asker: &asker, path: &format!("/v1/keys/{name}/revoke"), body: &body }, work)
        .await
}

async fn approvals(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.approval_views(node.now())))
}

async fn approve(node: Shared, terms_hash: Path<String>, asker: Asker, body: Whole) -> Answered {
    decide(node, terms_hash, true, asker, body).await
}

async fn deny(node: Shared, terms_hash: Path<String>, asker: Asker, body: Whole) -> Answered {
    decide(node, terms_hash, false, asker, body).await
}

/// The owner's word about one commitment. A purchase that is approved is made at once.
async fn decide(
    State(node): Shared,
    Path(terms_hash): Path<String>,
    agrees: bool,
    asker: Asker,
    Whole(body): Whole,
) -> Answered {
    let id = approval_id(&terms_hash)?;
    let DecisionRequest {} = canonical::parse(&body)?;
    let word = if agrees { "approve" } else { "deny" };
    let work = async |ticket: Ticket| match agrees {
        true => node.approve(id, &ticket).await,
        false => node.core.lock().await.decide_approval(id, false, &ticket, node.now()).await,
    };
    let path = format!("/v1/approvals/{id}/{word}");
    let answer = match agrees {
        true => once_or_dry(Post { node: &node, asker: &asker, path: &path, body: &body }, work).await,
        false => once(Post { node: &node, asker: &asker, path: &path, body: &body }, work).await,
    };
    super::wake(&node).await;
    answer
}

fn approval_id(text: &str) -> Result<Hex32, Refusal> {
    let id = Hex32::parse(text);
    Ok(id.ok_or_else(|| DocumentError::new("terms_hash", "must be 64 lower-case hex digits"))?)
}
