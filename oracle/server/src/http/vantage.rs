//! The paths of vantages elsewhere. Every request is signed by a vantage's key.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use protocol::vantage::{Assignment, Assignments, BatchResults, Batches, MAX_BATCHES, MAX_BATCHES_BYTES};
use protocol::{HexBytes, Problem, ProblemType};
use serde::Deserialize;
use terms::Hex32;

use super::problem::Failure;
use super::signed::signer;
use crate::config::RemoteVantage;
use crate::operating::retire::key_of;
use crate::oracle::Oracle;
use crate::store::Event;
use crate::vantages::{self, IntakeError};
use crate::views;

/// Assignments on one page.
const ASSIGNMENTS_A_PAGE: u32 = 200;

type Answer = Result<Response, Failure>;

pub(super) fn routes() -> Router<Arc<Oracle>> {
    let batches = post(batches).layer(DefaultBodyLimit::max(MAX_BATCHES_BYTES));
    Router::new().route("/v1/vantage/assignments", get(assignments)).route("/v1/vantage/batches", batches)
}

#[derive(Deserialize)]
struct After {
    after: Option<i64>,
}

async fn assignments(
    State(oracle): State<Arc<Oracle>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    query: Result<Query<After>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let vantage = vantage(&oracle, (&method, &uri), &headers, &Bytes::new()).await?;
    let Query(After { after }) = query.map_err(|_| Failure::parameter("after", "must be a page's `next`"))?;
    let events = oracle.store.assigned_events(&vantage.key, after.unwrap_or(0), ASSIGNMENTS_A_PAGE).await?;
    let next = events.last().filter(|_| events.len() == ASSIGNMENTS_A_PAGE as usize).map(|last| last.key);
    let mut assignments = Vec::with_capacity(events.len());
    for event in &events {
        assignments.push(assignment(&oracle, &vantage, event).await?);
    }
    Ok(Json(Assignments { now_ms: oracle.clock.now_ms(), assignments, next }).into_response())
}

async fn assignment(oracle: &Oracle, vantage: &RemoteVantage, event: &Event) -> Result<Assignment, Failure> {
    let name = event.remote_vantages().find(|(_, key)| *key == vantage.key).map_or("", |(name, _)| name);
    let open = Assignment {
        measurement: event.measurement.clone(),
        announcement_hex: views::bytes(&event.announcement)?,
        vantage: name.to_owned(),
        jitter: event.jitter_seed(oracle.settings().config.probe.jitter).is_some(),
        sealed_seed: HexBytes::default(),
        next_slice: oracle.store.next_slice(event.key).await?,
    };
    let key = key_of(event).and_then(|public| oracle.keys.of(&public));
    let sealed =
        signer::seal_seed(key.unwrap_or(&oracle.key), &vantage.key, &open.context(), &event.probe_seed);
    Ok(Assignment { sealed_seed: HexBytes(sealed.map_err(|error| Failure::internal(&error))?), ..open })
}

async fn batches(
    State(oracle): State<Arc<Oracle>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let body = body.map_err(|_| too_large())?;
    let vantage = vantage(&oracle, (&method, &uri), &headers, &body).await?;
    let Batches { batches } =
        serde_json::from_slice(&body).map_err(|error| Failure::parameter("body", &error.to_string()))?;
    if batches.len() > MAX_BATCHES {
        return Err(Failure::parameter("batches", &format!("must be at most {MAX_BATCHES}")));
    }
    let mut results = Vec::with_capacity(batches.len());
    for (index, batch) in batches.iter().enumerate() {
        let taken = vantages::take(&oracle, &vantage, batch).await;
        results.push(taken.map_err(|error| refused(index, &error))?);
    }
    Ok(Json(BatchResults { results }).into_response())
}

/// The vantage that asks. One that left the configuration is heard no longer, whatever it was to measure.
async fn vantage(
    oracle: &Oracle,
    asked: (&Method, &Uri),
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<RemoteVantage, Failure> {
    let settings = oracle.settings();
    let is_vantage = |key: Hex32| settings.config.remote_vantage(&key).is_some();
    let key = signer(oracle, asked, headers, body, is_vantage).await?;
    let unknown = || Failure::not_found("no such vantage");
    settings.config.remote_vantage(&key).cloned().ok_or_else(unknown)
}

fn too_large() -> Failure {
    let detail = format!("a request with batches is at most {MAX_BATCHES_BYTES} bytes");
    Problem::new(ProblemType::TooLarge, detail).into()
}

fn refused(index: usize, error: &IntakeError) -> Failure {
    match error {
        IntakeError::Rule { field, rule } => Failure::parameter(&format!("batches[{index}].{field}"), rule),
        IntakeError::Signature => {
            let detail = "is not the vantage's over this batch";
            Problem::new(ProblemType::BadSignature, detail).at(format!("batches[{index}].sig")).into()
        }
        IntakeError::Store(_) => Failure::internal(error),
    }
}
