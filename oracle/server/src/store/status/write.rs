//! Digests of slices, written in the transaction that writes the slices.

use std::ops::Range;

use ledger::{Grid, SliceVerdict};
use sqlx::{Row, SqliteConnection};

use crate::status::{Digest, Incident, Incidents, Seen, digest};
use crate::store::aged::aged;
use crate::store::events::{strings_json, strings_of};
use crate::store::samples::sample_of;
use crate::store::transaction::Transaction;
use crate::store::{Event, Store, StoreError, signed, unsigned};

/// Slices that are digested in one transaction when they are made up for.
const AT_ONCE: u32 = 200;

impl Store {
    /// Makes up for what an older version did not keep: services of events, digests of slices. Does nothing
    /// where all is there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn catch_up_status(&self) -> Result<(), StoreError> {
        let events = self.sort_into_services().await?;
        if events > 0 {
            tracing::info!(events, "sorted into services, for the status pages");
        }
        let behind: Vec<String> = sqlx::query_scalar(
            "SELECT event_id FROM events e WHERE EXISTS (SELECT 1 FROM slices s WHERE s.event = e.id AND s.slice > \
             (SELECT coalesce(max(slice), -1) FROM slice_notes n WHERE n.event = e.id)) ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?;
        for id in &behind {
            let id = terms::EventId::parse(id).ok_or(StoreError::Corrupt { column: "event_id" })?;
            if let Some(event) = self.event(&id).await? {
                self.catch_up_event(&event).await?;
                tracing::info!(event = %id, "slices digested, for the status pages");
            }
        }
        Ok(())
    }

    /// An event's samples with their causes, from probe index `from` to before `to`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seen(&self, event: i64, from: u64, to: u64) -> Result<Vec<Seen>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        seen(&mut connection, event, from..to).await
    }

    async fn catch_up_event(&self, event: &Event) -> Result<(), StoreError> {
        loop {
            let next: i64 =
                sqlx::query_scalar("SELECT coalesce(max(slice) + 1, 0) FROM slice_notes WHERE event = ?")
                    .bind(event.key)
                    .fetch_one(&self.pool)
                    .await?;
            let slices = self.slices(event.key, unsigned(next, "slice")?, AT_ONCE).await?;
            if slices.is_empty() {
                return Ok(());
            }
            let mut tx = Transaction::begin(&self.pool).await?;
            insert(&mut tx, event, &slices.iter().collect::<Vec<_>>()).await?;
            tx.commit().await?;
        }
    }
}

/// Digests slices that were just written, ascending, together with their samples.
pub(in crate::store) async fn insert(
    tx: &mut Transaction,
    event: &Event,
    slices: &[&SliceVerdict],
) -> Result<(), StoreError> {
    if slices.is_empty() {
        return Ok(());
    }
    let grid = Grid::new(&event.measurement).map_err(|_| StoreError::Corrupt { column: "measurement" })?;
    let mut incidents = Incidents::resume(open_incident(tx, event.key).await?);
    for slice in slices {
        let seen = seen(tx, event.key, grid.probes_of(slice.index)).await?;
        insert_digest(tx, event.key, &digest(&grid, slice, &seen, &mut incidents)).await?;
    }
    for incident in incidents.touched() {
        upsert_incident(tx, event.key, &incident).await?;
    }
    Ok(())
}

async fn seen(
    connection: &mut SqliteConnection,
    event: i64,
    probes: Range<u64>,
) -> Result<Vec<Seen>, StoreError> {
    let aged = aged(connection, event, probes.start, probes.end).await?;
    let rows = sqlx::query(
        "SELECT unix_ms, vantage, verdict, latency_ms, value, cause FROM samples \
         WHERE event = ? AND probe >= ? AND probe < ?",
    )
    .bind(event)
    .bind(signed(probes.start, "probe")?)
    .bind(signed(probes.end, "probe")?)
    .fetch_all(connection)
    .await?;
    let raw = rows.iter().map(|row| Ok(Seen { sample: sample_of(row)?, cause: row.try_get("cause")? }));
    aged.into_iter().map(|aged| Ok(Seen { sample: aged.sample, cause: aged.cause })).chain(raw).collect()
}

async fn insert_digest(tx: &mut Transaction, event: i64, digest: &Digest) -> Result<(), StoreError> {
    let note = &digest.note;
    sqlx::query(
        "INSERT INTO slice_notes (event, slice, state, good, bad, undecided, p50_ms, p95_ms) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(event)
    .bind(note.slice.cast_signed())
    .bind(super::slices::state_name(note.state))
    .bind(note.good.cast_signed())
    .bind(note.bad.cast_signed())
    .bind(note.undecided.cast_signed())
    .bind(note.p50_ms)
    .bind(note.p95_ms)
    .execute(&mut **tx)
    .await?;
    for ((length_s, start_s), tally) in &digest.spans {
        sqlx::query(
            "INSERT INTO spans (event, length_s, start_s, good_ms, bad_ms, unknown_ms, excluded_ms) \
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET good_ms = good_ms + excluded.good_ms, \
             bad_ms = bad_ms + excluded.bad_ms, unknown_ms = unknown_ms + excluded.unknown_ms, \
             excluded_ms = spans.excluded_ms + excluded.excluded_ms",
        )
        .bind(event)
        .bind(length_s.cast_signed())
        .bind(start_s.cast_signed())
        .bind(tally.good_ms.cast_signed())
        .bind(tally.bad_ms.cast_signed())
        .bind(tally.unknown_ms.cast_signed())
        .bind(tally.excluded_ms.cast_signed())
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn open_incident(tx: &mut Transaction, event: i64) -> Result<Option<Incident>, StoreError> {
    let row = sqlx::query(
        "SELECT start_ms, last_bad_ms, end_ms, bad, undecided, causes FROM incidents \
         WHERE event = ? ORDER BY start_ms DESC LIMIT 1",
    )
    .bind(event)
    .fetch_optional(&mut **tx)
    .await?;
    let newest = row.map(|row| incident_of(&row)).transpose()?;
    Ok(newest.filter(|incident| incident.end_ms.is_none()))
}

async fn upsert_incident(tx: &mut Transaction, event: i64, incident: &Incident) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO incidents (event, start_ms, last_bad_ms, end_ms, bad, undecided, causes) \
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last_bad_ms = excluded.last_bad_ms, \
         end_ms = excluded.end_ms, bad = excluded.bad, undecided = excluded.undecided, causes = excluded.causes",
    )
    .bind(event)
    .bind(incident.start_ms.cast_signed())
    .bind(incident.last_bad_ms.cast_signed())
    .bind(incident.end_ms.map(u64::cast_signed))
    .bind(incident.bad.cast_signed())
    .bind(incident.undecided.cast_signed())
    .bind(strings_json(&incident.causes, "causes")?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// An incident as it is stored.
pub(super) fn incident_of(row: &sqlx::sqlite::SqliteRow) -> Result<Incident, StoreError> {
    let end_ms: Option<i64> = row.try_get("end_ms")?;
    Ok(Incident {
        start_ms: unsigned(row.try_get("start_ms")?, "start_ms")?,
        last_bad_ms: unsigned(row.try_get("last_bad_ms")?, "last_bad_ms")?,
        end_ms: end_ms.map(|end_ms| unsigned(end_ms, "end_ms")).transpose()?,
        bad: unsigned(row.try_get("bad")?, "bad")?,
        undecided: unsigned(row.try_get("undecided")?, "undecided")?,
        causes: strings_of(row.try_get("causes")?, "causes")?,
    })
}
