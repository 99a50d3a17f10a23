//! The door: how many requests are inside at once, for how long, and that time stands still for them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use protocol::{Problem, ProblemType};
use tokio::sync::Semaphore;

use super::problem::Failure;
use crate::oracle::Oracle;

/// Whoever sends its request more slowly than this is let go.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lets requests in.
#[derive(Clone)]
pub(super) struct Door {
    places: Arc<Semaphore>,
    oracle: Arc<Oracle>,
}

impl Door {
    pub(super) fn new(oracle: &Arc<Oracle>) -> Self {
        let places = oracle.settings().config.limits.requests;
        Self { places: Arc::new(Semaphore::new(places)), oracle: Arc::clone(oracle) }
    }
}

/// Answers 503 when the house is full. Whoever is inside finds a [`clock::Busy`] among the extensions.
pub(super) async fn admit(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let Ok(_place) = door.places.try_acquire() else {
        door.oracle.metrics.crowded();
        return refusal("too many requests are being answered; try again");
    };
    let busy = door.oracle.clock.busy().await;
    request.extensions_mut().insert(busy.share());
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refusal("the request took too long"),
    }
}

fn refusal(detail: &str) -> Response {
    Failure::from(Problem::new(ProblemType::Unavailable, detail)).into_response()
}
