//! How this API says no: problem details, or plain text on the paths of existing clients.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::{Problem, ProblemType, problem};
use signer::JournalError;

use crate::announce::RequestError;
use crate::store::StoreError;
use crate::views::ViewError;

/// An answer that says no.
#[derive(Debug)]
pub(super) struct Failure(Box<Problem>);

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl Failure {
    pub(super) fn not_found(what: &str) -> Self {
        Problem::new(ProblemType::NotFound, what).into()
    }

    pub(super) fn parameter(field: &str, rule: &str) -> Self {
        Problem::new(ProblemType::BadInput, rule).at(field).into()
    }

    pub(super) fn unauthorized() -> Self {
        Problem::new(ProblemType::Unauthorized, "this oracle takes measurements from holders of its token")
            .into()
    }

    /// A fault of our own: the log says what, the answer only that.
    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request failed");
        Problem::new(ProblemType::Internal, "the oracle could not answer; its log says why").into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.0.bytes()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::CONTENT_TYPE));
        response
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Self {
        Self::internal(&error)
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        match &error {
            RequestError::Document(document) => Problem::from(document).into(),
            RequestError::Full { .. } => Problem::new(ProblemType::Unavailable, error.to_string()).into(),
            RequestError::Journal(cause @ JournalError::OtherAnnouncement { .. }) => {
                tracing::error!(%cause, "an announcement was refused");
                Problem::new(ProblemType::Conflict, error.to_string()).into()
            }
            _ => Self::internal(&error),
        }
    }
}

pub(super) async fn no_such_path() -> Failure {
    Failure::not_found("no such path; docs/oracle.md lists them")
}

pub(super) async fn no_such_method() -> Response {
    let mut problem = Problem::new(ProblemType::BadInput, "this path does not take that method");
    problem.status = StatusCode::METHOD_NOT_ALLOWED.as_u16();
    Failure::from(problem).into_response()
}
