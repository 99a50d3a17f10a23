//! Answers: JSON, or a problem (RFC 9457).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::problem::CONTENT_TYPE;
use protocol::{Problem, ProblemType};
use serde::Serialize;

use crate::error::NodeError;

/// A problem as an HTTP answer.
pub(crate) struct Refusal(pub Problem);

impl From<NodeError> for Refusal {
    fn from(error: NodeError) -> Self {
        Self::of(&error, error.problem())
    }
}

impl Refusal {
    /// What a peer is told. Where that is not the whole reason, the log has it for the owner.
    pub(crate) fn for_peer(error: &NodeError) -> Self {
        let told = error.problem_for_peer();
        if told.status < 500 && told != error.problem() {
            tracing::warn!(%error, "a peer is refused");
        }
        Self::of(error, told)
    }

    fn of(error: &NodeError, problem: Problem) -> Self {
        if problem.status >= 500 {
            tracing::error!(%error, "a request failed");
        }
        Self(problem)
    }
}

impl From<terms::DocumentError> for Refusal {
    fn from(error: terms::DocumentError) -> Self {
        NodeError::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let response = (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], self.0.bytes());
        if status == StatusCode::UNAUTHORIZED {
            return ([(header::WWW_AUTHENTICATE, "Bearer")], response).into_response();
        }
        response.into_response()
    }
}

/// A problem of the listener itself.
pub(crate) fn refuse(kind: ProblemType, detail: &str) -> Refusal {
    Refusal(Problem::new(kind, detail))
}

/// A value as JSON.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => refuse(ProblemType::Internal, "the answer cannot be written").into_response(),
    }
}
