//! The paths and JSON of kormir, as its clients (ddk's among them) send and expect them.
//!
//! They look at no status code, so whatever is not an attestation must not look like one: unknown
//! and not yet are 404 with text.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use signer::wire;
use terms::EventId;

use crate::oracle::Oracle;
use crate::store::Event;

/// `/list-events` has no pages: this many, the newest.
const LISTED: u32 = 1_000;

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new()
        .route("/pubkey", get(pubkey))
        .route("/announcement/{event_id}", get(announcement))
        .route("/attestation/{event_id}", get(attestation))
        .route("/list-events", get(list_events))
}

/// `?format=tlv` or `?format=hex`: the same as one hex string.
#[derive(Deserialize)]
struct Format {
    format: Option<String>,
}

impl Format {
    fn is_tlv(&self) -> bool {
        matches!(self.format.as_deref(), Some("tlv" | "hex"))
    }
}

type Answer = Result<Response, Refusal>;

/// A refusal in plain text.
pub(super) struct Refusal(StatusCode, &'static str);

impl Refusal {
    pub(super) fn not_found(what: &'static str) -> Self {
        Self(StatusCode::NOT_FOUND, what)
    }
}

/// The answer about an event that nobody announced.
pub(super) fn unknown() -> Refusal {
    Refusal::not_found("no such event")
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

async fn pubkey(State(oracle): State<Arc<Oracle>>) -> Json<wire::PubkeyJson> {
    Json(wire::PubkeyJson { pubkey: oracle.key.public() })
}

async fn announcement(
    State(oracle): State<Arc<Oracle>>,
    Path(id): Path<String>,
    Query(format): Query<Format>,
) -> Answer {
    let event = find(&oracle, &id).await?;
    if format.is_tlv() {
        return tlv(&event);
    }
    let announcement = wire::parse_announcement(&event.announcement).map_err(broken)?;
    Ok(Json(announcement).into_response())
}

async fn attestation(
    State(oracle): State<Arc<Oracle>>,
    Path(id): Path<String>,
    Query(format): Query<Format>,
) -> Answer {
    let event = find(&oracle, &id).await?;
    let Some(text) = &event.attestation else {
        return Err(Refusal::not_found("not attested yet"));
    };
    if format.is_tlv() {
        return tlv(&event);
    }
    Ok(Json(wire::parse_attestation(text).map_err(broken)?).into_response())
}

async fn list_events(State(oracle): State<Arc<Oracle>>) -> Answer {
    let _place = oracle.heavy.acquire().await.map_err(broken)?;
    let texts = oracle.store.signed_texts(LISTED).await.map_err(broken)?;
    let listed: Result<Vec<_>, _> = texts.iter().map(listed).collect();
    Ok(Json(listed?).into_response())
}

fn listed((announcement, attestation): &(String, Option<String>)) -> Result<wire::ListedEvent, Refusal> {
    let announcement = wire::parse_announcement(announcement).map_err(broken)?;
    let attestation = attestation.as_deref().map(wire::parse_attestation).transpose().map_err(broken)?;
    Ok(wire::ListedEvent::new(&announcement, attestation.as_ref()))
}

fn tlv(event: &Event) -> Answer {
    let announcement = wire::parse_announcement(&event.announcement).map_err(broken)?;
    let attestation =
        event.attestation.as_deref().map(wire::parse_attestation).transpose().map_err(broken)?;
    Ok(Json(wire::TlvEvent::new(&announcement, attestation.as_ref())).into_response())
}

async fn find(oracle: &Oracle, id: &str) -> Result<Event, Refusal> {
    let id = EventId::parse(id).ok_or_else(unknown)?;
    let event = oracle.store.event(&id).await.map_err(broken)?;
    event.filter(|event| event.published).ok_or_else(unknown)
}

pub(super) fn broken(error: impl std::error::Error) -> Refusal {
    tracing::error!(%error, "a request failed");
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, "the oracle could not answer")
}
