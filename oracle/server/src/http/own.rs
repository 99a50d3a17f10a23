//! The oracle's own paths.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use protocol::oracle::{EventPage, SlicePage};
use protocol::{Problem, ProblemType};
use serde::Deserialize;
use terms::EventId;

use super::problem::Failure;
use crate::oracle::{Oracle, Trouble};
use crate::store::Event;
use crate::views;

/// Events on one page.
const EVENTS_A_PAGE: u32 = 100;
/// Slices on one page.
const SLICES_A_PAGE: u32 = 10_000;

type Answer = Result<Response, Failure>;

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/v1/info", get(info))
        .route("/v1/events", get(events))
        .route("/v1/events/{event_id}", get(event))
        .route("/v1/events/{event_id}/samples", get(samples))
        .route("/v1/events/{event_id}/failures", get(failures))
        .route("/v1/events/{event_id}/references", get(references))
        .route("/v1/events/{event_id}/slices", get(slices))
        .route("/v1/events/{event_id}/evidence", get(evidence))
}

/// Ready as long as the database answers and every event gets on.
async fn readyz(State(oracle): State<Arc<Oracle>>) -> Answer {
    oracle.store.ping().await?;
    let troubles = oracle.troubles();
    let Some((first, trouble)) =
        troubles.iter().find(|(_, trouble)| **trouble == Trouble::Stuck).or(troubles.iter().next())
    else {
        return Ok("ready\n".into_response());
    };
    let why = match trouble {
        Trouble::Stuck => "waits for the operator".to_owned(),
        Trouble::Waiting(error) => format!("is tried again and again: {error}"),
    };
    let detail = format!("{} events do not get on; {first} {why}", troubles.len());
    Err(Problem::new(ProblemType::Unavailable, detail).into())
}

async fn info(State(oracle): State<Arc<Oracle>>) -> Response {
    Json(views::info(&oracle)).into_response()
}

#[derive(Deserialize)]
struct Before {
    before: Option<i64>,
}

async fn events(State(oracle): State<Arc<Oracle>>, query: Result<Query<Before>, QueryError>) -> Answer {
    let Query(Before { before }) =
        query.map_err(|_| Failure::parameter("before", "must be a page's `next`"))?;
    let heads = oracle.store.event_heads(before, EVENTS_A_PAGE).await?;
    let next = heads.last().filter(|_| heads.len() == EVENTS_A_PAGE as usize).map(|head| head.key);
    let now_s = oracle.clock.now_s();
    let events = heads.iter().map(|head| views::summary(head, now_s)).collect();
    Ok(Json(EventPage { events, next }).into_response())
}

type QueryError = axum::extract::rejection::QueryRejection;

async fn event(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>) -> Answer {
    let event = find(&oracle, &id).await?;
    Ok(Json(views::event(&oracle, &event)?).into_response())
}

async fn samples(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>) -> Answer {
    let event = find(&oracle, &id).await?;
    let _place = place(&oracle).await?;
    let samples = oracle.store.samples(event.key, 0, event.measurement.probe_count()).await?;
    Ok(csv(ledger::csv::write(&samples)))
}

async fn failures(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>) -> Answer {
    let event = find(&oracle, &id).await?;
    let _place = place(&oracle).await?;
    Ok(csv(oracle.store.failures_csv(event.key).await?))
}

async fn references(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>) -> Answer {
    let event = find(&oracle, &id).await?;
    let _place = place(&oracle).await?;
    Ok(csv(oracle.store.references_csv(event.key).await?))
}

#[derive(Deserialize)]
struct From {
    from: Option<u64>,
}

async fn slices(
    State(oracle): State<Arc<Oracle>>,
    Path(id): Path<String>,
    query: Result<Query<From>, QueryError>,
) -> Answer {
    let rule = "must be a slice's index";
    let Query(From { from }) = query.map_err(|_| Failure::parameter("from", rule))?;
    let from = from.unwrap_or(0);
    if from > terms::units::MAX_NUMBER {
        return Err(Failure::parameter("from", rule));
    }
    let event = find(&oracle, &id).await?;
    let slices = oracle.store.slices(event.key, from, SLICES_A_PAGE).await?;
    let total =
        (event.measurement.window.end.0 - event.measurement.window.start.0) / event.measurement.slice_s;
    let next = slices.last().map_or(from, |slice| slice.index + 1);
    let slices = slices.iter().filter_map(|slice| serde_json::to_value(slice).ok()).collect();
    Ok(Json(SlicePage { slices, total, next }).into_response())
}

async fn evidence(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>) -> Answer {
    let event = find(&oracle, &id).await?;
    if event.provisional.is_none() {
        return Err(Failure::not_found("the evidence is complete once the window is closed"));
    }
    let _place = place(&oracle).await?;
    let json = views::evidence(&oracle, event).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

async fn find(oracle: &Oracle, id: &str) -> Result<Event, Failure> {
    let unknown = || Failure::not_found("no such event");
    let id = EventId::parse(id).ok_or_else(unknown)?;
    oracle.store.event(&id).await?.filter(|event| event.published).ok_or_else(unknown)
}

async fn place(oracle: &Oracle) -> Result<tokio::sync::SemaphorePermit<'_>, Failure> {
    oracle.heavy.acquire().await.map_err(|error| Failure::internal(&error))
}

fn csv(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response()
}
