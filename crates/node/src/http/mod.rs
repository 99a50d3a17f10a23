//! The two listeners: the owner's (loopback, bearer token) and the peers' (signed envelopes).

mod answer;
mod idempotency;
mod owner;
mod peer;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

pub(crate) use owner::router as owner;
pub(crate) use peer::router as peer;

use crate::node::Node;

/// Simulated time stands still while a request is being answered.
pub(crate) async fn hold_time(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    node.clock.while_busy(next.run(request)).await
}

/// Wakes the driving task: the request brought something to do.
pub(crate) async fn wake(node: &Node) {
    let busy = node.clock.busy().await;
    node.wake.wake(&busy);
}
