//! Services and how their time was spent.

use std::collections::{BTreeMap, HashMap};

use ledger::Sample;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};
use terms::Measurement;

use crate::status::Tally;
use crate::store::events::head_of;
use crate::store::samples::sample_of;
use crate::store::{EventHead, Store, StoreError, signed, unsigned};

/// A service: the events with one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRow {
    /// The database's own key of it.
    pub key: i64,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub title: String,
}

/// An event with what it takes to read its samples.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The database's own key of it.
    pub key: i64,
    /// The key of its service.
    pub service: i64,
    /// What is measured.
    pub measurement: Measurement,
}

const SUMS: &str = "sum(good_ms) AS good_ms, sum(bad_ms) AS bad_ms, sum(unknown_ms) AS unknown_ms, \
                    sum(excluded_ms) AS excluded_ms";

impl Store {
    /// All services with an announced event, by title.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn services(&self) -> Result<Vec<ServiceRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, slug, title FROM services s WHERE EXISTS \
             (SELECT 1 FROM events e WHERE e.service = s.id AND e.published = 1) ORDER BY title, id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(service_of).collect()
    }

    /// The service to which an event belongs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn service_of_event(&self, event: i64) -> Result<Option<ServiceRow>, StoreError> {
        let row = sqlx::query(
            "SELECT s.id, s.slug, s.title FROM services s JOIN events e ON e.service = s.id WHERE e.id = ?",
        )
        .bind(event)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(service_of).transpose()
    }

    /// Published events whose window has this moment in it, of all services.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn watched_at(&self, now_s: u64) -> Result<Vec<Watched>, StoreError> {
        let now_s = signed(now_s, "now")?;
        let rows = sqlx::query(
            "SELECT id, service, measurement FROM events WHERE attestation IS NULL AND published = 1 \
             AND service IS NOT NULL AND window_start <= ? AND window_end > ? ORDER BY id",
        )
        .bind(now_s)
        .bind(now_s)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(watched_of).collect()
    }

    /// Published events of a service whose windows touch `[from_s, to_s)`, oldest first; at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn watched_between(
        &self,
        service: i64,
        from_s: u64,
        to_s: u64,
        limit: u32,
    ) -> Result<Vec<Watched>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, service, measurement FROM events WHERE service = ? AND published = 1 \
             AND window_start < ? AND window_end > ? ORDER BY id LIMIT ?",
        )
        .bind(service)
        .bind(signed(to_s, "to")?)
        .bind(signed(from_s, "from")?)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(watched_of).collect()
    }

    /// The newest samples of an event, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_samples(&self, event: i64, limit: u64) -> Result<Vec<Sample>, StoreError> {
        let rows = sqlx::query(
            "SELECT unix_ms, vantage, verdict, latency_ms, value FROM samples WHERE event = ? ORDER BY probe DESC LIMIT ?",
        )
        .bind(event)
        .bind(signed(limit, "limit")?)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(sample_of).collect()
    }

    /// How each service's time was spent since `from_s`, in spans of this length.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn time_spent(&self, length_s: u64, from_s: u64) -> Result<HashMap<i64, Tally>, StoreError> {
        let from_s = signed(from_s, "from")?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT e.service AS service, {SUMS} FROM events e JOIN spans s ON s.event = e.id AND s.length_s = ? \
             AND s.start_s >= ? WHERE e.window_end > ? AND e.published = 1 AND e.service IS NOT NULL GROUP BY e.service"
        )))
        .bind(signed(length_s, "length")?)
        .bind(from_s)
        .bind(from_s)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok((row.try_get("service")?, tally_of(row)?))).collect()
    }

    /// How a service's time was spent since `from_s`, span by span.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spans(
        &self,
        service: i64,
        length_s: u64,
        from_s: u64,
    ) -> Result<BTreeMap<u64, Tally>, StoreError> {
        let from_s = signed(from_s, "from")?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT s.start_s AS start_s, {SUMS} FROM events e JOIN spans s ON s.event = e.id AND s.length_s = ? \
             AND s.start_s >= ? WHERE e.service = ? AND e.published = 1 AND e.window_end > ? GROUP BY s.start_s"
        )))
        .bind(signed(length_s, "length")?)
        .bind(from_s)
        .bind(service)
        .bind(from_s)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok((unsigned(row.try_get("start_s")?, "start_s")?, tally_of(row)?))).collect()
    }

    /// Published events of a service, newest first, older than `before` (a key) where one is given.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_of_service(
        &self,
        service: i64,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<EventHead>, StoreError> {
        let mut select = QueryBuilder::<Sqlite>::new(
            "SELECT id, event_id, host, window_start, window_end, maturity, provisional IS NOT NULL AS closed, \
             attestation IS NOT NULL AS attested, withheld IS NOT NULL AS withheld \
             FROM events WHERE published = 1 AND service = ",
        );
        select.push_bind(service).push(" AND id < ").push_bind(before.unwrap_or(i64::MAX));
        select.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
        let rows = select.build().fetch_all(&self.pool).await?;
        rows.iter().map(head_of).collect()
    }
}

fn service_of(row: &SqliteRow) -> Result<ServiceRow, StoreError> {
    Ok(ServiceRow { key: row.try_get("id")?, slug: row.try_get("slug")?, title: row.try_get("title")? })
}

fn watched_of(row: &SqliteRow) -> Result<Watched, StoreError> {
    Ok(Watched {
        key: row.try_get("id")?,
        service: row.try_get("service")?,
        measurement: Measurement::parse(row.try_get("measurement")?)
            .map_err(|_| StoreError::Corrupt { column: "measurement" })?,
    })
}

fn tally_of(row: &SqliteRow) -> Result<Tally, StoreError> {
    let read = |column: &'static str| unsigned(row.try_get(column)?, column);
    Ok(Tally {
        good_ms: read("good_ms")?,
        bad_ms: read("bad_ms")?,
        unknown_ms: read("unknown_ms")?,
        excluded_ms: read("excluded_ms")?,
    })
}
