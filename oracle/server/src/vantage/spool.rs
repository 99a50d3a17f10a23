//! What a vantage has measured, on its disk until its oracle has it.

use std::path::Path;

use ledger::Sample;
use ledger::csv::Columns;
use protocol::vantage::{Batch, BatchResult};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};
use terms::{EventId, Hex32, Measurement};

use super::assignment::Task;
use crate::store::{Durability, StoreError, Transaction, open_pool};

/// Why the spool could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("spool: {0}")]
pub struct SpoolError(#[from] StoreError);

impl From<sqlx::Error> for SpoolError {
    fn from(error: sqlx::Error) -> Self {
        Self(error.into())
    }
}

/// A sample that is in no batch yet.
#[derive(Clone, Debug)]
pub(super) struct Spooled {
    /// The probe's index in the window.
    pub probe: u64,
    /// The sample.
    pub sample: Sample,
    /// Why it is not good.
    pub cause: Option<String>,
}

/// A handle on the spool; clones are the same one.
#[derive(Clone, Debug)]
pub struct Spool {
    pool: SqlitePool,
}

fn corrupt(column: &'static str) -> SpoolError {
    SpoolError(StoreError::Corrupt { column })
}

impl Spool {
    /// Opens the spool, making it where there is none.
    ///
    /// # Errors
    /// When the file can't be opened, or is from a newer version of this program.
    pub async fn open(path: &Path, durability: Durability) -> Result<Self, SpoolError> {
        let pool = open_pool(path, durability).await?;
        sqlx::migrate!("./spool").run(&pool).await.map_err(StoreError::from)?;
        Ok(Self { pool })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Notes an event of an oracle; one that is known already stays as it is.
    pub(super) async fn assign(&self, oracle: &Hex32, task: &Task) -> Result<(), SpoolError> {
        sqlx::query(
            "INSERT INTO assignments (oracle, event_id, measurement, announcement_sha256, vantage, seed, \
             first_probe, window_end) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(oracle.0.as_slice())
        .bind(task.event_id().as_str())
        .bind(task.measurement.canonical())
        .bind(task.announcement_sha256.0.as_slice())
        .bind(&task.vantage)
        .bind(task.seed.as_ref().map(|seed| seed.as_slice()))
        .bind(task.first_probe.cast_signed())
        .bind(task.measurement.window.end.0.cast_signed())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The events of an oracle that are not all in batches.
    pub(super) async fn tasks(&self, oracle: &Hex32) -> Result<Vec<Task>, SpoolError> {
        let rows = sqlx::query("SELECT * FROM assignments WHERE oracle = ? ORDER BY id")
            .bind(oracle.0.as_slice())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(task_of).collect()
    }

    /// From now on events of the oracle key `from` are those of `to`, which took its place.
    pub(super) async fn pass_on(&self, from: &Hex32, to: &Hex32) -> Result<(), SpoolError> {
        sqlx::query("UPDATE OR IGNORE assignments SET oracle = ? WHERE oracle = ?")
            .bind(to.0.as_slice())
            .bind(from.0.as_slice())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets events whose window ended before `before_s`, in unix seconds, and everything about them.
    pub(super) async fn forget(&self, before_s: u64) -> Result<(), SpoolError> {
        sqlx::query("DELETE FROM assignments WHERE window_end < ?")
            .bind(before_s.cast_signed())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes samples down that are in no batch yet.
    pub(super) async fn write(&self, task: i64, samples: &[Spooled]) -> Result<(), SpoolError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        for new in samples {
            sqlx::query(
                "INSERT INTO samples (assignment, probe, line, cause) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(task)
            .bind(new.probe.cast_signed())
            .bind(Columns::WithValue.line(&new.sample))
            .bind(&new.cause)
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// The samples of an event that are in no batch yet, by probe.
    pub(super) async fn samples(&self, task: i64) -> Result<Vec<Spooled>, SpoolError> {
        let rows = sqlx::query("SELECT probe, line, cause FROM samples WHERE assignment = ? ORDER BY probe")
            .bind(task)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(spooled_of).collect()
    }

    /// Writes a signed batch down, which takes the place of its samples.
    pub(super) async fn seal(&self, task: i64, batch: &Batch) -> Result<(), SpoolError> {
        let json = terms::canonical::bytes(batch);
        let mut tx = Transaction::begin(&self.pool).await?;
        sqlx::query("INSERT INTO batches (assignment, from_probe, to_probe, batch) VALUES (?, ?, ?, ?)")
            .bind(task)
            .bind(batch.from.cast_signed())
            .bind(batch.to.cast_signed())
            .bind(json)
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM samples WHERE assignment = ? AND probe < ?")
            .bind(task)
            .bind(batch.to.cast_signed())
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// The index after the last probe of an event that is in a batch.
    pub(super) async fn sealed_until(&self, task: i64) -> Result<Option<u64>, SpoolError> {
        let until: Option<i64> = sqlx::query_scalar("SELECT max(to_probe) FROM batches WHERE assignment = ?")
            .bind(task)
            .fetch_one(&self.pool)
            .await?;
        until.map(|until| u64::try_from(until).map_err(|_| corrupt("to_probe"))).transpose()
    }

    /// Batches for an oracle that it has not answered for, oldest first, with the keys of their events.
    pub(super) async fn waiting(&self, oracle: &Hex32, limit: u32) -> Result<Vec<(i64, Batch)>, SpoolError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT b.assignment, b.batch FROM batches b JOIN assignments a ON a.id = b.assignment \
             WHERE a.oracle = ? AND b.result IS NULL ORDER BY b.rowid LIMIT ?",
        )
        .bind(oracle.0.as_slice())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let read = |(task, json): (i64, Vec<u8>)| {
            Ok((task, serde_json::from_slice(&json).map_err(|_| corrupt("batch"))?))
        };
        rows.into_iter().map(read).collect()
    }

    /// Notes what an oracle said to a batch, for good.
    pub(super) async fn answered(&self, task: i64, from: u64, result: BatchResult) -> Result<(), SpoolError> {
        let text = serde_json::to_string(&result).map_err(|_| corrupt("result"))?;
        sqlx::query("UPDATE batches SET result = ? WHERE assignment = ? AND from_probe = ?")
            .bind(text)
            .bind(task)
            .bind(from.cast_signed())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

fn task_of(row: &SqliteRow) -> Result<Task, SpoolError> {
    let seed: Option<Vec<u8>> = row.try_get("seed")?;
    let hash: Vec<u8> = row.try_get("announcement_sha256")?;
    let id: String = row.try_get("event_id")?;
    let measurement = Measurement::parse(row.try_get("measurement")?).map_err(|_| corrupt("measurement"))?;
    if EventId::parse(&id) != Some(measurement.event_id()) {
        return Err(corrupt("event_id"));
    }
    let first: i64 = row.try_get("first_probe")?;
    Ok(Task {
        key: row.try_get("id")?,
        measurement,
        announcement_sha256: Hex32(hash.try_into().map_err(|_| corrupt("announcement_sha256"))?),
        vantage: row.try_get("vantage")?,
        seed: seed.map(|seed| seed.try_into().map_err(|_| corrupt("seed"))).transpose()?,
        first_probe: u64::try_from(first).map_err(|_| corrupt("first_probe"))?,
    })
}

fn spooled_of(row: &SqliteRow) -> Result<Spooled, SpoolError> {
    let line: &str = row.try_get("line")?;
    let probe: i64 = row.try_get("probe")?;
    let sample = Columns::WithValue.read_line(line).map_err(|_| corrupt("line"))?;
    Ok(Spooled {
        probe: u64::try_from(probe).map_err(|_| corrupt("probe"))?,
        sample,
        cause: row.try_get("cause")?,
    })
}
