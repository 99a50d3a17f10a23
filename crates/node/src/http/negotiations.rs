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
use super::idempotency::{Post, once_or_dry};
use super::owner::{Answered, Shared};
use crate::node::Node;
use crate::peers::negotiate::Word;
use crate::ticket::Ticket;

/// Each word by hand, on either side: the owner's, and in their own negotiations delegated keys'.
pub(super) fn words() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/negotiations/{id}/counter", post(counter))
        .route("/v1/negotiations/{id}/accept", post(accept))
        .route("/v1/negotiations/{id}/reject", post(reject))
        .route("/v1/negotiations/{id}/withdraw", post(withdraw))
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
    Ok(json(StatusCode::OK, &node.core.lock().await.negotiation_view(id, node.now()).await?))
}

async fn transcript(State(node): Shared, Path(id): Path<String>) -> Answered {
    let id = negotiation_id(&id)?;
    Ok(json(StatusCode::OK, &node.core.lock().await.transcript_file(id).await?))
}

async fn start(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let request: NegotiationRequest = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.negotiate(&request, &ticket).await;
    let answer =
        once_or_dry(Post { node: &node, asker: &asker, path: "/v1/negotiations", body: &body }, work).await;
    super::wake(&node).await;
    answer
}

async fn counter(node: Shared, id: Path<String>, asker: Asker, body: Whole) -> Answered {
    let word = Word::Counter(canonical::parse(&body.0)?);
    say(node, id, ("counter", word), asker, body).await
}

async fn accept(node: Shared, id: Path<String>, asker: Asker, body: Whole) -> Answered {
    let word = Word::Accept(canonical::parse(&body.0)?);
    say(node, id, ("accept", word), asker, body).await
}

async fn reject(node: Shared, id: Path<String>, asker: Asker, body: Whole) -> Answered {
    let word = Word::Reject(canonical::parse(&body.0)?);
    say(node, id, ("reject", word), asker, body).await
}

async fn withdraw(node: Shared, id: Path<String>, asker: Asker, body: Whole) -> Answered {
    let word = Word::Withdraw(canonical::parse(&body.0)?);
    say(node, id, ("withdraw", word), asker, body).await
}

async fn say(
    State(node): Shared,
    Path(id): Path<String>,
    (name, word): (&str, Word),
    asker: Asker,
    Whole(body): Whole,
) -> Answered {
    let id = negotiation_id(&id)?;
    let work = async |ticket: Ticket| {
        let mut core = node.core.lock().await;
        let said = core.say(id, word, &ticket, node.now()).await;
        if ticket.is_rehearsal() {
            return said;
        }
        core.asking(said, None, node.now()).await
    };
    let answer = once_or_dry(
        Post { node: &node, asker: &asker, path: &format!("/v1/negotiations/{id}/{name}"), body: &body },
        work,
    )
    .await;
    super::wake(&node).await;
    answer
}

fn negotiation_id(id: &str) -> Result<Hex32, Refusal> {
    let id = Hex32::parse(id);
    Ok(id.ok_or_else(|| DocumentError::new("id", "must be 64 lower-case hex digits"))?)
}
