//! Checkpoints of oracles' public logs: the newest good one of each, and what contradicts it. What they say is the caller's.

use sqlx::Row as _;
use terms::Hex32;

use crate::error::StoreError;
use crate::open::Store;
use crate::read::{key, number, stored};
use crate::write::Tx;

/// A checkpoint of an oracle's log that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// The oracle's key.
    pub oracle: Hex32,
    /// The log's key, as C2SP's signed-note has it.
    pub log_key: String,
    /// The checkpoint, as JSON.
    pub json: String,
}

/// A checkpoint that does not go on from the one that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContradiction {
    /// The oracle's key.
    pub oracle: Hex32,
    /// Whether it proves by itself that the log was changed.
    pub proven: bool,
    /// Both checkpoints, as JSON.
    pub json: String,
    /// When it was seen, in unix seconds.
    pub at: u64,
}

impl Store {
    /// The newest good checkpoint of a log, as JSON: the one that was kept for this key of the oracle, or else the newest
    /// for any of its keys.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn kept_checkpoint(&self, oracle: Hex32, log_key: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT json FROM oracle_logs WHERE oracle = ?1 OR log_key = ?2 ORDER BY oracle = ?1 DESC, at DESC LIMIT 1",
        );
        Ok(query.bind(oracle.to_string()).bind(log_key).fetch_optional(&self.pool).await?)
    }

    /// What contradicts kept checkpoints, oldest first.
    ///
    /// # Errors
    /// When SQLite fails, or a row is damaged.
    pub async fn log_contradictions(&self) -> Result<Vec<StoredContradiction>, StoreError> {
        let query = sqlx::query(
            "SELECT oracle, proven, json, at FROM log_contradictions ORDER BY at, oracle, proven",
        );
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(StoredContradiction {
                    oracle: key(row, "oracle")?,
                    proven: row.try_get("proven")?,
                    json: row.try_get("json")?,
                    at: number(row, "at")?,
                })
            })
            .collect()
    }
}

impl Tx<'_> {
    /// Keeps a checkpoint in the place of the one before.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn keep_checkpoint(&mut self, kept: &KeptCheckpoint, at: u64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO oracle_logs (oracle, log_key, json, at) VALUES (?, ?, ?, ?) ON CONFLICT (oracle) DO UPDATE \
             SET log_key = excluded.log_key, json = excluded.json, at = excluded.at",
        )
        .bind(kept.oracle.to_string())
        .bind(&kept.log_key)
        .bind(&kept.json)
        .bind(stored(at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes what contradicts a kept checkpoint. For each oracle the first that proves itself stays, and the first that
    /// does not.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn note_contradiction(&mut self, found: &StoredContradiction) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO log_contradictions (oracle, proven, json, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(found.oracle.to_string())
        .bind(found.proven)
        .bind(&found.json)
        .bind(stored(found.at))
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
