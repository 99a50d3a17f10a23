//! The paths and JSON of p2pderivatives' oracle, as its clients (ddk's and rust-dlc's) send and expect them.
//!
//! They know an event by six characters and unix seconds, and ask for an asset and a moment in RFC 3339; the
//! configuration says which of our events an asset stands for.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};
use signer::wire;

use super::kormir::{Refusal, broken, unknown};
use crate::oracle::Oracle;
use crate::store::Event;

type Answer = Result<Response, Refusal>;

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new()
        .route("/oracle/publickey", get(public_key))
        .route("/asset/{asset}/announcement/{time}", get(announcement))
        .route("/asset/{asset}/attestation/{time}", get(attestation))
}

async fn public_key(State(oracle): State<Arc<Oracle>>) -> Json<Value> {
    Json(json!({ "publicKey": oracle.key.public() }))
}

async fn announcement(
    State(oracle): State<Arc<Oracle>>,
    Path((asset, time)): Path<(String, String)>,
) -> Answer {
    let event = find(&oracle, &asset, &time).await?;
    Ok(Json(wire::parse_announcement(&event.announcement).map_err(broken)?).into_response())
}

async fn attestation(
    State(oracle): State<Arc<Oracle>>,
    Path((asset, time)): Path<(String, String)>,
) -> Answer {
    let event = find(&oracle, &asset, &time).await?;
    let text = event.attestation.ok_or(Refusal::not_found("not attested yet"))?;
    let attestation = wire::parse_attestation(&text).map_err(broken)?;
    Ok(Json(json!({
        "eventId": attestation.event_id,
        "signatures": attestation.signatures,
        "values": attestation.outcomes,
    }))
    .into_response())
}

/// The event that an asset stands for at a maturity.
async fn find(oracle: &Oracle, asset: &str, time: &str) -> Result<Event, Refusal> {
    let maturity = maturity(time).ok_or_else(unknown)?;
    let settings = oracle.settings();
    for alias in settings.config.aliases.iter().filter(|alias| alias.asset == asset) {
        let event = match (&alias.event, &alias.host) {
            (Some(id), _) => oracle.store.event(id).await.map_err(broken)?,
            (None, Some(host)) => oracle.store.event_at(host, maturity).await.map_err(broken)?,
            (None, None) => None,
        };
        if let Some(event) = event.filter(|event| event.published && event.maturity == maturity) {
            return Ok(event);
        }
    }
    Err(unknown())
}

/// Whole unix seconds, or nothing.
fn maturity(time: &str) -> Option<u64> {
    let time: Timestamp = time.parse().ok()?;
    if time.subsec_nanosecond() != 0 {
        return None;
    }
    u64::try_from(time.as_second()).ok()
}
