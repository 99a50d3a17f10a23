//! What peers reach: the card, and the door for envelopes.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use protocol::ProblemType;

use super::answer::{Refusal, refuse};
use crate::node::Node;

/// The peers' listener.
pub(crate) fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route(protocol::card::PATH, get(card))
        .route("/v1/envelopes", post(envelope))
        .route("/healthz", get(|| async { "ok" }))
        .fallback(|| async { refuse(ProblemType::NotFound, "there is nothing here") })
        .layer(DefaultBodyLimit::max(protocol::envelope::MAX_BYTES))
        .layer(from_fn_with_state(Arc::clone(&node), super::hold_time))
        .with_state(node)
}

async fn card(State(node): State<Arc<Node>>) -> Result<Response, Refusal> {
    let card = node.core.lock().await.card(node.now()).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], card.bytes()).into_response())
}

async fn envelope(State(node): State<Arc<Node>>, body: Bytes) -> Result<Response, Refusal> {
    let answer = node.core.lock().await.receive(&body, node.now()).await?;
    super::wake(&node).await;
    Ok(match answer {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
    })
}
