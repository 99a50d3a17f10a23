//! Slices that have ended, and the window's result.

use ledger::{Entry, SliceVerdict};
use sqlx::{QueryBuilder, Sqlite};

use super::transaction::Transaction;
use super::{Event, Store, StoreError, count_commit, log, signed, status};

/// Rows of one statement.
const ROWS: usize = 500;

impl Store {
    /// Verdicts of an event's slices from index `from` on, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn slices(&self, event: i64, from: u64, limit: u32) -> Result<Vec<SliceVerdict>, StoreError> {
        let verdicts: Vec<String> = sqlx::query_scalar(
            "SELECT verdict FROM slices WHERE event = ? AND slice >= ? ORDER BY slice LIMIT ?",
        )
        .bind(event)
        .bind(signed(from, "slice")?)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        verdicts.iter().map(|json| read(json)).collect()
    }

    /// The first slice of an event without a verdict.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_slice(&self, event: i64) -> Result<u64, StoreError> {
        let last = self.last_slice(event).await?;
        Ok(last.map_or(0, |slice| slice.index + 1))
    }

    /// The last slice of an event that has a verdict.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_slice(&self, event: i64) -> Result<Option<SliceVerdict>, StoreError> {
        let newest = "SELECT verdict FROM slices WHERE event = ? ORDER BY slice DESC LIMIT 1";
        let verdict: Option<String> =
            sqlx::query_scalar(newest).bind(event).fetch_optional(&self.pool).await?;
        verdict.map(|json| read(&json)).transpose()
    }

    /// Closes an event's window: its result, once, and the log's word of it. One that is there already stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close_window(
        &self,
        event: i64,
        provisional: &str,
        entry: &Entry,
    ) -> Result<u64, StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        let mark = count_commit(&mut tx).await?;
        let closed = sqlx::query("UPDATE events SET provisional = ? WHERE id = ? AND provisional IS NULL")
            .bind(provisional)
            .bind(event)
            .execute(&mut *tx)
            .await?;
        if closed.rows_affected() == 1 {
            log::append(&mut tx, event, std::slice::from_ref(entry)).await?;
        }
        tx.commit().await?;
        self.has_grown();
        Ok(mark)
    }
}

fn read(json: &str) -> Result<SliceVerdict, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::Corrupt { column: "verdict" })
}

/// Writes verdicts down, each once, and appends the new ones to the log.
pub(super) async fn insert(
    tx: &mut Transaction,
    event: &Event,
    slices: &[SliceVerdict],
) -> Result<(), StoreError> {
    for rows in slices.chunks(ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO slices (event, slice, verdict) ");
        insert.push_values(rows, |mut row, slice| {
            let json = String::from_utf8_lossy(&slice.leaf()).into_owned();
            row.push_bind(event.key).push_bind(slice.index.cast_signed()).push_bind(json);
        });
        insert.push(" ON CONFLICT DO NOTHING RETURNING slice");
        let new: Vec<i64> = insert.build_query_scalar().fetch_all(&mut **tx).await?;
        let new: Vec<&SliceVerdict> =
            rows.iter().filter(|slice| new.contains(&slice.index.cast_signed())).collect();
        status::insert(tx, event, &new).await?;
        let entry =
            |slice: &&SliceVerdict| Entry::Slice { event_id: event.id.clone(), verdict: (*slice).clone() };
        log::append(tx, event.key, &new.iter().map(entry).collect::<Vec<_>>()).await?;
    }
    Ok(())
}
