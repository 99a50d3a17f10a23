//! The life of an event: measure, close, wait for maturity, sign. One task each, driven by the clock.

use std::sync::Arc;

use clock::Busy;
use terms::EventId;

use crate::measuring::closing::{self, CloseError};
use crate::measuring::heartbeat;
use crate::measuring::window::{self, MeasureError, Measured};
use crate::oracle::{Oracle, Trouble};
use crate::signing::{self, SignError, Signed};
use crate::store::{Event, StoreError};

/// After a failure an event is taken up again this much later, from what the database holds.
const RETRY_MS: u64 = 30_000;

/// Why an event did not get on.
#[derive(Debug, thiserror::Error)]
enum LifeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Measure(#[from] MeasureError),
    #[error(transparent)]
    Close(#[from] CloseError),
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl LifeError {
    /// Trying again would come to the same; the operator has to do something.
    fn is_final(&self) -> bool {
        match self {
            Self::Sign(error) => error.is_final(),
            Self::Close(error) => matches!(error, CloseError::Changed { .. } | CloseError::Measurement(_)),
            Self::Measure(MeasureError::Measurement(_)) => true,
            Self::Store(_) | Self::Measure(_) => false,
        }
    }
}

enum Progress {
    /// There is nothing more to do for the event.
    Done,
    /// The process is to stop.
    Stopped,
}

/// Takes up every event that is announced and not attested, also those that matured meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn take_up(oracle: &Arc<Oracle>, busy: &Busy) -> Result<usize, StoreError> {
    let events = oracle.store.open_events().await?;
    for event in &events {
        follow(oracle, event.id.clone(), busy.share());
    }
    Ok(events.len())
}

/// Follows an event to its end, in a task of its own.
pub fn follow(oracle: &Arc<Oracle>, id: EventId, busy: Busy) {
    let tasks = oracle.tasks.clone();
    tasks.spawn(live(Arc::clone(oracle), id, busy));
}

async fn live(oracle: Arc<Oracle>, id: EventId, mut busy: Busy) {
    loop {
        match go_on(&oracle, &id, &mut busy).await {
            Ok(Progress::Done | Progress::Stopped) => return oracle.note_well(&id),
            Err(error) if error.is_final() => {
                oracle.note_trouble(&id, Trouble::Stuck(error.to_string()));
                return tracing::error!(event = %id, %error, "an event needs its operator");
            }
            Err(error) => {
                tracing::warn!(event = %id, %error, "an event will be taken up again");
                oracle.note_trouble(&id, Trouble::Waiting(error.to_string()));
            }
        }
        let again_ms = oracle.clock.now_ms().saturating_add(RETRY_MS);
        if oracle.sleep_or_stop(&mut busy, again_ms).await.is_stopped() {
            return;
        }
    }
}

/// One pass through what is left of an event's life. Everything that is done already is skipped.
async fn go_on(oracle: &Arc<Oracle>, id: &EventId, busy: &mut Busy) -> Result<Progress, LifeError> {
    let Some(event) = oracle.store.event(id).await? else {
        return Ok(Progress::Done);
    };
    let event = Arc::new(event);
    if event.provisional.is_none() {
        if measure(oracle, &event, busy).await? == Measured::Stopped {
            return Ok(Progress::Stopped);
        }
        closing::close(oracle, &event).await?;
        oracle.note_well(id);
    }
    sign_at_maturity(oracle, &event, busy).await
}

async fn measure(oracle: &Arc<Oracle>, event: &Arc<Event>, busy: &mut Busy) -> Result<Measured, LifeError> {
    let measured = if heartbeat::is_heartbeat(&event.measurement) {
        heartbeat::measure(oracle, event, busy).await?
    } else {
        window::measure(oracle, event, busy).await?
    };
    if measured == Measured::Stopped {
        return Ok(Measured::Stopped);
    }
    let end_ms = event.measurement.window.end.0.saturating_mul(1000);
    let slept = oracle.sleep_or_stop(busy, end_ms).await;
    Ok(if slept.is_stopped() { Measured::Stopped } else { Measured::ToTheEnd })
}

async fn sign_at_maturity(
    oracle: &Arc<Oracle>,
    event: &Event,
    busy: &mut Busy,
) -> Result<Progress, LifeError> {
    if oracle.sleep_or_stop(busy, event.maturity.saturating_mul(1000)).await.is_stopped() {
        return Ok(Progress::Stopped);
    }
    match signing::sign(oracle, &event.id).await? {
        Signed::Attested | Signed::Abandoned => Ok(Progress::Done),
        Signed::NotYet => Ok(Progress::Stopped),
    }
}
