//! Receipts, and the signed roots over them.

use sqlx::QueryBuilder;
use terms::Hex32;

use crate::error::{StoreError, exists};
use crate::open::Store;
use crate::read::stored;
use crate::rows::ReceiptRow;
use crate::write::Tx;

/// Which receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipts {
    /// All from a number on.
    From(u64),
    /// Those of an escrow.
    OfEscrow(Hex32),
    /// Those of a payment that belongs to no escrow, by its transaction as explorers show it.
    OfPayment(Hex32),
    /// The last.
    Last,
}

impl Store {
    /// Receipts, the oldest first.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn receipts(&self, which: Receipts) -> Result<Vec<String>, StoreError> {
        let mut query = QueryBuilder::new("SELECT json FROM receipts WHERE ");
        match which {
            Receipts::From(seq) => query.push("seq >= ").push_bind(stored(seq)),
            Receipts::OfEscrow(id) => query.push("escrow = ").push_bind(id.to_string()),
            Receipts::OfPayment(txid) => query.push("escrow IS NULL AND txid = ").push_bind(txid.to_string()),
            Receipts::Last => query.push("seq = (SELECT MAX(seq) FROM receipts)"),
        };
        query.push(" ORDER BY seq");
        Ok(query.build_query_scalar().fetch_all(&self.pool).await?)
    }

    /// The last so many signed roots, the oldest first.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn receipt_batches(&self, most: u64) -> Result<Vec<String>, StoreError> {
        let sql =
            "SELECT json FROM (SELECT * FROM receipt_batches ORDER BY number DESC LIMIT ?) ORDER BY number";
        Ok(sqlx::query_scalar(sql).bind(stored(most)).fetch_all(&self.pool).await?)
    }
}

impl Tx<'_> {
    /// Appends a receipt.
    ///
    /// # Errors
    /// When there is one of this number.
    pub async fn append_receipt(&mut self, row: &ReceiptRow) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO receipts (seq, escrow, txid, json) VALUES (?, ?, ?, ?)")
            .bind(stored(row.seq))
            .bind(row.escrow.map(|id| id.to_string()))
            .bind(row.txid.map(|id| id.to_string()))
            .bind(&row.json)
            .execute(self.connection())
            .await
            .map_err(exists("receipt"))?;
        Ok(())
    }

    /// Appends a signed root.
    ///
    /// # Errors
    /// When there is one of this number.
    pub async fn append_receipt_batch(&mut self, number: u64, json: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO receipt_batches (number, json) VALUES (?, ?)")
            .bind(stored(number))
            .bind(json)
            .execute(self.connection())
            .await
            .map_err(exists("receipt batch"))?;
        Ok(())
    }
}
