//! The owner's routes of negotiations and their transcripts.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use protocol::owner::NegotiationRequest;
use terms::{DocumentError, Hex32, canonical};

use super::access::Asker;
use super::answer::{Refusal, json};
use super::body::Whole;
use super::idempotency::once;
use super::owner::{Answered, Shared};
use crate::error::NodeError;
use crate::node::Node;
use crate::peers::negotiate::Word;
use crate::ticket::Ticket;

/// What only the owner may: each word by hand, on either side.
pub(super) fn words() -> Router<Arc<Node>> {
    Router::new().route("/v1/negotiations/{id}/{word}", post(say))
}

/// What buys.
pub(super) fn buying() -> Router<Arc<Node>> {
    Router::new().route("/v1/negotiations", post(start))
}

/// What every delegated key may see.
pub(super) fn readable() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/negotiations", get(list))
        .route("/v1/negotiations/{id}", get(show))
        .route("/v1/escrows/{id}/transcript", get(transcript))
}

async fn list(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.negotiation_list().await?))
}

async fn show(State(node): Shared, Path(id): Path<String>) -> Answered {
    let id = negotiation_id(&id)?;
    Ok(json(StatusCode::OK, &node.core.lock().await.negotiation_view(id).await?))
}

async fn transcript(State(node): Shared, Path(id): Path<String>) -> Answered {
    let id = negotiation_id(&id)?;
    Ok(json(StatusCode::OK, &node.core.lock().await.transcript_file(id).await?))
}

async fn start(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let request: NegotiationRequest = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.negotiate(&request, &ticket).await;
    let answer = once(&node, &asker, "/v1/negotiations", &body, work).await;
    super::wake(&node).await;
    answer
}

async fn say(
    State(node): Shared,
    Path((id, word)): Path<(String, String)>,
    asker: Asker,
    Whole(body): Whole,
) -> Answered {
    let id = negotiation_id(&id)?;
    let said = match word.as_str() {
        "counter" => Word::Counter(canonical::parse(&body)?),
        "accept" => Word::Accept(canonical::parse(&body)?),
        "reject" => Word::Reject(canonical::parse(&body)?),
        "withdraw" => Word::Withdraw(canonical::parse(&body)?),
        _ => return Err(NodeError::NotFound { what: "address" }.into()),
    };
    let work = async |ticket: Ticket| {
        let mut core = node.core.lock().await;
        let said = core.say(id, said, &ticket, node.now()).await;
        core.asking(said, None, node.now()).await
    };
    let answer = once(&node, &asker, &format!("/v1/negotiations/{id}/{word}"), &body, work).await;
    super::wake(&node).await;
    answer
}

fn negotiation_id(id: &str) -> Result<Hex32, Refusal> {
    let id = Hex32::parse(id);
    Ok(id.ok_or_else(|| DocumentError::new("id", "must be 64 lower-case hex digits"))?)
}
