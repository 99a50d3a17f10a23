//! Objections to provisional outcomes: anybody may make one, and read them all.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Form, Json, Router};
use protocol::objection::{Objection, Objections};
use protocol::{Problem, ProblemType};
use serde::Deserialize;
use terms::EventId;

use super::client::Client;
use super::problem::Failure;
use crate::objections::{self, Refused};
use crate::oracle::Oracle;
use crate::store::Event;

/// A larger body holds no objection.
const MAX_BODY_BYTES: usize = 16 * 1024;

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new()
        .route("/v1/events/{event_id}/objections", get(list).post(object))
        .route("/events/{event_id}/objections", axum::routing::post(object_by_form))
}

async fn list(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>) -> Result<Response, Failure> {
    let event = find(&oracle, &id).await?;
    let objections = oracle.store.objections(event.key).await?;
    Ok(Json(Objections { objections }).into_response())
}

async fn object(
    State(oracle): State<Arc<Oracle>>,
    Path(id): Path<String>,
    Extension(Client(address)): Extension<Client>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let too_large = || Problem::new(ProblemType::TooLarge, "an objection is at most 16 KiB");
    let body = body.ok().filter(|body| body.len() <= MAX_BODY_BYTES).ok_or_else(too_large)?;
    let objection: Objection = terms::canonical::parse_exact(&body).map_err(|error| Problem::from(&error))?;
    let event = find(&oracle, &id).await?;
    let (view, is_new) = objections::object(&oracle, &event, &objection, address).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(view)).into_response())
}

/// What the form on an event's page sends.
#[derive(Deserialize)]
struct Filled {
    text: String,
}

/// As [`object`], for a browser: back to the event's page when it is done.
async fn object_by_form(
    State(oracle): State<Arc<Oracle>>,
    Path(id): Path<String>,
    Extension(Client(address)): Extension<Client>,
    form: Result<Form<Filled>, axum::extract::rejection::FormRejection>,
) -> Result<Response, Failure> {
    let Form(Filled { text }) = form.map_err(|_| Failure::parameter("text", "must be a form's field"))?;
    let event = find(&oracle, &id).await?;
    // Browsers send line ends as the old terminals did.
    let objection = Objection { text: text.replace("\r\n", "\n"), key: None, signature: None };
    objections::object(&oracle, &event, &objection, address).await?;
    Ok(Redirect::to(&format!("/events/{}#objections", event.id)).into_response())
}

async fn find(oracle: &Oracle, id: &str) -> Result<Event, Failure> {
    let unknown = || Failure::not_found("no such event");
    let id = EventId::parse(id).ok_or_else(unknown)?;
    oracle.store.event(&id).await?.filter(|event| event.published).ok_or_else(unknown)
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let kind = match &refused {
            Refused::Objection(error) => {
                let text = error.to_string();
                let rule = text.split_once(": ").map_or(text.as_str(), |(_, rule)| rule);
                return Problem::new(ProblemType::BadInput, rule).at(error.field()).into();
            }
            Refused::TooEarly { .. } | Refused::Withheld => ProblemType::Conflict,
            Refused::TooLate { .. } => ProblemType::Expired,
            Refused::EventFull | Refused::SenderFull => ProblemType::RateLimited,
            Refused::Store(error) => return Self::internal(error),
        };
        Problem::new(kind, refused.to_string()).into()
    }
}
