//! Where measurements are asked for.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use clock::Busy;
use protocol::oracle::Announced;
use protocol::{Problem, ProblemType};
use rates::network;
use terms::UnixSeconds;

use super::client::Client;
use super::problem::{Failure, Scheme};
use super::signed;
use crate::asking::announce::{self, Request};
use crate::asking::requester::Requester;
use crate::config::Accept;
use crate::oracle::Oracle;
use crate::store::Event;
use crate::views;

/// Carries what was paid with.
const PAYMENT: &str = protocol::request::PAYMENT_REFERENCE;
const MOST_PAYMENT_BYTES: usize = 4_096;

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new().route("/v1/measurements", post(measurements))
}

async fn measurements(
    State(oracle): State<Arc<Oracle>>,
    (Extension(busy), Extension(client)): (Extension<Busy>, Extension<Client>),
    (method, uri, headers): (Method, Uri, HeaderMap),
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let body = body.map_err(|_| Failure::from(too_large()))?;
    let requester = requester(&oracle, client, (&method, &uri), &headers, &body).await?;
    let request = Request { document: &body, requester, payment: payment(&headers)? };
    let announced = announce::request(&oracle, request, &busy).await?;
    let status = if announced.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(view(&announced.event)?)).into_response())
}

/// Who asks, as the policy wants to know it.
async fn requester(
    oracle: &Oracle,
    Client(address): Client,
    line: (&Method, &Uri),
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Requester, Failure> {
    match oracle.settings().config.policy.accept {
        Accept::Open => Ok(Requester::Address(network(address))),
        Accept::Token if has_token(oracle, headers) => Ok(Requester::TokenHolder),
        Accept::Token => {
            let detail = "this oracle takes measurements from holders of its token";
            Err(Failure::unauthorized(Scheme::Token, detail))
        }
        Accept::Keys => {
            let known = |key| oracle.settings().config.requester(key).is_some();
            Ok(Requester::Key(signed::signer(oracle, line, headers, body, known).await?))
        }
    }
}

/// What the requester says that it paid with; somebody else knows what it means.
fn payment(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let Some(given) = headers.get(PAYMENT) else { return Ok(None) };
    let text = given.to_str().ok().filter(|text| text.len() <= MOST_PAYMENT_BYTES);
    let rule = "must be at most 4096 printable ASCII characters";
    text.map(Some).ok_or_else(|| Failure::parameter(PAYMENT, rule))
}

fn has_token(oracle: &Oracle, headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer "));
    match (given, oracle.settings().token.as_deref()) {
        // Hashes are compared, so that the time it takes tells nothing about the token.
        (Some(given), Some(token)) => {
            terms::canonical::sha256(given.as_bytes()) == terms::canonical::sha256(token.as_bytes())
        }
        _ => false,
    }
}

fn too_large() -> Problem {
    let detail = format!("a measurement is at most {} bytes", terms::canonical::MAX_DOCUMENT_BYTES);
    Problem::new(ProblemType::TooLarge, detail)
}

fn view(event: &Event) -> Result<Announced, Failure> {
    Ok(Announced {
        event_id: event.id.clone(),
        maturity: UnixSeconds(event.maturity),
        announcement_hex: views::bytes(&event.announcement)?,
        nonce_proofs: views::proofs(event)?,
    })
}
