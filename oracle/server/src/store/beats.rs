//! Beats: each taken once, and a good sample where an event waits for it.

use ledger::{Grid, Sample, Verdict};
use protocol::beat::Beat;
use terms::{Hex32, Target};

use super::samples::Row;
use super::transaction::Transaction;
use super::vantages::is_closed;
use super::{Event, Store, StoreError, count_commit, events, samples, signed};
use crate::probe::Phases;

/// What became of a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is new, and counts for so many events.
    Now(u64),
    /// It was taken before, or one of a later time was.
    Before,
}

impl Store {
    /// Published events whose window is not closed and whose target is this heartbeat, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_with_heartbeat(&self, name: &str, key: &Hex32) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM events WHERE attestation IS NULL AND published = 1 AND provisional IS NULL \
             AND instr(measurement, CAST(? AS BLOB)) > 0 ORDER BY id",
        )
        .bind(key.to_string())
        .fetch_all(&self.pool)
        .await?;
        let mut found = Vec::new();
        for row in &rows {
            let event = events::event_of(row)?;
            let same = |target: &Target| matches!(target, Target::Heartbeat(it) if it.name == name && it.key == *key);
            found.extend(Some(event).filter(|event| same(&event.measurement.target)));
        }
        Ok(found)
    }

    /// Takes a beat that was heard at `now_ms`: in every one of these events whose window that lies in, its slot is good
    /// from then on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hear(
        &self,
        beat: &Beat,
        now_ms: u64,
        events: &[Event],
        vantage: &str,
    ) -> Result<Heard, StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        let later = sqlx::query(
            "INSERT INTO last_beats (name, key, unix_ms) VALUES (?, ?, ?) \
             ON CONFLICT (name, key) DO UPDATE SET unix_ms = excluded.unix_ms WHERE unix_ms < excluded.unix_ms",
        )
        .bind(&beat.name)
        .bind(beat.key.0.as_slice())
        .bind(signed(beat.unix_ms, "unix_ms")?)
        .execute(&mut *tx)
        .await?;
        if later.rows_affected() == 0 {
            tx.commit().await?;
            return Ok(Heard::Before);
        }
        count_commit(&mut tx).await?;
        let mut heard = 0;
        for event in events {
            heard += u64::from(count_for(&mut tx, event, now_ms, vantage).await?);
        }
        tx.commit().await?;
        self.has_grown();
        Ok(Heard::Now(heard))
    }
}

/// Whether the beat is heard in the event's window. The first of a slot is its sample. A slice whose verdict is published
/// stays as it is: the clock was put back since.
async fn count_for(
    tx: &mut Transaction,
    event: &Event,
    now_ms: u64,
    vantage: &str,
) -> Result<bool, StoreError> {
    let grid = Grid::new(&event.measurement).map_err(|_| StoreError::Corrupt { column: "measurement" })?;
    let Some(probe) = grid.probe_of(now_ms) else { return Ok(false) };
    if is_closed(tx, event.key, grid.slice_of_probe(probe)).await? {
        return Ok(false);
    }
    let sample = Sample {
        unix_ms: now_ms,
        vantage: event.own_vantage(vantage).to_owned(),
        verdict: Verdict::Good,
        latency_ms: 0,
        value: None,
    };
    let row = Row { probe, sample: &sample, cause: None, phases: Phases::default() };
    samples::insert(tx, event.key, &[row]).await?;
    Ok(true)
}
