//! What peers reach: the card, and the door for envelopes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use crashpoint::here;
use protocol::attestations::AttestationExchange;
use protocol::{Envelope, EnvelopeError, ProblemType};
use serde::Deserialize;
use terms::{DocumentError, Hex32};
use tokio::task::block_in_place;

use super::answer::{Refusal, json, refuse};
use super::body::Whole;
use super::plain::as_problem;
use crate::error::NodeError;
use crate::node::Node;
use crate::peers::card::Reader;
use crate::rotate::OwnKeys;
use crate::visitors::Visitor;

/// The peers' listener.
pub(crate) fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route(protocol::card::PATH, get(card))
        .route("/v1/envelopes", post(envelope))
        .route("/v1/escrows/{id}/waiting", get(waiting))
        .route("/v1/receipts/roots", get(roots))
        .route(protocol::reference::PATH, get(references))
        .route("/v1/references/{hash}", get(reference))
        .route(
            protocol::attestations::PATH,
            post(attestations).layer(DefaultBodyLimit::max(protocol::attestations::MAX_BYTES)),
        )
        .merge(super::listings::routes())
        .route("/healthz", get(|| async { "ok" }))
        .fallback(|| async { refuse(ProblemType::NotFound, "there is nothing here") })
        .layer(DefaultBodyLimit::max(protocol::envelope::MAX_BYTES))
        .layer(from_fn_with_state(Arc::clone(&node), super::hold_time))
        .layer(from_fn_with_state(Arc::clone(&node), super::visitor::meet))
        .layer(from_fn(as_problem))
        .with_state(node)
}

/// What a reader of the card says about itself.
#[derive(Deserialize)]
struct Asked {
    /// The latest version of the protocol that it knows.
    #[serde(default = "first")]
    v: u64,
    /// Whether it understands all of the card; 1 for yes.
    #[serde(default)]
    full: u64,
}

fn first() -> u64 {
    1
}

async fn card(State(node): State<Arc<Node>>, asked: Query<Asked>) -> Result<Response, Refusal> {
    let version = asked.v.min(node.config.max_protocol_version);
    let reader = Reader { negotiates: version > 1, full: asked.full == 1 };
    let card = node.card(reader).await.map_err(|error| Refusal::for_peer(&error))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], card).into_response())
}

/// The signed roots over our receipts, where the owner publishes them.
async fn roots(State(node): State<Arc<Node>>) -> Result<Response, Refusal> {
    let roots = node.core.lock().await.receipt_roots().await;
    Ok(json(StatusCode::OK, &roots.map_err(|error| Refusal::for_peer(&error))?))
}

/// Which page of a list.
#[derive(Deserialize)]
struct Page {
    /// The reference that it comes after.
    #[serde(default)]
    after: Option<String>,
}

/// What the owner has chosen to present, where it publishes anything.
async fn references(State(node): State<Arc<Node>>, page: Query<Page>) -> Result<Response, Refusal> {
    let after = page.0.after.map(|after| hash("after", &after)).transpose()?;
    let page = node.core.lock().await.reference_page(after).await;
    Ok(json(StatusCode::OK, &page.map_err(|error| Refusal::for_peer(&error))?))
}

/// One of them. Each may be megabytes, so few are read at the same time.
async fn reference(
    State(node): State<Arc<Node>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let Some(_inside) = node.doors.enter(visitor) else {
        return Err(refuse(ProblemType::RateLimited, "too many requests at once; send it again"));
    };
    let name = hash("hash", &name)?;
    let file = node.core.lock().await.presented_file(name).await;
    let file = file.map_err(|error| Refusal::for_peer(&error))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], file).into_response())
}

fn hash(field: &str, text: &str) -> Result<Hex32, Refusal> {
    let hash = Hex32::parse(text);
    Ok(hash.ok_or_else(|| DocumentError::new(field, "must be 64 lower-case hex digits"))?)
}

/// What waits for the buyer of an escrow. Who does not know an escrow's id learns nothing, not even that it is none.
async fn waiting(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let waiting = match Hex32::parse(&id) {
        Some(id) => node.core.lock().await.waiting(id, node.now()).await,
        None => Ok(Vec::new()),
    };
    let waiting = waiting.map_err(|error| Refusal::for_peer(&error))?;
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], protocol::waiting::write(&waiting)).into_response())
}

/// Reading an envelope takes no lock: whoever sends junk keeps only himself waiting.
async fn envelope(
    State(node): State<Arc<Node>>,
    visitor: Visitor,
    request: Request,
) -> Result<Response, Refusal> {
    let Some(_inside) = node.doors.enter(visitor) else {
        return Err(refuse(ProblemType::RateLimited, "too many envelopes at once; send it again"));
    };
    let Whole(body) = Whole::from_request(request, &()).await?;
    let (now, own) = (node.now(), node.own_keys());
    let envelope = block_in_place(|| open(&node, &body, now, &own)).map_err(NodeError::from);
    let answer = match envelope {
        Ok(envelope) => {
            node.visitors.heard(envelope.from()).map_err(|error| Refusal::for_peer(&error.into()))?;
            here!("envelope.received:{}", envelope.body().kind());
            let answer = node.answer(&envelope, visitor).await;
            here!("envelope.answered:{}", envelope.body().kind());
            answer
        }
        Err(error) => Err(error),
    };
    let answer = answer.map_err(|error| Refusal::for_peer(&error))?;
    super::wake(&node).await;
    Ok(match answer {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
    })
}

fn open(node: &Node, body: &[u8], now: u64, own: &OwnKeys) -> Result<Envelope, EnvelopeError> {
    let envelope = Envelope::open_by(body, now, own.current, &own.former)?;
    envelope.check_version(node.config.max_protocol_version)?;
    Ok(envelope)
}

/// No envelope: an attestation proves itself, and only the two parties know the escrow's id.
async fn attestations(
    State(node): State<Arc<Node>>,
    visitor: Visitor,
    Whole(body): Whole,
) -> Result<Response, Refusal> {
    let Some(_inside) = node.doors.enter(visitor) else {
        return Err(refuse(ProblemType::RateLimited, "too many requests at once; send it again"));
    };
    let request = AttestationExchange::parse(&body)?;
    let answer = node.core.lock().await.exchange(&request, node.now()).await;
    let (answer, news) = answer.map_err(|error| Refusal::for_peer(&error))?;
    if news {
        super::wake(&node).await;
    }
    Ok(json(StatusCode::OK, &answer))
}
