//! Services: events with the same target.

use sqlx::SqliteConnection;
use terms::{Hex32, Measurement, Target};

use crate::status;
use crate::store::transaction::Transaction;
use crate::store::{Store, StoreError, count_commit};

impl Store {
    /// Sorts events of a version without services into theirs. Returns how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn sort_into_services(&self) -> Result<usize, StoreError> {
        let events: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT id, measurement FROM events WHERE service IS NULL ORDER BY id")
                .fetch_all(&self.pool)
                .await?;
        if events.is_empty() {
            return Ok(0);
        }
        let mut tx = Transaction::begin(&self.pool).await?;
        count_commit(&mut tx).await?;
        for (event, measurement) in &events {
            let measurement =
                Measurement::parse(measurement).map_err(|_| StoreError::Corrupt { column: "measurement" })?;
            let service = id_of_target(&mut tx, &measurement.target).await?;
            sqlx::query("UPDATE events SET service = ? WHERE id = ?")
                .bind(service)
                .bind(event)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(events.len())
    }
}

/// The service with this target, which is made where there is none.
pub(in crate::store) async fn id_of_target(
    connection: &mut SqliteConnection,
    target: &Target,
) -> Result<i64, StoreError> {
    let hash = Hex32(terms::canonical::sha256(&terms::canonical::bytes(target)));
    let title = status::title(target);
    sqlx::query("INSERT INTO services (target, slug, title) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(hash.0.as_slice())
        .bind(status::slug(&title, &hash))
        .bind(title)
        .execute(&mut *connection)
        .await?;
    let id: Option<i64> = sqlx::query_scalar("SELECT id FROM services WHERE target = ?")
        .bind(hash.0.as_slice())
        .fetch_optional(connection)
        .await?;
    id.ok_or(StoreError::Corrupt { column: "slug" })
}
