//! What the owner is told as it happens: numbered rows, appended with what they tell of.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};

use crate::error::StoreError;
use crate::open::Store;
use crate::read::{number, stored};
use crate::write::Tx;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRow {
    /// Its number; given when it is stored.
    pub id: u64,
    /// When it was stored, in unix seconds.
    pub at: u64,
    /// What kind of thing it happened to, such as `escrow`.
    pub kind: String,
    /// Which one.
    pub subject: String,
    /// What happened.
    pub event: String,
    /// Its number in the history of that one, where it has one.
    pub seq: Option<u64>,
    /// More about it, in words.
    pub detail: String,
}

/// Reads what the owner is told, without the lock of whoever writes.
#[derive(Clone, Debug)]
pub struct Feed {
    pool: SqlitePool,
}

/// Which ids there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedEnds {
    /// The last id whose row is forgotten; 0 where none is.
    pub forgotten: u64,
    /// The last id that was given; 0 where none was.
    pub newest: u64,
}

impl Store {
    /// What the owner is told, for reading.
    pub fn feed(&self) -> Feed {
        Feed { pool: self.pool.clone() }
    }
}

impl Feed {
    /// What comes after an id, the oldest first.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn after(&self, id: u64, most: u64) -> Result<Vec<FeedRow>, StoreError> {
        let query = sqlx::query("SELECT * FROM feed WHERE id > ? ORDER BY id LIMIT ?");
        let rows = query.bind(stored(id)).bind(stored(most)).fetch_all(&self.pool).await?;
        rows.iter().map(row).collect()
    }

    /// Which ids there are.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn ends(&self) -> Result<FeedEnds, StoreError> {
        let query = sqlx::query(
            "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'feed'), 0) AS newest,
                    COALESCE((SELECT MIN(id) FROM feed) - 1,
                             (SELECT seq FROM sqlite_sequence WHERE name = 'feed'), 0) AS forgotten",
        );
        let ends = query.fetch_one(&self.pool).await?;
        Ok(FeedEnds { forgotten: number(&ends, "forgotten")?, newest: number(&ends, "newest")? })
    }
}

impl Tx<'_> {
    /// Appends what the owner is told. The row's own id is not looked at.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn append_feed(&mut self, row: &FeedRow) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO feed (at, kind, subject, event, seq, detail) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(stored(row.at))
            .bind(&row.kind)
            .bind(&row.subject)
            .bind(&row.event)
            .bind(row.seq.map(stored))
            .bind(&row.detail)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets what was stored before a moment, and everything before that: what stays has no gaps.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn prune_feed(&mut self, before: u64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM feed WHERE id <= (SELECT MAX(id) FROM feed WHERE at < ?)")
            .bind(stored(before))
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn row(row: &SqliteRow) -> Result<FeedRow, StoreError> {
    let seq: Option<i64> = row.try_get("seq")?;
    Ok(FeedRow {
        id: number(row, "id")?,
        at: number(row, "at")?,
        kind: row.try_get("kind")?,
        subject: row.try_get("subject")?,
        event: row.try_get("event")?,
        seq: seq.map(i64::unsigned_abs),
        detail: row.try_get("detail")?,
    })
}
