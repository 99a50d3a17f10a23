//! `/v1/stream`: the public log as it grows, as server-sent events.
//!
//! An event's id is its entry's index in the log, so whoever says which one it saw last (`Last-Event-ID`, as browsers do
//! by themselves) goes on after it: nothing is lost or told twice, also across a restart of the oracle. Each reader is
//! served by a task of its own, which ends when the reader is gone, takes nothing for a while, or the oracle stops.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use protocol::{Problem, ProblemType};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::problem::{Failure, QueryError};
use crate::oracle::Oracle;
use crate::store::StoreError;

/// Entries that are read, and kept for a reader, at once.
const AT_ONCE: u64 = 64;
/// A comment is sent when nothing was for so long, so that connections stay, and dead ones are seen.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A reader that takes nothing for so long is let go.
const PATIENCE: Duration = Duration::from_secs(60);
/// A reader that was cut off comes again after so long.
const RETRY: Duration = Duration::from_secs(3);

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new().route("/v1/stream", get(stream))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    from: Option<u64>,
}

async fn stream(
    State(oracle): State<Arc<Oracle>>,
    query: Result<Query<From>, QueryError>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Query(From { from }) = query?;
    let size = oracle.store.log().await?.size();
    let last = last_seen(&headers)?;
    let first = last.map(|last| last.saturating_add(1)).or(from).unwrap_or(size);
    if first > size {
        let detail = format!("the log has {size} entries, and none before number {first} to go on from");
        return Err(Problem::new(ProblemType::Conflict, detail)
            .at(if last.is_some() { "last-event-id" } else { "from" })
            .into());
    }
    let place = Arc::clone(&oracle.listeners).try_acquire_owned().map_err(|_| full())?;
    let (tell, told) = mpsc::channel(usize::try_from(AT_ONCE).unwrap_or(1));
    let teller = Teller { oracle: Arc::clone(&oracle), next: first, tell, _place: place };
    oracle.tasks.spawn(teller.run());
    let events = stream::unfold(told, |mut told| async {
        let event = told.recv().await?;
        Some((Ok::<_, Infallible>(event), told))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn last_seen(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let Some(given) = headers.get("last-event-id") else { return Ok(None) };
    let last = given.to_str().ok().and_then(|text| text.parse().ok());
    last.map(Some).ok_or_else(|| Failure::parameter("last-event-id", "must be the id of an event"))
}

fn full() -> Failure {
    Problem::new(ProblemType::Unavailable, "as many readers listen as may; try again later").into()
}

/// Tells one reader what the log has.
struct Teller {
    oracle: Arc<Oracle>,
    next: u64,
    tell: mpsc::Sender<Event>,
    _place: OwnedSemaphorePermit,
}

impl Teller {
    async fn run(mut self) {
        let stop = self.oracle.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            told = self.tell_all() => if let Err(error) = told {
                tracing::warn!(%error, "a reader of the stream was let go");
            },
        }
    }

    /// Ends when the reader is gone.
    async fn tell_all(&mut self) -> Result<(), StoreError> {
        let mut growth = self.oracle.store.growth();
        if !self.say(Event::default().retry(RETRY).comment("the log follows")).await {
            return Ok(());
        }
        loop {
            growth.look();
            let leaves = self.oracle.store.log_leaves(self.next, AT_ONCE).await?;
            let caught_up = leaves.is_empty();
            for leaf in leaves {
                if !self.say(event(self.next, &leaf)).await {
                    return Ok(());
                }
                self.next += 1;
            }
            if caught_up {
                tokio::select! {
                    () = growth.wait() => {}
                    () = self.tell.closed() => return Ok(()),
                }
            }
        }
    }

    /// Whether the reader took it.
    async fn say(&self, event: Event) -> bool {
        matches!(tokio::time::timeout(PATIENCE, self.tell.send(event)).await, Ok(Ok(())))
    }
}

/// An entry as an event of its type.
fn event(index: u64, leaf: &[u8]) -> Event {
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }
    let event = Event::default().id(index.to_string());
    let kind = serde_json::from_slice(leaf).map_or_else(|_| "entry".to_owned(), |Typed { r#type }| r#type);
    event.event(kind).data(String::from_utf8_lossy(leaf))
}
