//! Samples of events that were attested long ago, in a compact form.
//!
//! A block holds the samples of a range of probes, about seven bytes for each instead of forty. Everything that evidence
//! and lists are made of is in it: moment, vantage, verdict, latency, reading and cause. How long the parts of a probe took
//! is not. Ranges are made in ascending order, so what
//! is still in the table of samples comes after all blocks.

mod block;

use sqlx::{Row, SqliteConnection};

use super::samples::sample_of;
use super::transaction::Transaction;
use super::{Store, StoreError, count_commit, signed, unsigned};
pub(super) use block::Aged;

/// Probes in one block; one is written in one transaction.
const PROBES: u64 = 4_096;

impl Store {
    /// Attested events whose windows ended before `end_s` (unix seconds) and that have samples in full, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_to_age(&self, end_s: u64, limit: u32) -> Result<Vec<i64>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT id FROM events WHERE attestation IS NOT NULL AND window_end < ? \
             AND EXISTS (SELECT 1 FROM samples WHERE event = events.id) ORDER BY id LIMIT ?",
        )
        .bind(signed(end_s, "window_end")?)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?)
    }

    /// Makes one block of an event's samples, all or nothing. What references answered is kept where a probe could not be
    /// decided, since it is the reason. Returns whether there is more to do.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn age_samples(&self, event: i64) -> Result<bool, StoreError> {
        let first: Option<i64> = sqlx::query_scalar("SELECT min(probe) FROM samples WHERE event = ?")
            .bind(event)
            .fetch_one(&self.pool)
            .await?;
        let Some(first) = first else { return Ok(false) };
        let from = unsigned(first, "probe")?;
        let to = from.saturating_add(PROBES);
        let mut tx = Transaction::begin(&self.pool).await?;
        let rows = raw(&mut tx, event, from, to).await?;
        let bytes = block::encode(&rows);
        if block::decode(&bytes).as_ref() != Some(&rows) {
            return Err(StoreError::Corrupt { column: "samples" });
        }
        count_commit(&mut tx).await?;
        sqlx::query("INSERT INTO aged_samples (event, from_probe, to_probe, block) VALUES (?, ?, ?, ?)")
            .bind(event)
            .bind(signed(from, "probe")?)
            .bind(signed(to, "probe")?)
            .bind(bytes)
            .execute(&mut *tx)
            .await?;
        forget(&mut tx, event, from, to).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Takes the rows of a range away that a block has taken over.
async fn forget(tx: &mut Transaction, event: i64, from: u64, to: u64) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM reference_samples WHERE event = ?1 AND probe >= ?2 AND probe < ?3 AND probe NOT IN \
         (SELECT probe FROM samples WHERE event = ?1 AND probe >= ?2 AND probe < ?3 AND verdict IS NULL)",
        "DELETE FROM samples WHERE event = ?1 AND probe >= ?2 AND probe < ?3",
    ] {
        sqlx::query(sql)
            .bind(event)
            .bind(signed(from, "probe")?)
            .bind(signed(to, "probe")?)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn raw(
    connection: &mut SqliteConnection,
    event: i64,
    from: u64,
    to: u64,
) -> Result<Vec<Aged>, StoreError> {
    let rows = sqlx::query(
        "SELECT probe, unix_ms, vantage, verdict, latency_ms, value, cause FROM samples \
         WHERE event = ? AND probe >= ? AND probe < ? ORDER BY probe, vantage",
    )
    .bind(event)
    .bind(signed(from, "probe")?)
    .bind(signed(to, "probe")?)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Aged {
                probe: unsigned(row.try_get("probe")?, "probe")?,
                sample: sample_of(row)?,
                cause: row.try_get("cause")?,
            })
        })
        .collect()
}

/// The samples of a range that are in blocks, by index and vantage. Whatever else there is comes after them.
pub(super) async fn aged(
    connection: &mut SqliteConnection,
    event: i64,
    from: u64,
    to: u64,
) -> Result<Vec<Aged>, StoreError> {
    let blocks: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT block FROM aged_samples WHERE event = ? AND to_probe > ? AND from_probe < ? ORDER BY from_probe",
    )
    .bind(event)
    .bind(signed(from, "probe")?)
    .bind(signed(to, "probe")?)
    .fetch_all(connection)
    .await?;
    let mut found = Vec::new();
    for block in &blocks {
        let samples = block::decode(block).ok_or(StoreError::Corrupt { column: "block" })?;
        found.extend(samples.into_iter().filter(|aged| (from..to).contains(&aged.probe)));
    }
    Ok(found)
}
