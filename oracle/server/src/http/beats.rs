//! Where services send their beats.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use protocol::beat::{Beat, BeatHeard};
use protocol::{Problem, ProblemType};

use super::problem::Failure;
use crate::measuring::heartbeat::{self, BeatError};
use crate::oracle::Oracle;

/// A beat has at most so many bytes.
const MAX_BEAT_BYTES: usize = 1_024;

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new().route("/v1/beats", post(beats).layer(DefaultBodyLimit::max(MAX_BEAT_BYTES)))
}

async fn beats(State(oracle): State<Arc<Oracle>>, body: Bytes) -> Result<Response, Failure> {
    let beat: Beat =
        serde_json::from_slice(&body).map_err(|error| Failure::parameter("body", &error.to_string()))?;
    let events = heartbeat::hear(&oracle, &beat).await.map_err(|error| refused(&error))?;
    Ok(Json(BeatHeard { events }).into_response())
}

fn refused(error: &BeatError) -> Failure {
    let (kind, field) = match error {
        BeatError::Signature(_) => (ProblemType::BadSignature, "sig"),
        BeatError::Time { .. } => (ProblemType::BadInput, "unix_ms"),
        BeatError::Old => (ProblemType::Conflict, "unix_ms"),
        BeatError::Unknown => (ProblemType::NotFound, "name"),
        BeatError::Store(error) => return Failure::internal(error),
    };
    Problem::new(kind, error.to_string()).at(field).into()
}
