//! The owner's API: JSON over loopback, with the bearer token of the data folder.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use protocol::owner::{
    AddressRequest, CloseRequest, Info, ListingRequest, MAX_REQUEST_BYTES, ProposalRequest, PurchaseRequest,
    RenewalRequest, RotationRequest, Scope, WithdrawalRequest,
};
use protocol::{OfferDraft, ProblemType};
use terms::{DocumentError, Hex32, UnixSeconds, canonical};

use super::access::{Access, Asker, guarded};
use super::answer::{Refusal, json, refuse};
use super::body::Whole;
use super::idempotency::{Post, once, once_or_dry};
use super::plain::{as_problem, json_only};
use crate::node::Node;
use crate::ticket::Ticket;

pub(super) type Answered = Result<Response, Refusal>;
pub(super) type Shared = State<Arc<Node>>;

/// The owner's listener.
pub(crate) fn router(node: Arc<Node>) -> Router {
    let guard = |access, routes: Router<Arc<Node>>| {
        routes.layer(from_fn_with_state((Arc::clone(&node), access), guarded))
    };
    routes(guard)
        .fallback(|| async { refuse(ProblemType::NotFound, "there is nothing here") })
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .layer(from_fn(json_only))
        .layer(from_fn_with_state(Arc::clone(&node), super::hold_time))
        .layer(from_fn(as_problem))
        .with_state(node)
}

/// Every route, each group behind its guard. A test compares them with their description in [`super::openapi`].
pub(super) fn routes(
    mut guard: impl FnMut(Access, Router<Arc<Node>>) -> Router<Arc<Node>>,
) -> Router<Arc<Node>> {
    let owners = owners().merge(super::authority::routes());
    let owners = owners.merge(super::reputation::presenting());
    let readable = readable().merge(super::negotiations::readable()).merge(super::reputation::readable());
    let readable = readable.merge(super::events::routes());
    let readable = readable.merge(super::standing::readable());
    let buying = buying().merge(super::negotiations::buying()).merge(super::reputation::gathering());
    let buying = buying.merge(super::standing::buying());
    let providing = super::standing::providing().route("/v1/offers", post(publish));
    Router::new()
        .merge(guard(Access::Owner, owners))
        .merge(guard(Access::Committing, super::negotiations::words()))
        .merge(guard(Access::Scoped(Scope::Read), readable))
        .merge(guard(Access::Scoped(Scope::Buy), buying))
        .merge(guard(Access::Scoped(Scope::Provide), providing))
        .merge(guard(Access::Scoped(Scope::Close), closing()))
        .merge(open())
}

/// What needs no token.
pub(super) fn open() -> Router<Arc<Node>> {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/v1/openapi.json", get(super::openapi::serve))
}

/// What only the owner's token opens.
fn owners() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/identity-rotations", post(rotate_identity))
        .route("/v1/token-rotations", post(rotate_token))
        .route("/v1/addresses", post(address))
        .route("/v1/withdrawals", post(withdrawal))
        .route("/v1/listing/withdraw", post(withdraw_listing))
        .route("/v1/listing/publish", post(publish_listing))
}

/// What every delegated key may see.
fn readable() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/info", get(info))
        .route("/v1/mandate", get(super::authority::mandate))
        .route("/v1/balance", get(balance))
        .route("/v1/transactions", get(transactions))
        .route("/v1/supply", get(supply))
        .route("/v1/sweep", get(sweep))
        .route("/v1/offers", get(offers))
        .route("/v1/offers/{id}", get(offer))
        .route("/v1/listing", get(listing))
        .route("/v1/escrows", get(escrows))
        .route("/v1/alarms", get(alarms))
        .route("/v1/receipts", get(receipts))
        .route("/v1/oracles", get(oracles))
        .route("/v1/escrows/{id}", get(escrow))
}

fn buying() -> Router<Arc<Node>> {
    Router::new().route("/v1/purchases", post(purchase)).route("/v1/escrows/{id}/renew", post(renew))
}

fn closing() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/escrows/{id}/close", post(propose_close))
        .route("/v1/escrows/{id}/close/approve", post(approve_close))
        .route("/v1/escrows/{id}/close/refuse", post(refuse_close))
        .route("/v1/escrows/{id}/close/withdraw", post(withdraw_close))
}

async fn ready(State(node): Shared) -> Answered {
    match node.core.lock().await.follower.tip() {
        Some(_) => Ok("ready".into_response()),
        None => Err(refuse(ProblemType::Unavailable, "the chain is not followed yet")),
    }
}

async fn info(State(node): Shared) -> Answered {
    let core = node.core.lock().await;
    let info = Info {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        key: core.keys.public(),
        network: core.config.network.clone(),
        height: core.wallet.height(),
        now: UnixSeconds(node.now()),
        simulated_time: node.clock.is_simulated(),
        backup: core.backup_status(),
        paused: core.guard.paused,
    };
    Ok(json(StatusCode::OK, &info))
}

async fn balance(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.balance()))
}

async fn transactions(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.transactions().await?))
}

async fn supply(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.supply_view(node.now()).await?))
}

async fn sweep(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.sweep_view(node.now())?))
}

async fn rotate_identity(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let RotationRequest {} = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.rotate_identity(&ticket).await;
    once(Post { node: &node, asker: &asker, path: "/v1/identity-rotations", body: &body }, work).await
}

/// Whoever repeats it reads the new token from its file first. A crash between file and answer makes it another token, and
/// the same answer.
async fn rotate_token(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let RotationRequest {} = canonical::parse(&body)?;
    once(Post { node: &node, asker: &asker, path: "/v1/token-rotations", body: &body }, async |_| {
        node.rotate_token()
    })
    .await
}

async fn address(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let AddressRequest {} = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.core.lock().await.address(&ticket, node.now()).await;
    once(Post { node: &node, asker: &asker, path: "/v1/addresses", body: &body }, work).await
}

async fn withdrawal(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let request: WithdrawalRequest = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.core.lock().await.withdraw(&request, &ticket, node.now()).await;
    once_or_dry(Post { node: &node, asker: &asker, path: "/v1/withdrawals", body: &body }, work).await
}

async fn offers(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.offers().await?))
}

async fn listing(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.listing_view().await?))
}

async fn withdraw_listing(node: Shared, asker: Asker, body: Whole) -> Answered {
    list_or_not(node, asker, body, true).await
}

async fn publish_listing(node: Shared, asker: Asker, body: Whole) -> Answered {
    list_or_not(node, asker, body, false).await
}

async fn list_or_not(State(node): Shared, asker: Asker, Whole(body): Whole, withdrawn: bool) -> Answered {
    let ListingRequest {} = canonical::parse(&body)?;
    let path = if withdrawn { "/v1/listing/withdraw" } else { "/v1/listing/publish" };
    let work =
        async |ticket: Ticket| node.core.lock().await.list_or_not(withdrawn, &ticket, node.now()).await;
    let answer = once(Post { node: &node, asker: &asker, path, body: &body }, work).await;
    super::wake(&node).await;
    answer
}

async fn offer(State(node): Shared, Path(id): Path<String>) -> Answered {
    let id = escrow_id(&id)?;
    Ok(json(StatusCode::OK, &node.core.lock().await.offer_view(id, node.now()).await?))
}

async fn publish(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let draft: OfferDraft = canonical::parse(&body)?;
    let work = async |ticket: Ticket| node.publish(draft, &ticket).await;
    let answer =
        once_or_dry(Post { node: &node, asker: &asker, path: "/v1/offers", body: &body }, work).await;
    if node.config.listing.is_some() {
        // Directories may have to hear of another service.
        super::wake(&node).await;
    }
    answer
}

async fn purchase(State(node): Shared, asker: Asker, Whole(body): Whole) -> Answered {
    let request: PurchaseRequest = canonical::parse(&body)?;
    let work = async |ticket: Ticket| {
        let bought = node.purchase(&request, &ticket).await;
        if ticket.is_rehearsal() {
            return bought;
        }
        node.core.lock().await.asking(bought, Some((&request, &ticket)), node.now()).await
    };
    let answer =
        once_or_dry(Post { node: &node, asker: &asker, path: "/v1/purchases", body: &body }, work).await;
    super::wake(&node).await;
    answer
}

async fn escrows(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.escrow_list(node.now())))
}

async fn alarms(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.core.lock().await.alarms().await?))
}

/// Every receipt, as JSON lines.
async fn receipts(State(node): Shared) -> Answered {
    let text = node.core.lock().await.export_receipts(node.now()).await?;
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], text).into_response())
}

async fn oracles(State(node): Shared) -> Answered {
    Ok(json(StatusCode::OK, &node.oracle_views().await))
}

async fn escrow(State(node): Shared, Path(id): Path<String>) -> Answered {
    let id = escrow_id(&id)?;
    Ok(json(StatusCode::OK, &node.core.lock().await.escrow_view(id, node.now()).await?))
}

fn escrow_id(id: &str) -> Result<Hex32, Refusal> {
    let id = Hex32::parse(id);
    Ok(id.ok_or_else(|| DocumentError::new("id", "must be 64 lower-case hex digits"))?)
}

async fn renew(State(node): Shared, Path(id): Path<String>, asker: Asker, Whole(body): Whole) -> Answered {
    let id = escrow_id(&id)?;
    let RenewalRequest {} = canonical::parse(&body)?;
    let work = async |ticket: Ticket| {
        let renewed = node.renew(id, &ticket).await;
        if ticket.is_rehearsal() {
            return renewed;
        }
        node.core.lock().await.asking(renewed, None, node.now()).await
    };
    let answer = once_or_dry(
        Post { node: &node, asker: &asker, path: &format!("/v1/escrows/{id}/renew"), body: &body },
        work,
    )
    .await;
    super::wake(&node).await;
    answer
}

async fn propose_close(
    State(node): Shared,
    Path(id): Path<String>,
    asker: Asker,
    Whole(body): Whole,
) -> Answered {
    let id = escrow_id(&id)?;
    let request: CloseRequest = canonical::parse(&body)?;
    let work =
        async |ticket: Ticket| node.core.lock().await.propose_close(id, &request, &ticket, node.now()).await;
    let answer = once_or_dry(
        Post { node: &node, asker: &asker, path: &format!("/v1/escrows/{id}/close"), body: &body },
        work,
    )
    .await;
    super::wake(&node).await;
    answer
}

async fn approve_close(node: Shared, id: Path<String>, asker: Asker, body: Whole) -> Answered {
    close_word(node, id, "approve", asker, body).await
}

async fn refuse_close(node: Shared, id: Path<String>, asker: Asker, body: Whole) -> Answered {
    close_word(node, id, "refuse", asker, body).await
}

async fn withdraw_close(node: Shared, id: Path<String>, asker: Asker, body: Whole) -> Answered {
    close_word(node, id, "withdraw", asker, body).await
}

/// The owner's word about one proposal.
async fn close_word(
    State(node): Shared,
    Path(id): Path<String>,
    word: &str,
    asker: Asker,
    Whole(body): Whole,
) -> Answered {
    let id = escrow_id(&id)?;
    let ProposalRequest { proposal } = canonical::parse(&body)?;
    let work = async |ticket: Ticket| {
        let mut core = node.core.lock().await;
        match word {
            "approve" => core.approve_close(id, proposal, &ticket, node.now()).await,
            "refuse" => core.refuse_close(id, proposal, &ticket, node.now()).await,
            _ => core.withdraw_close(id, proposal, &ticket, node.now()).await,
        }
    };
    let path = format!("/v1/escrows/{id}/close/{word}");
    // Of the three words only one signs anything.
    let answer = match word {
        "approve" => once_or_dry(Post { node: &node, asker: &asker, path: &path, body: &body }, work).await,
        _ => once(Post { node: &node, asker: &asker, path: &path, body: &body }, work).await,
    };
    super::wake(&node).await;
    answer
}
