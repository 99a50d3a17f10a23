//! `/v1/events`: some events or all, page by page.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use protocol::oracle::{EventPage, EventState};
use serde::Deserialize;
use terms::units::MAX_NUMBER;

use super::problem::{Failure, QueryError};
use crate::oracle::Oracle;
use crate::store::{Filter, Stage};
use crate::views;

/// Events on one page, at most and without another wish.
const EVENTS_A_PAGE: u32 = 100;

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new().route("/v1/events", get(events))
}

/// A page's wishes. Its cursor is the key of its last event, which no later event changes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wishes {
    before: Option<i64>,
    limit: Option<u32>,
    state: Option<EventState>,
    host: Option<String>,
    from: Option<u64>,
    to: Option<u64>,
    maturity_from: Option<u64>,
    maturity_to: Option<u64>,
}

impl Wishes {
    fn limit(&self) -> Result<u32, Failure> {
        let limit = self.limit.unwrap_or(EVENTS_A_PAGE);
        if (1..=EVENTS_A_PAGE).contains(&limit) {
            return Ok(limit);
        }
        Err(Failure::parameter("limit", "must be 1 to 100"))
    }

    fn filter(self) -> Result<Filter, Failure> {
        let times = [
            ("from", self.from),
            ("to", self.to),
            ("maturity_from", self.maturity_from),
            ("maturity_to", self.maturity_to),
        ];
        if let Some((name, _)) = times.iter().find(|(_, time)| time.is_some_and(|time| time > MAX_NUMBER)) {
            return Err(Failure::parameter(name, "must be unix seconds"));
        }
        Ok(Filter {
            before: self.before,
            stage: self.state.map(stage),
            host: self.host,
            from: self.from,
            to: self.to,
            maturity_from: self.maturity_from,
            maturity_to: self.maturity_to,
        })
    }
}

fn stage(state: EventState) -> Stage {
    match state {
        EventState::Announced => Stage::Announced,
        EventState::Measuring => Stage::Measuring,
        EventState::Provisional => Stage::Provisional,
        EventState::Attested => Stage::Attested,
    }
}

async fn events(
    State(oracle): State<Arc<Oracle>>,
    wishes: Result<Query<Wishes>, QueryError>,
) -> Result<Response, Failure> {
    let Query(wishes) = wishes?;
    let limit = wishes.limit()?;
    let filter = wishes.filter()?;
    let now_s = oracle.clock.now_s();
    let heads = oracle.store.event_heads(&filter, now_s, limit).await?;
    let next = heads.last().filter(|_| heads.len() == limit as usize).map(|head| head.key);
    let events = heads.iter().map(|head| views::summary(head, now_s)).collect();
    Ok(Json(EventPage { events, next }).into_response())
}
