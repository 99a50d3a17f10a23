//! Hearing a beat: whose it is, whether it is of now and new, and for which events it counts.

use protocol::beat::{BadBeat, Beat, TOLERANCE_MS};

use crate::oracle::Oracle;
use crate::store::{Heard, StoreError};

/// Why a beat was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BeatError {
    /// Not its key's.
    #[error(transparent)]
    Signature(#[from] BadBeat),
    /// Its time is too far from the oracle's.
    #[error("unix_ms: must be within {TOLERANCE_MS} ms of {now_ms}, the time here")]
    Time {
        /// The oracle's time.
        now_ms: u64,
    },
    /// A beat of this time or a later one was taken before.
    #[error("unix_ms: must be later than that of every beat before")]
    Old,
    /// No open event has this heartbeat.
    #[error("no open event has a heartbeat of this name and key")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a beat, durably, and says in the windows of how many events it was heard.
///
/// # Errors
/// When it is forged, not of now, or a repetition; when nobody waits for it; when the database fails.
pub async fn hear(oracle: &Oracle, beat: &Beat) -> Result<u64, BeatError> {
    beat.check()?;
    let _until_written = oracle.hearing.read().await;
    let now_ms = oracle.clock.now_ms();
    if beat.unix_ms.abs_diff(now_ms) > TOLERANCE_MS {
        return Err(BeatError::Time { now_ms });
    }
    let written = write(oracle, beat, now_ms).await;
    if let Err(BeatError::Store(_)) = &written {
        oracle.note_deaf(now_ms);
    }
    written
}

async fn write(oracle: &Oracle, beat: &Beat, now_ms: u64) -> Result<u64, BeatError> {
    let events = oracle.store.events_with_heartbeat(&beat.name, &beat.key).await?;
    if events.is_empty() {
        return Err(BeatError::Unknown);
    }
    let settings = oracle.settings();
    match oracle.store.hear(beat, now_ms, &events, &settings.config.vantage).await? {
        Heard::Now(events) => Ok(events),
        Heard::Before => Err(BeatError::Old),
    }
}
