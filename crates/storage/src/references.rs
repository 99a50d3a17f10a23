//! References: finished escrows that this node presents, and those of others that it has verified.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use terms::Hex32;

use crate::error::StoreError;
use crate::open::Store;
use crate::read::{key, number, stored};
use crate::write::Tx;

/// A finished escrow that is presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// The hash by which others find it.
    pub hash: Hex32,
    /// The escrow.
    pub escrow: Hex32,
}

/// A reference of somebody else's that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedReference {
    /// The provider that it is about.
    pub provider: Hex32,
    /// The funding transaction, as explorers show it: with the provider it says which escrow it is.
    pub funding_txid: Hex32,
    /// Its hash.
    pub hash: Hex32,
    /// The block that had the funding transaction.
    pub funding_block: Hex32,
    /// The block that had the closing transaction.
    pub closing_block: Hex32,
    /// What it shows.
    pub json: String,
}

impl Store {
    /// What is presented, by ascending hash: so many after one of them, or from the first on.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn presented(&self, after: Option<Hex32>, most: usize) -> Result<Vec<Presented>, StoreError> {
        let query = sqlx::query("SELECT hash, escrow FROM presented WHERE hash > ? ORDER BY hash LIMIT ?");
        let query =
            query.bind(after.map_or(String::new(), |hash| hash.to_string())).bind(stored(most as u64));
        let rows = query.fetch_all(&self.pool).await?;
        let read = |row: &SqliteRow| Ok(Presented { hash: key(row, "hash")?, escrow: key(row, "escrow")? });
        rows.iter().map(read).collect()
    }

    /// One of them, as others get it.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn presented_file(&self, hash: Hex32) -> Result<Option<Vec<u8>>, StoreError> {
        let query = sqlx::query_scalar("SELECT file FROM presented WHERE hash = ?").bind(hash.to_string());
        Ok(query.fetch_optional(&self.pool).await?)
    }

    /// What was verified about a provider.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn verified_references(&self, provider: Hex32) -> Result<Vec<VerifiedReference>, StoreError> {
        let query = sqlx::query("SELECT * FROM verified_references WHERE provider = ? ORDER BY funding_txid");
        let rows = query.bind(provider.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(verified).collect()
    }

    /// The newest of those that show a broken promise, of all providers, each with when it was verified.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn newest_breaches(&self, most: usize) -> Result<Vec<(VerifiedReference, u64)>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM verified_references WHERE json_extract(json, '$.end') = 'breached'
             ORDER BY at DESC, provider, funding_txid LIMIT ?",
        );
        let rows = query.bind(stored(most as u64)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((verified(row)?, number(row, "at")?))).collect()
    }
}

impl Tx<'_> {
    /// Presents an escrow, in the place of what was presented of it before.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn present(&mut self, presented: &Presented, file: &[u8]) -> Result<(), StoreError> {
        self.withhold(presented.escrow).await?;
        sqlx::query("INSERT INTO presented (hash, escrow, file) VALUES (?, ?, ?)")
            .bind(presented.hash.to_string())
            .bind(presented.escrow.to_string())
            .bind(file)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Presents an escrow no more.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn withhold(&mut self, escrow: Hex32) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM presented WHERE escrow = ?").bind(escrow.to_string());
        query.execute(self.connection()).await?;
        Ok(())
    }

    /// Keeps a verified reference, in the place of what was verified of the same escrow before.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn keep_reference(&mut self, kept: &VerifiedReference, at: u64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT OR REPLACE INTO verified_references
             (provider, funding_txid, hash, funding_block, closing_block, json, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(kept.provider.to_string())
        .bind(kept.funding_txid.to_string())
        .bind(kept.hash.to_string())
        .bind(kept.funding_block.to_string())
        .bind(kept.closing_block.to_string())
        .bind(&kept.json)
        .bind(stored(at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets a verified reference.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn forget_reference(&mut self, provider: Hex32, funding_txid: Hex32) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM verified_references WHERE provider = ? AND funding_txid = ?")
            .bind(provider.to_string())
            .bind(funding_txid.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn verified(row: &SqliteRow) -> Result<VerifiedReference, StoreError> {
    Ok(VerifiedReference {
        provider: key(row, "provider")?,
        funding_txid: key(row, "funding_txid")?,
        hash: key(row, "hash")?,
        funding_block: key(row, "funding_block")?,
        closing_block: key(row, "closing_block")?,
        json: row.try_get("json")?,
    })
}
