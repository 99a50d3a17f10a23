//! Answers: JSON, or a problem (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::problem::CONTENT_TYPE;
use protocol::request::SCHEME;
use protocol::{Problem, ProblemType};
use serde::Serialize;

use crate::error::NodeError;

/// A problem as an HTTP answer.
pub(crate) struct Refusal {
    problem: Box<Problem>,
    /// After how many seconds the same may go well.
    retry_after_s: Option<u64>,
    /// How whoever asks can show who it is, where that is not known.
    challenge: &'static str,
}

/// The owner's API is opened by a token.
const BY_TOKEN: &str = "Bearer";

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

    /// The same to somebody who shows who it is by signing the request.
    pub(crate) fn of_signer(self) -> Self {
        Self { challenge: SCHEME, ..self }
    }

    /// The same, naming a field.
    pub(crate) fn at(self, field: &str) -> Self {
        Self { problem: Box::new(self.problem.at(field)), ..self }
    }

    fn of(error: &NodeError, problem: Problem) -> Self {
        if problem.status >= 500 {
            tracing::error!(%error, "a request failed");
        }
        let retry_after_s = error.retry_after_s();
        Self { problem: Box::new(problem), retry_after_s, challenge: BY_TOKEN }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), retry_after_s: None, challenge: BY_TOKEN }
    }
}

impl From<terms::DocumentError> for Refusal {
    fn from(error: terms::DocumentError) -> Self {
        NodeError::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response =
            (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], self.problem.bytes()).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static(self.challenge);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait_s) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        response
    }
}

/// A problem of the listener itself.
pub(crate) fn refuse(kind: ProblemType, detail: &str) -> Refusal {
    // Who finds the house full finds a place within seconds.
    let retry_after_s = (kind == ProblemType::RateLimited).then_some(1);
    Refusal { problem: Box::new(Problem::new(kind, detail)), retry_after_s, challenge: BY_TOKEN }
}

/// A value as JSON.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => refuse(ProblemType::Internal, "the answer cannot be written").into_response(),
    }
}
