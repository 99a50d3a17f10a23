//! What a directory answers: takes signed listings, and gives them out in pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use protocol::listing::{MAX_BYTES, PATH, check_service};
use protocol::request::{Call, Credential, SCHEME};
use protocol::{Listing, ProblemType};
use serde::Deserialize;
use terms::{DocumentError, Hex32, UnixSeconds};
use tokio::task::block_in_place;

use super::answer::{Refusal, json, refuse};
use super::body::Whole;
use crate::error::NodeError;
use crate::node::Node;
use crate::visitors::Visitor;

/// The routes of a directory; a node that is none answers 404.
pub(super) fn routes() -> Router<Arc<Node>> {
    Router::new().route(PATH, get(page).post(take).layer(DefaultBodyLimit::max(MAX_BYTES)))
}

/// Which part of the listings is asked for.
#[derive(Deserialize)]
struct Asked {
    after: Option<String>,
    service: Option<String>,
}

async fn page(
    State(node): State<Arc<Node>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(Asked { after, service }) =
        asked.map_err(|_| DocumentError::new("query", "must hold after and service, each at most once"))?;
    let after = after.map(|text| {
        Hex32::parse(&text).ok_or_else(|| DocumentError::new("after", "must be 64 lower-case hex digits"))
    });
    let after = after.transpose()?;
    service.as_deref().map_or(Ok(()), |service| check_service("service", service))?;
    let core = node.core.lock().await;
    let page = core.listing_page(after, service.as_deref(), node.now()).await;
    Ok(json(StatusCode::OK, &page.map_err(|error| Refusal::for_peer(&error))?))
}

/// Handing a listing in again changes nothing, so no nonce is remembered: the signature says that the key's holder asks,
/// and nobody else uses up what the key may do.
async fn take(
    State(node): State<Arc<Node>>,
    visitor: Visitor,
    (method, uri, headers): (Method, Uri, HeaderMap),
    Whole(body): Whole,
) -> Result<Response, Refusal> {
    if node.config.directory.is_none() {
        return Err(Refusal::for_peer(&NodeError::NotFound { what: "directory" }));
    }
    let Some(_inside) = node.doors.enter(visitor) else {
        return Err(refuse(ProblemType::RateLimited, "too many requests at once; send it again"));
    };
    let credential = credential(&headers)?;
    let path = uri.path_and_query().map_or(PATH, |path| path.as_str());
    let call = Call { method: method.as_str(), path, body: &body };
    let listing = block_in_place(|| read(&node, &credential, &call))
        .map_err(|error| Refusal::for_peer(&error).of_signer())?;
    let taken = node.core.lock().await.take_listing(&listing, visitor.0, node.now()).await;
    taken.map_err(|error| Refusal::for_peer(&error))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn credential(headers: &HeaderMap) -> Result<Credential, Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let missing =
        format!("needs a request that the listing's key has signed, in `Authorization: {SCHEME} ...`");
    let given = given.ok_or_else(|| refuse(ProblemType::Unauthorized, &missing).of_signer())?;
    Credential::parse(given)
        .map_err(|error| refuse(ProblemType::Unauthorized, &format!("authorization: {error}")).of_signer())
}

/// The listing, once it is certain that its key asks for it to be kept here.
fn read(node: &Node, credential: &Credential, call: &Call<'_>) -> Result<Listing, NodeError> {
    let now = UnixSeconds(node.now());
    let own = node.own_keys();
    let former = own.former.iter().any(|key| credential.verify(call, *key, now).is_ok());
    if !former {
        credential.verify(call, own.current, now)?;
    }
    node.visitors.heard(credential.key)?;
    let listing = Listing::open(call.body)?;
    if listing.key != credential.key {
        return Err(DocumentError::new("key", "must be the key that signed the request").into());
    }
    Ok(listing)
}
