//! The owner's routes of standing orders and standing offers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use protocol::owner::{DecisionRequest, OrderRequest, StandingOfferRequest};
use terms::{DocumentError, Hex32, canonical};

use super::access::Asker;
use super::answer::{Refusal, json};
use super::body::Whole;
use super::idempotency::{Post, once, once_or_dry};
use super::owner::{Answered, Shared};
use crate::node::Node;
use crate::ticket::Ticket;

/// What every delegated key may see.
pub(super) fn readable() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/orders", get(orders))
        .route("/v1/orders/{id}", get(order))
        .route("/v1/standing-offers", get(offers))
        .route("/v1/standing-offers/{id}", get(offer))
}

/// What buys.
pub(super) fn buying() -> Router<Arc<Node>> {
    Router::new().route("/v1/orders", post(give)).route("/v1/orders/{id}/cancel", post(cancel))
}

/// What provides.
pub(super) fn providing() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/standing-offers", post(stand_by))
        .route("/v1/standing-offers/{id}/cancel", post(cancel_offers))
}

async fn orders(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.order_list()))
}

async fn order(State(node): Shared, Path(id): Path<String>) -> Answered {
    let id = standing_id(&id)?;
    Ok(json(StatusCode::OK, &node.core.lock().await.order_view(id)?))
}

async fn give(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let request: OrderRequest = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.order(request, &ticket).await;
    let answer =
        once_or_dry(Post { node: &node, asker: &asker, path: "/v1/orders", body: &body }, work).await;
    super::wake(&node).await;
    answer
}

async fn cancel(State(node): Shared, Path(id): Path<String>, asker: Asker, Whole(body): Whole) -> Answered {
    let id = standing_id(&id)?;
    let DecisionRequest {} = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.core.lock().await.cancel_order(id, &ticket, node.now()).await;
    once(Post { node: &node, asker: &asker, path: &format!("/v1/orders/{id}/cancel"), body: &body }, work)
        .await
}

async fn offers(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.offers_list()))
}

async fn offer(State(node): Shared, Path(id): Path<String>) -> Answered {
    let id = standing_id(&id)?;
    Ok(json(StatusCode::OK, &node.core.lock().await.offers_view(id)?))
}

async fn stand_by(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let request: StandingOfferRequest = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.stand_by(request, &ticket).await;
    let answer =
        once_or_dry(Post { node: &node, asker: &asker, path: "/v1/standing-offers", body: &body }, work)
            .await;
    super::wake(&node).await;
    answer
}

async fn cancel_offers(
    State(node): Shared,
    Path(id): Path<String>,
    asker: Asker,
    Whole(body): Whole,
) -> Answered {
    let id = standing_id(&id)?;
    let DecisionRequest {} = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.core.lock().await.cancel_offers(id, &ticket, node.now()).await;
    once(
        Post { node: &node, asker: &asker, path: &format!("/v1/standing-offers/{id}/cancel"), body: &body },
        work,
    )
    .await
}

fn standing_id(id: &str) -> Result<Hex32, Refusal> {
    let id = Hex32::parse(id);
    Ok(id.ok_or_else(|| DocumentError::new("id", "must be 64 lower-case hex digits"))?)
}
