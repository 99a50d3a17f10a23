//! Slices in short, as they are read.

use ledger::{SliceCounts, SliceState};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::store::{Store, StoreError, signed, unsigned};

/// How fast the answers of a slice came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceLatency {
    /// The slice's index.
    pub slice: u64,
    /// The median.
    pub p50_ms: u64,
    /// So fast were 95 of 100.
    pub p95_ms: u64,
}

/// Some slices next to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SliceBar {
    /// The index of the bar.
    pub bar: u64,
    /// How many came to what.
    pub counts: SliceCounts,
}

/// A state as it is stored.
pub(super) fn state_name(state: SliceState) -> &'static str {
    match state {
        SliceState::Good => "good",
        SliceState::Bad => "bad",
        SliceState::Unmeasured => "unmeasured",
        SliceState::Excluded => "excluded",
    }
}

impl Store {
    /// How fast the answers of an event's slices from `from` to before `to` came; those without any are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn slice_latencies(
        &self,
        event: i64,
        from: u64,
        to: u64,
    ) -> Result<Vec<SliceLatency>, StoreError> {
        let rows = sqlx::query(
            "SELECT slice, p50_ms, p95_ms FROM slice_notes WHERE event = ? AND slice >= ? AND slice < ? \
             AND p50_ms IS NOT NULL AND p95_ms IS NOT NULL ORDER BY slice",
        )
        .bind(event)
        .bind(signed(from, "slice")?)
        .bind(signed(to, "slice")?)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(latency_of).collect()
    }

    /// The newest slice of a service with any answer: when its event's window began, its length and its latency
    /// are the caller's to know.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_latency(&self, event: i64) -> Result<Option<SliceLatency>, StoreError> {
        let row = sqlx::query(
            "SELECT slice, p50_ms, p95_ms FROM slice_notes WHERE event = ? AND p50_ms IS NOT NULL \
             AND p95_ms IS NOT NULL ORDER BY slice DESC LIMIT 1",
        )
        .bind(event)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(latency_of).transpose()
    }

    /// What an event's ended slices came to, `per_bar` next to each other in one bar.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn slice_bars(&self, event: i64, per_bar: u64) -> Result<Vec<SliceBar>, StoreError> {
        let rows = sqlx::query(
            "SELECT slice / ? AS bar, count(*) AS total, sum(state = 'good') AS good, sum(state = 'bad') AS bad, \
             sum(state = 'unmeasured') AS unmeasured, sum(state = 'excluded') AS excluded \
             FROM slice_notes WHERE event = ? GROUP BY bar ORDER BY bar",
        )
        .bind(signed(per_bar.max(1), "bar")?)
        .bind(event)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(bar_of).collect()
    }
}

fn latency_of(row: &SqliteRow) -> Result<SliceLatency, StoreError> {
    let read = |column: &'static str| unsigned(row.try_get(column)?, column);
    Ok(SliceLatency { slice: read("slice")?, p50_ms: read("p50_ms")?, p95_ms: read("p95_ms")? })
}

fn bar_of(row: &SqliteRow) -> Result<SliceBar, StoreError> {
    let read = |column: &'static str| unsigned(row.try_get(column)?, column);
    let counts = SliceCounts {
        total: read("total")?,
        good: read("good")?,
        bad: read("bad")?,
        unmeasured: read("unmeasured")?,
        excluded: read("excluded")?,
    };
    Ok(SliceBar { bar: read("bar")?, counts })
}
