//! The oracle's own paths.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use ledger::csv::Columns;
use protocol::oracle::SlicePage;
use protocol::{Problem, ProblemType};
use serde::Deserialize;
use terms::EventId;

use super::caching;
use super::problem::{Failure, QueryError};
use crate::oracle::{Oracle, Trouble};
use crate::store::Event;
use crate::views;

/// Slices on one page.
const SLICES_A_PAGE: u32 = 10_000;

type Answer = Result<Response, Failure>;

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/v1/info", get(info))
        .route("/v1/events/{event_id}", get(event))
        .route("/v1/events/{event_id}/samples", get(samples))
        .route("/v1/events/{event_id}/failures", get(failures))
        .route("/v1/events/{event_id}/timings", get(timings))
        .route("/v1/events/{event_id}/references", get(references))
        .route("/v1/events/{event_id}/slices", get(slices))
        .route("/v1/events/{event_id}/evidence", get(evidence))
}

/// Ready as long as the database answers and every event gets on.
async fn readyz(State(oracle): State<Arc<Oracle>>) -> Answer {
    oracle.store.ping().await?;
    if let Some((service, error)) = oracle.service_troubles().into_iter().next() {
        let detail = format!("windows of the service {service} are not announced: {error}");
        return Err(Problem::new(ProblemType::Unavailable, detail).into());
    }
    let troubles = oracle.troubles();
    let Some((first, trouble)) =
        troubles.iter().find(|(_, trouble)| trouble.is_stuck()).or(troubles.iter().next())
    else {
        return Ok("ready\n".into_response());
    };
    let why = match trouble {
        Trouble::Stuck(error) => format!("waits for the operator: {error}"),
        Trouble::Waiting(error) => format!("is tried again and again: {error}"),
    };
    let detail = format!("{} events do not get on; {first} {why}", troubles.len());
    Err(Problem::new(ProblemType::Unavailable, detail).into())
}

async fn info(State(oracle): State<Arc<Oracle>>) -> Response {
    Json(views::info(&oracle)).into_response()
}

async fn event(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>) -> Answer {
    let event = find(&oracle, &id).await?;
    Ok(Json(views::event(&oracle, &event).await?).into_response())
}

async fn samples(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let event = find(&oracle, &id).await?;
    let tag = closed_tag(&event, "\"samples")?;
    if let Some(tag) = tag.clone().filter(|tag| caching::has(&headers, tag)) {
        return Ok(caching::unchanged(tag, caching::ASK_AGAIN));
    }
    let _place = place(&oracle).await?;
    let samples = oracle.store.samples(event.key, 0, event.measurement.probe_count()).await?;
    let mut response = csv(ledger::csv::write(Columns::of(&event.measurement), &samples));
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}

/// What stands for the answers about a closed window: nothing that is measured comes to it any more.
fn closed_tag(event: &Event, what: &str) -> Result<Option<HeaderValue>, Failure> {
    let Some(provisional) = views::provisional(event)? else { return Ok(None) };
    Ok(HeaderValue::from_str(&format!("{what}-{}\"", provisional.root)).ok())
}

async fn failures(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>) -> Answer {
    let event = find(&oracle, &id).await?;
    let _place = place(&oracle).await?;
    Ok(csv(oracle.store.failures_csv(event.key).await?))
}

async fn timings(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>) -> Answer {
    let event = find(&oracle, &id).await?;
    let _place = place(&oracle).await?;
    Ok(csv(oracle.store.timings_csv(event.key).await?))
}

async fn references(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>) -> Answer {
    let event = find(&oracle, &id).await?;
    let _place = place(&oracle).await?;
    Ok(csv(oracle.store.references_csv(event.key).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    from: Option<u64>,
}

async fn slices(
    State(oracle): State<Arc<Oracle>>,
    Path(id): Path<String>,
    query: Result<Query<From>, QueryError>,
) -> Answer {
    let Query(From { from }) = query?;
    let from = from.unwrap_or(0);
    if from > terms::units::MAX_NUMBER {
        return Err(Failure::parameter("from", "must be a slice's index"));
    }
    let event = find(&oracle, &id).await?;
    let slices = oracle.store.slices(event.key, from, SLICES_A_PAGE).await?;
    let total =
        (event.measurement.window.end.0 - event.measurement.window.start.0) / event.measurement.slice_s;
    let next = slices.last().map_or(from, |slice| slice.index + 1);
    let slices = slices.iter().filter_map(|slice| serde_json::to_value(slice).ok()).collect();
    Ok(Json(SlicePage { slices, total, next }).into_response())
}

/// The bundle's proof is of the newest checkpoint, but what it proves stays: hence a weak tag.
async fn evidence(State(oracle): State<Arc<Oracle>>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let event = find(&oracle, &id).await?;
    let stage = if event.attestation.is_some() { "W/\"attested" } else { "W/\"provisional" };
    let Some(tag) = closed_tag(&event, stage)? else {
        return Err(Failure::not_found("the evidence is complete once the window is closed"));
    };
    if caching::has(&headers, &tag) {
        return Ok(caching::unchanged(tag, caching::ASK_AGAIN));
    }
    let _place = place(&oracle).await?;
    let json = views::evidence(&oracle, event).await?;
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), (header::ETAG, tag)];
    Ok((headers, json).into_response())
}

pub(super) async fn find(oracle: &Oracle, id: &str) -> Result<Event, Failure> {
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
