//! The public log: entries in order, and the hashes over them. Appended to in the transaction of what it tells.

use evidence::Log;
use evidence::log::Stored;
use ledger::{Entry, SliceVerdict};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};
use terms::EventId;

use super::transaction::Transaction;
use super::{Store, StoreError, signed, unsigned};

/// Rows of one statement.
const ROWS: usize = 500;

impl Store {
    /// The log's number of entries, and the hashes of its right edge.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log(&self) -> Result<Log, StoreError> {
        let mut connection = self.pool.acquire().await?;
        load(&mut connection).await
    }

    /// The hashes at these positions; those that are missing are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log_hashes(&self, positions: &[u64]) -> Result<Stored, StoreError> {
        let mut connection = self.pool.acquire().await?;
        hashes(&mut connection, positions).await
    }

    /// The leaves from index `first` on, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log_leaves(&self, first: u64, limit: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = sqlx::query(
            "SELECT l.entry, e.event_id, s.verdict FROM log_entries l JOIN events e ON e.id = l.event \
             LEFT JOIN slices s ON s.event = l.event AND s.slice = l.slice \
             WHERE l.idx >= ? AND l.idx < ? ORDER BY l.idx",
        )
        .bind(signed(first, "idx")?)
        .bind(signed(first.saturating_add(limit), "idx")?)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| match row.try_get::<Option<Vec<u8>>, _>("entry")? {
                Some(leaf) => Ok(leaf),
                None => slice_leaf(row.try_get("event_id")?, row.try_get("verdict")?),
            })
            .collect()
    }

    /// Where the log has this entry, which is no slice's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log_index(&self, event: i64, entry: &Entry) -> Result<Option<u64>, StoreError> {
        index_of(&self.pool, event, entry).await
    }
}

async fn index_of(pool: &SqlitePool, event: i64, entry: &Entry) -> Result<Option<u64>, StoreError> {
    let index: Option<i64> =
        sqlx::query_scalar("SELECT idx FROM log_entries WHERE event = ? AND entry = ? ORDER BY idx LIMIT 1")
            .bind(event)
            .bind(entry.leaf())
            .fetch_optional(pool)
            .await?;
    index.map(|index| unsigned(index, "idx")).transpose()
}

/// Appends entries. Must come after the transaction's first write: from then on nobody else appends.
pub(super) async fn append(tx: &mut Transaction, event: i64, entries: &[Entry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut log = load(tx).await?;
    for rows in entries.chunks(ROWS) {
        let first = signed(log.size(), "idx")?;
        insert_entries(tx, event, first, rows).await?;
        let mut added = Vec::with_capacity(rows.len() * 2);
        for entry in rows {
            added.extend(log.append(&entry.leaf()).map_err(|_| StoreError::Corrupt { column: "idx" })?);
        }
        insert_hashes(tx, &added).await?;
    }
    Ok(())
}

async fn insert_entries(
    tx: &mut Transaction,
    event: i64,
    first: i64,
    entries: &[Entry],
) -> Result<(), StoreError> {
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO log_entries (idx, event, slice, entry) ");
    insert.push_values((first..).zip(entries), |mut row, (index, entry)| {
        let slice = match entry {
            Entry::Slice { verdict, .. } => Some(verdict.index.cast_signed()),
            Entry::Announced { .. }
            | Entry::Closed { .. }
            | Entry::Attested { .. }
            | Entry::Withheld { .. } => None,
        };
        let bytes = slice.is_none().then(|| entry.leaf());
        row.push_bind(index).push_bind(event).push_bind(slice).push_bind(bytes);
    });
    insert.build().execute(&mut **tx).await?;
    Ok(())
}

async fn insert_hashes(tx: &mut Transaction, hashes: &[(u64, evidence::Digest)]) -> Result<(), StoreError> {
    for rows in hashes.chunks(ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO log_hashes (position, hash) ");
        insert.push_values(rows, |mut row, (position, hash)| {
            row.push_bind(position.cast_signed()).push_bind(hash.to_vec());
        });
        insert.build().execute(&mut **tx).await?;
    }
    Ok(())
}

async fn load(connection: &mut SqliteConnection) -> Result<Log, StoreError> {
    let size: i64 = sqlx::query_scalar("SELECT coalesce(max(idx) + 1, 0) FROM log_entries")
        .fetch_one(&mut *connection)
        .await?;
    let size = unsigned(size, "idx")?;
    let edge = hashes(connection, &Log::edge(size)).await?;
    Log::resume(size, &edge).map_err(|_| StoreError::Corrupt { column: "log_hashes" })
}

async fn hashes(connection: &mut SqliteConnection, positions: &[u64]) -> Result<Stored, StoreError> {
    let mut found = Stored::new();
    for asked in positions.chunks(ROWS) {
        let mut select =
            QueryBuilder::<Sqlite>::new("SELECT position, hash FROM log_hashes WHERE position IN (");
        let mut list = select.separated(", ");
        for position in asked {
            list.push_bind(position.cast_signed());
        }
        select.push(")");
        for row in select.build().fetch_all(&mut *connection).await? {
            let hash: &[u8] = row.try_get("hash")?;
            let hash = hash.try_into().map_err(|_| StoreError::Corrupt { column: "hash" })?;
            found.insert(unsigned(row.try_get("position")?, "position")?, hash);
        }
    }
    Ok(found)
}

fn slice_leaf(event_id: &str, verdict: Option<&str>) -> Result<Vec<u8>, StoreError> {
    let corrupt = StoreError::Corrupt { column: "verdict" };
    let event_id = EventId::parse(event_id).ok_or(StoreError::Corrupt { column: "event_id" })?;
    let verdict: Option<SliceVerdict> = verdict.and_then(|json| serde_json::from_str(json).ok());
    Ok(Entry::Slice { event_id, verdict: verdict.ok_or(corrupt)? }.leaf())
}
