//! `/v1/events` and `/v1/events/stream`: what happens, in pages and as it happens.
//!
//! An event's id is that of its stored row, so whoever says which one they saw last goes on after it, and nothing is lost or
//! told twice, also across a restart. A reader is told a page at a time, read when it has taken the one before.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::stream;
use protocol::owner::{EventsPage, MAX_EVENTS, NodeEvent};
use protocol::{Problem, ProblemType};
use serde::Deserialize;
use storage::FeedEnds;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::access::is_let_in;
use super::answer::{Refusal, json, refuse};
use super::owner::{Answered, Shared};
use crate::error::NodeError;
use crate::feed::view;
use crate::node::Node;

/// So many events are on a page when nobody says how many.
const USUAL_PAGE: u64 = 100;
/// So many are read, and kept for a reader, at once.
const AT_ONCE: u64 = 64;
/// A comment is sent when nothing was for so long, so that connections stay, and dead ones are seen.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A reader that was cut off comes again after so long.
const RETRY: Duration = Duration::from_secs(3);

pub(super) fn routes() -> Router<Arc<Node>> {
    Router::new().route("/v1/events", get(page)).route("/v1/events/stream", get(stream))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    after: Option<u64>,
    limit: Option<u64>,
}

type Asked = Result<Query<Place>, QueryRejection>;

async fn page(State(node): Shared, asked: Asked) -> Answered {
    let Place { after, limit } = place(asked)?;
    let limit = limit.unwrap_or(USUAL_PAGE);
    if !(1..=MAX_EVENTS).contains(&limit) {
        return Err(bad("limit", "must be 1 to 500"));
    }
    let ends = node.feed.ends().await.map_err(NodeError::from)?;
    let after = start(after, ends.forgotten, ends)?;
    let rows = node.feed.after(after, limit).await.map_err(NodeError::from)?;
    let events = rows.into_iter().map(view).collect::<Result<_, _>>()?;
    Ok(json(StatusCode::OK, &EventsPage { events, newest: ends.newest }))
}

async fn stream(State(node): Shared, asked: Asked, headers: HeaderMap) -> Answered {
    let Place { after, limit } = place(asked)?;
    if limit.is_some() {
        return Err(bad("limit", "is for pages, and not for the stream"));
    }
    // Heard before the ends are read: what is stored meanwhile wakes the reader.
    let mut news = node.news.clone();
    news.mark_unchanged();
    let ends = node.feed.ends().await.map_err(NodeError::from)?;
    let after = start(last_seen(&headers)?.or(after), ends.newest, ends)?;
    let full = || refuse(ProblemType::Unavailable, "as many readers listen as may; try again later");
    let seat = Arc::clone(&node.listeners).try_acquire_owned().map_err(|_| full())?;
    let authorization = headers.get(header::AUTHORIZATION).map_or(Vec::new(), |it| it.as_bytes().to_vec());
    let stopping = node.stopping.subscribe();
    let ready = VecDeque::new();
    let teller = Teller { node, authorization, news, stopping, after, ready, greeted: false, _seat: seat };
    let events = stream::unfold(teller, Teller::next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn place(asked: Asked) -> Result<Place, Refusal> {
    asked.map(|Query(place)| place).map_err(|rejection| bad("query", &rejection.body_text()))
}

fn bad(field: &str, rule: &str) -> Refusal {
    Problem::new(ProblemType::BadInput, rule).at(field).into()
}

fn last_seen(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(given) = headers.get("last-event-id") else { return Ok(None) };
    let last = given.to_str().ok().and_then(|text| text.parse().ok());
    last.map(Some).ok_or_else(|| bad("last-event-id", "must be the id of an event"))
}

/// After which id to begin. Whoever names none, or 0, has seen nothing and misses nothing.
fn start(after: Option<u64>, otherwise: u64, ends: FeedEnds) -> Result<u64, Refusal> {
    match after {
        None => Ok(otherwise),
        Some(0) => Ok(ends.forgotten),
        Some(after) if after > ends.newest => {
            let detail = format!("the last id that this node has given is {}", ends.newest);
            Err(Problem::new(ProblemType::Conflict, detail).at("after").into())
        }
        Some(after) if after < ends.forgotten => {
            let detail = format!("what came before id {} is forgotten", ends.forgotten + 1);
            Err(Problem::new(ProblemType::Expired, detail).at("after").into())
        }
        Some(after) => Ok(after),
    }
}

/// Tells one reader what is stored.
struct Teller {
    node: Arc<Node>,
    /// With what the reader was let in.
    authorization: Vec<u8>,
    news: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// The last id that was told.
    after: u64,
    ready: VecDeque<NodeEvent>,
    greeted: bool,
    _seat: OwnedSemaphorePermit,
}

impl Teller {
    /// The next thing to tell; none when the node stops, has nothing to go on with, or would not let the reader in any more.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if !self.greeted {
            self.greeted = true;
            return Some((Ok(Event::default().retry(RETRY).comment("what happens follows")), self));
        }
        while self.ready.is_empty() {
            if *self.stopping.borrow() {
                return None;
            }
            self.news.mark_unchanged();
            self.ready = self.read().await?;
            // Asked after reading: what is stored after a token was taken back is not told to it.
            if !is_let_in(&self.node, &self.authorization).await {
                return None;
            }
            if self.ready.is_empty() {
                tokio::select! {
                    changed = self.news.changed() => changed.ok()?,
                    stopped = self.stopping.changed() => stopped.ok()?,
                }
            }
        }
        let event = self.ready.pop_front()?;
        self.after = event.id;
        Some((Ok(told(&event)), self))
    }

    /// The next page. A reader so slow that its next event is forgotten is let go: when it comes again it is told so.
    async fn read(&self) -> Option<VecDeque<NodeEvent>> {
        let rows = self.node.feed.after(self.after, AT_ONCE).await.map_err(NodeError::from);
        let events = rows.and_then(|rows| rows.into_iter().map(view).collect::<Result<VecDeque<_>, _>>());
        match events {
            Ok(events) => events.front().is_none_or(|first| first.id == self.after + 1).then_some(events),
            Err(error) => {
                tracing::warn!(%error, "a reader of the events is let go");
                None
            }
        }
    }
}

fn told(event: &NodeEvent) -> Event {
    let data = serde_json::to_string(event).unwrap_or_default();
    Event::default().id(event.id.to_string()).event(event.kind.name()).data(data)
}
