//! Which event is which window of a configured service.

use terms::{EventId, Hex32, Target, canonical};

use super::transaction::Transaction;
use super::{Store, StoreError, count_commit, signed, unsigned};
use crate::status;

/// A window of a configured service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceWindow {
    /// The service's name.
    pub service: String,
    /// First second of the window.
    pub window_start: u64,
    /// The event that is this window.
    pub event_id: EventId,
}

/// What the operator calls a service.
#[derive(Clone, Debug)]
pub struct ServiceName {
    /// What is probed.
    pub target: Target,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub title: String,
}

impl Store {
    /// Gives services the names that the operator chose. Another one that has such a name, since the target of a service
    /// was changed, gets one after its target.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn name_services(&self, names: &[ServiceName]) -> Result<(), StoreError> {
        if names.is_empty() {
            return Ok(());
        }
        let mut tx = Transaction::begin(&self.pool).await?;
        count_commit(&mut tx).await?;
        let hash = |target: &Target| Hex32(canonical::sha256(&canonical::bytes(target)));
        for name in names {
            let target = hash(&name.target);
            let other: Option<(Vec<u8>, String)> =
                sqlx::query_as("SELECT target, title FROM services WHERE slug = ? AND target <> ?")
                    .bind(&name.slug)
                    .bind(target.0.as_slice())
                    .fetch_optional(&mut *tx)
                    .await?;
            if let Some((other, title)) = other {
                let bytes =
                    other.as_slice().try_into().map_err(|_| StoreError::Corrupt { column: "target" })?;
                sqlx::query("UPDATE services SET slug = ? WHERE target = ?")
                    .bind(status::slug(&title, &Hex32(bytes)))
                    .bind(other)
                    .execute(&mut *tx)
                    .await?;
            }
            sqlx::query(
                "INSERT INTO services (target, slug, title) VALUES (?, ?, ?) \
                 ON CONFLICT (target) DO UPDATE SET slug = excluded.slug, title = excluded.title",
            )
            .bind(target.0.as_slice())
            .bind(&name.slug)
            .bind(&name.title)
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// The event of a service's window that starts at this second.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn service_event(&self, service: &str, window_start: u64) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar("SELECT event FROM service_windows WHERE service = ? AND window_start = ?")
            .bind(service)
            .bind(signed(window_start, "window_start")?)
            .fetch_optional(&self.pool)
            .await?)
    }

    /// Notes that an event is a service's window, unless another one is already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_service_event(
        &self,
        service: &str,
        window_start: u64,
        event: i64,
    ) -> Result<(), StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        sqlx::query(
            "INSERT INTO service_windows (service, window_start, event) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(service)
        .bind(signed(window_start, "window_start")?)
        .bind(event)
        .execute(&mut *tx)
        .await?;
        count_commit(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// The windows of a configured service, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn service_windows(&self, service: &str, limit: u32) -> Result<Vec<ServiceWindow>, StoreError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT w.window_start, e.event_id FROM service_windows w JOIN events e ON e.id = w.event \
             WHERE w.service = ? ORDER BY w.window_start DESC LIMIT ?",
        )
        .bind(service)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|(start, id)| {
                Ok(ServiceWindow {
                    service: service.to_owned(),
                    window_start: unsigned(start, "window_start")?,
                    event_id: EventId::parse(&id).ok_or(StoreError::Corrupt { column: "event_id" })?,
                })
            })
            .collect()
    }
}
