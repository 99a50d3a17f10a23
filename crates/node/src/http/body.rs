//! Reading a request's body: bounded in size and time, and refused as a problem.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use protocol::ProblemType;

use super::answer::{Refusal, refuse};

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);

/// A whole body, within the router's limit.
pub(crate) struct Whole(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let arriving = tokio::time::timeout(ARRIVAL, Bytes::from_request(request, state));
        match arriving.await {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(refuse(ProblemType::TooLarge, "the body is larger than this address takes"))
            }
            Ok(Err(_)) => Err(refuse(ProblemType::BadInput, "the body did not arrive whole")),
            Err(_) => Err(refuse(ProblemType::BadInput, "the body did not arrive in time")),
        }
    }
}
