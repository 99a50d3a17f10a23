//! Closing a window: from its samples to the provisional outcome.

use std::sync::Arc;

use crashpoint::here;
use ledger::{Entry, Evaluation, Sample, SliceVerdict, bundle};
use protocol::oracle::Provisional;
use terms::{DocumentError, Measurement, UnixSeconds};

use crate::oracle::Oracle;
use crate::store::{Batch, Event, StoreError};

/// Why a window could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The measurement can't be evaluated.
    #[error(transparent)]
    Measurement(#[from] DocumentError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A slice's samples are no longer those that its published verdict was made of.
    #[error(
        "slice {index} was published with another verdict than its samples give now: the database was changed"
    )]
    Changed {
        /// The slice.
        index: u64,
    },
    /// The evaluation panicked, which is a bug.
    #[error("the evaluation broke down")]
    Broken,
}

/// Closes an event's window: evaluates all its samples, and writes the result down once.
///
/// # Errors
/// When the database fails, or was changed behind the oracle's back.
pub async fn close(oracle: &Arc<Oracle>, event: &Arc<Event>) -> Result<(), CloseError> {
    let _place = oracle.closing.acquire().await.map_err(|_| CloseError::Broken)?;
    let samples = oracle.store.samples(event.key, 0, event.measurement.probe_count()).await?;
    let measurement = event.measurement.clone();
    let evaluation = evaluate(measurement, samples).await?;
    here!("close.before");
    keep_slices(oracle, event, &evaluation.slices).await?;
    here!("close.slices");
    let provisional = provisional(&evaluation, oracle.clock.now_s());
    let json = serde_json::to_string(&provisional).map_err(|_| CloseError::Broken)?;
    let entry = closed_entry(event, &provisional);
    let mark = oracle.store.close_window(event.key, &json, &entry).await?;
    here!("close.after");
    oracle.metrics.window_closed();
    oracle.mark(mark).await;
    let report = &evaluation.report;
    tracing::info!(event = %event.id, outcome = ?report.outcome, slices = ?report.slices, "window closed");
    Ok(())
}

async fn evaluate(measurement: Measurement, samples: Vec<Sample>) -> Result<Evaluation, CloseError> {
    let evaluation = tokio::task::spawn_blocking(move || ledger::evaluate(&measurement, &samples)).await;
    Ok(evaluation.map_err(|_| CloseError::Broken)??)
}

/// Adds the slices that nobody closed, and compares the others with what was published.
async fn keep_slices(oracle: &Oracle, event: &Arc<Event>, slices: &[SliceVerdict]) -> Result<(), CloseError> {
    let published = oracle.store.slices(event.key, 0, u32::MAX).await?;
    let changed = published.iter().find(|slice| slices.get(usize_of(slice.index)) != Some(slice));
    if let Some(slice) = changed {
        return Err(CloseError::Changed { index: slice.index });
    }
    let missing = slices.get(published.len()..).unwrap_or_default().to_vec();
    oracle.store.write(event, Batch { seen: Vec::new(), slices: missing }).await?;
    Ok(())
}

fn provisional(evaluation: &Evaluation, now_s: u64) -> Provisional {
    Provisional {
        outcome: evaluation.report.outcome.clone(),
        closed_at: UnixSeconds(now_s),
        root: bundle::root(&evaluation.slices),
        report: serde_json::to_value(&evaluation.report).unwrap_or_default(),
    }
}

/// What the log says of a closed window.
pub(crate) fn closed_entry(event: &Event, provisional: &Provisional) -> Entry {
    let Provisional { root, outcome, .. } = provisional.clone();
    let window = event.measurement.window;
    let slices = (window.end.0 - window.start.0) / event.measurement.slice_s;
    Entry::Closed { event_id: event.id.clone(), root, slices, outcome }
}

fn usize_of(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
