//! What is signed: the outcome first, and only then one attestation, each written once.

use ledger::Entry;

use super::events::strings_json;
use super::transaction::Transaction;
use super::{Event, Store, StoreError, count_commit, log, unsigned};

impl Store {
    /// Writes down what will be signed, unless something is already, or the operator withholds it. Durable when this returns.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decide_outcome(&self, event: i64, outcome: &[String]) -> Result<u64, StoreError> {
        let json = strings_json(outcome, "outcome")?;
        let mut tx = Transaction::begin(&self.pool).await?;
        sqlx::query("UPDATE events SET outcome = ? WHERE id = ? AND outcome IS NULL AND withheld IS NULL")
            .bind(json)
            .bind(event)
            .execute(&mut *tx)
            .await?;
        let mark = count_commit(&mut tx).await?;
        tx.commit().await?;
        Ok(mark)
    }

    /// Writes down the attestation, unless there is one, and the log's word of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attest(&self, event: &Event, attestation: &str) -> Result<u64, StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        let mark = count_commit(&mut tx).await?;
        let attested = sqlx::query(
            "UPDATE events SET attestation = ? WHERE id = ? AND attestation IS NULL AND outcome IS NOT NULL",
        )
        .bind(attestation)
        .bind(event.key)
        .execute(&mut *tx)
        .await?;
        if attested.rows_affected() == 1 {
            let entry = Entry::Attested { event_id: event.id.clone(), attestation: attestation.to_owned() };
            log::append(&mut tx, event.key, &[entry]).await?;
        }
        tx.commit().await?;
        self.has_grown();
        Ok(mark)
    }

    /// How many commits there were; the journal's counterpart.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark(&self) -> Result<u64, StoreError> {
        let value: i64 = sqlx::query_scalar("SELECT value FROM mark").fetch_one(&self.pool).await?;
        unsigned(value, "mark")
    }
}
