//! How this API says no: problem details, or plain text on the paths of existing clients.

use axum::extract::Request;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use protocol::request::CredentialError;
use protocol::{Problem, ProblemType, problem};
use rates::TooSoon;
use signer::JournalError;

use crate::asking::announce::RequestError;
use crate::store::StoreError;
use crate::views::ViewError;

/// A query that can't be read.
pub(super) type QueryError = QueryRejection;

/// How a requester shows who it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scheme {
    /// By the bearer token.
    Token,
    /// By a signature of its key over the request.
    Signature,
}

/// An answer that says no.
#[derive(Debug)]
pub(super) struct Failure {
    problem: Box<Problem>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), header: None }
    }
}

impl Failure {
    pub(super) fn not_found(what: &str) -> Self {
        Problem::new(ProblemType::NotFound, what).into()
    }

    pub(super) fn parameter(field: &str, rule: &str) -> Self {
        Problem::new(ProblemType::BadInput, rule).at(field).into()
    }

    /// Who asks is not known here; `scheme` says how it can be told.
    pub(super) fn unauthorized(scheme: Scheme, detail: impl Into<String>) -> Self {
        let challenge = HeaderValue::from_static(match scheme {
            Scheme::Token => "Bearer",
            Scheme::Signature => protocol::request::SCHEME,
        });
        let problem = Problem::new(ProblemType::Unauthorized, detail);
        Self { header: Some((header::WWW_AUTHENTICATE, challenge)), ..problem.into() }
    }

    /// A fault of our own: the log says what, the answer only that.
    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request failed");
        Problem::new(ProblemType::Internal, "the oracle could not answer; its log says why").into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.problem.bytes()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::CONTENT_TYPE));
        response.headers_mut().extend(self.header);
        response
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        let kind = match error {
            // Whoever signs afresh, with the right clock, is heard.
            CredentialError::Time { .. } => ProblemType::Unauthorized,
            CredentialError::Signature => ProblemType::BadSignature,
        };
        let text = error.to_string();
        let rule = text.split_once(": ").map_or(text.as_str(), |(_, rule)| rule);
        Problem::new(kind, rule).at(format!("authorization.{}", error.field())).into()
    }
}

impl From<TooSoon> for Failure {
    fn from(error: TooSoon) -> Self {
        let problem = Problem::new(ProblemType::RateLimited, error.to_string());
        Self { header: Some((header::RETRY_AFTER, HeaderValue::from(error.wait_s()))), ..problem.into() }
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        let text = rejection.body_text();
        let said = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
        let is_name =
            |field: &str| !field.is_empty() && field.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        match said.split_once(": ") {
            Some((field, rule)) if is_name(field) => Self::parameter(field, rule),
            _ => Self::parameter("query", said),
        }
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
            RequestError::Price(price) => {
                Problem::new(ProblemType::PaymentRequired, error.to_string()).priced(price.clone()).into()
            }
            RequestError::Refused(why) => Problem::new(ProblemType::Mandate, why).into(),
            RequestError::Hook(_) => Problem::new(ProblemType::Unavailable, error.to_string()).into(),
            RequestError::Document(document) => Problem::from(document).into(),
            RequestError::Full { .. } => Problem::new(ProblemType::Unavailable, error.to_string()).into(),
            RequestError::Exhausted(_) => Problem::new(ProblemType::RateLimited, error.to_string()).into(),
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
    Failure::from(Problem::new(ProblemType::MethodNotAllowed, "this path does not take that method"))
        .into_response()
}

/// A path that is no text once it is decoded leads nowhere; the framework would say so in words of its own.
pub(super) async fn readable_path(request: Request, next: Next) -> Response {
    if is_text(request.uri().path()) { next.run(request).await } else { no_such_path().await.into_response() }
}

fn is_text(path: &str) -> bool {
    let (mut decoded, mut rest) = (Vec::with_capacity(path.len()), path.as_bytes());
    while let [first, after @ ..] = rest {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|digits| hex::decode(digits).ok());
        rest = if escaped.is_some() { &after[2..] } else { after };
        decoded.extend(escaped.unwrap_or_else(|| vec![*first]));
    }
    std::str::from_utf8(&decoded).is_ok()
}
