//! The two listeners: the owner's (loopback, bearer token) and the peers' (signed envelopes).

mod access;
mod answer;
mod authority;
mod body;
mod events;
mod idempotency;
mod listings;
mod negotiations;
mod openapi;
mod owner;
mod peer;
mod plain;
mod reputation;
mod standing;
mod visitor;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use protocol::ProblemType;

use self::answer::refuse;
pub(crate) use owner::router as owner;
pub(crate) use peer::router as peer;

use crate::node::Node;

/// Simulated time stands still while a request is being answered.
///
/// The answer is made in a task of its own, which goes on when the caller hangs up: between a commit and what follows
/// from it nobody outside may stop us.
pub(crate) async fn hold_time(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    let answered = tokio::spawn(async move { node.clock.while_busy(next.run(request)).await }).await;
    answered.unwrap_or_else(|error| {
        tracing::error!(%error, "a request failed");
        refuse(ProblemType::Internal, "an internal error; see the node's log").into_response()
    })
}

/// Wakes the driving task: the request brought something to do.
pub(crate) async fn wake(node: &Node) {
    let busy = node.clock.busy().await;
    node.wake.wake(&busy);
}
