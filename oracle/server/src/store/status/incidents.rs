//! Incidents as they are read.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use terms::EventId;

use super::write::incident_of;
use crate::status::Incident;
use crate::store::{Store, StoreError, signed, unsigned};

/// An incident, and the event that saw it.
#[derive(Clone, Debug)]
pub struct IncidentRow {
    /// The event's key.
    pub key: i64,
    /// The event.
    pub event: EventId,
    /// Where its window ends, and with it what it can say about the incident. Unix seconds.
    pub window_end: u64,
    /// The incident.
    pub incident: Incident,
}

const COLUMNS: &str = "e.id AS key, e.event_id AS event_id, e.window_end AS window_end, i.start_ms AS start_ms, \
                       i.last_bad_ms AS last_bad_ms, i.end_ms AS end_ms, i.bad AS bad, i.undecided AS undecided, \
                       i.causes AS causes";

impl Store {
    /// A service's incidents that began before `before_ms`, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn incidents(
        &self,
        service: i64,
        before_ms: u64,
        limit: u32,
    ) -> Result<Vec<IncidentRow>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM events e JOIN incidents i ON i.event = e.id \
             WHERE e.service = ? AND i.start_ms < ? ORDER BY i.start_ms DESC, e.id DESC LIMIT ?"
        )))
        .bind(service)
        .bind(signed(before_ms, "before")?)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(row_of).collect()
    }

    /// The incident of an event that its closed slices left open.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_incident(&self, event: i64) -> Result<Option<Incident>, StoreError> {
        let row = sqlx::query("SELECT * FROM incidents WHERE event = ? ORDER BY start_ms DESC LIMIT 1")
            .bind(event)
            .fetch_optional(&self.pool)
            .await?;
        let newest = row.as_ref().map(incident_of).transpose()?;
        Ok(newest.filter(|incident| incident.end_ms.is_none()))
    }
}

fn row_of(row: &SqliteRow) -> Result<IncidentRow, StoreError> {
    Ok(IncidentRow {
        key: row.try_get("key")?,
        event: EventId::parse(row.try_get("event_id")?).ok_or(StoreError::Corrupt { column: "event_id" })?,
        window_end: unsigned(row.try_get("window_end")?, "window_end")?,
        incident: incident_of(row)?,
    })
}
