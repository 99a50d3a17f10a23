//! Retention: the samples of events that were attested long ago move into a compact form. Evidence, lists and pages are
//! made from it as from the samples themselves.

use std::sync::Arc;

use clock::Busy;
use crashpoint::here;

use crate::oracle::Oracle;
use crate::store::StoreError;

/// How often it is looked whether something is old enough.
const EVERY_MS: u64 = 6 * 3_600_000;
/// Events that are looked up at a time.
const EVENTS: u32 = 16;
const DAY_S: u64 = 86_400;

/// Keeps aging samples, in a task of its own, until the process is to stop.
pub fn keep_aging(oracle: &Arc<Oracle>, busy: Busy) {
    oracle.tasks.spawn(keep_on(Arc::clone(oracle), busy));
}

async fn keep_on(oracle: Arc<Oracle>, mut busy: Busy) {
    loop {
        match age(&oracle).await {
            Ok(0) => {}
            Ok(events) => tracing::info!(events, "samples of old events are kept in compact form"),
            Err(error) => tracing::warn!(%error, "samples could not be put into compact form"),
        }
        let again_ms = oracle.clock.now_ms().saturating_add(EVERY_MS);
        if oracle.sleep_or_stop(&mut busy, again_ms).await.is_stopped() {
            return;
        }
    }
}

/// Ages what is old enough, one block after the other. Returns how many events it were.
async fn age(oracle: &Oracle) -> Result<usize, StoreError> {
    let Some(days) = oracle.settings().config.retention.raw_samples_days else { return Ok(0) };
    let before_s = oracle.clock.now_s().saturating_sub(days.saturating_mul(DAY_S));
    let mut aged = 0;
    loop {
        let events = oracle.store.events_to_age(before_s, EVENTS).await?;
        if events.is_empty() {
            return Ok(aged);
        }
        for event in events {
            here!("age.before");
            while oracle.store.age_samples(event).await? {
                here!("age.block");
                if oracle.stop.is_cancelled() {
                    return Ok(aged);
                }
            }
            aged += 1;
        }
    }
}
