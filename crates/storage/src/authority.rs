//! What was committed and in whose name, delegated keys, approvals, notices.

use sqlx::Row as _;
use terms::Hex32;

use crate::error::{StoreError, exists};
use crate::open::Store;
use crate::read::{key, number, optional_key, stored};
use crate::rows::{ApprovalRow, CommitmentRow, KeyRequestRow, KeyRow, NoticeRow};
use crate::write::Tx;

/// So many requests of delegated keys, and so many notices, are kept.
const KEPT: u64 = 10_000;

impl Store {
    /// What was committed within so many seconds before the last commitment, oldest first. The clock is not asked: it may
    /// be wrong when a node starts.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn last_commitments(&self, seconds: u64) -> Result<Vec<CommitmentRow>, StoreError> {
        let sql = "SELECT * FROM commitments WHERE at >= (SELECT MAX(at) FROM commitments) - ? ORDER BY seq";
        let rows = sqlx::query(sql).bind(stored(seconds)).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(CommitmentRow {
                    at: number(row, "at")?,
                    kind: row.try_get("kind")?,
                    escrow: optional_key(row, "escrow")?,
                    txid: optional_key(row, "txid")?,
                    sat: number(row, "sat")?,
                    key: row.try_get("key")?,
                })
            })
            .collect()
    }

    /// All delegated keys, by name.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn delegated_keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM delegated_keys ORDER BY name").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let revoked_at: Option<i64> = row.try_get("revoked_at")?;
                Ok(KeyRow {
                    name: row.try_get("name")?,
                    token_hash: key(row, "token_hash")?,
                    scopes: row.try_get("scopes")?,
                    limits: row.try_get("limits")?,
                    life_s: number(row, "life_s")?,
                    created_at: number(row, "created_at")?,
                    expires_at: number(row, "expires_at")?,
                    revoked_at: revoked_at.map(i64::unsigned_abs),
                })
            })
            .collect()
    }

    /// In whose name sessions, escrows and offers are, where it is not the owner's.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn acting(&self) -> Result<Vec<(Hex32, String)>, StoreError> {
        let rows = sqlx::query("SELECT id, key FROM acting").fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((key(row, "id")?, row.try_get("key")?))).collect()
    }

    /// What a delegated key asked, the newest first, at most so many.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn key_requests(&self, name: &str, most: u64) -> Result<Vec<KeyRequestRow>, StoreError> {
        let sql = "SELECT * FROM key_requests WHERE key = ? ORDER BY seq DESC LIMIT ?";
        let rows = sqlx::query(sql).bind(name).bind(stored(most)).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(KeyRequestRow {
                    at: number(row, "at")?,
                    key: row.try_get("key")?,
                    method: row.try_get("method")?,
                    path: row.try_get("path")?,
                    status: u16::try_from(number(row, "status")?)
                        .map_err(|_| StoreError::Damaged { what: "status" })?,
                })
            })
            .collect()
    }

    /// Everything that a human was asked about, oldest first.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn approvals(&self) -> Result<Vec<ApprovalRow>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM approvals ORDER BY at, terms_hash").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(ApprovalRow {
                    terms_hash: key(row, "terms_hash")?,
                    at: number(row, "at")?,
                    expires_at: number(row, "expires_at")?,
                    state: row.try_get("state")?,
                    json: row.try_get("json")?,
                })
            })
            .collect()
    }

    /// What the owner should look at that belongs to no escrow, the newest first, at most so many.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn notices(&self, most: u64) -> Result<Vec<NoticeRow>, StoreError> {
        let query = sqlx::query("SELECT * FROM notices ORDER BY seq DESC LIMIT ?").bind(stored(most));
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(NoticeRow {
                    at: number(row, "at")?,
                    kind: row.try_get("kind")?,
                    detail: row.try_get("detail")?,
                })
            })
            .collect()
    }
}

impl Tx<'_> {
    /// Stores what is committed.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn put_commitment(&mut self, row: &CommitmentRow) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO commitments (at, kind, escrow, txid, sat, key) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(stored(row.at))
            .bind(&row.kind)
            .bind(row.escrow.map(|id| id.to_string()))
            .bind(row.txid.map(|id| id.to_string()))
            .bind(stored(row.sat))
            .bind(&row.key)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets a payment that was never made after all.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn forget_commitment(&mut self, txid: Hex32) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM commitments WHERE txid = ?")
            .bind(txid.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Stores a new delegated key.
    ///
    /// # Errors
    /// When there is one of this name, or was.
    pub async fn add_key(&mut self, row: &KeyRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO delegated_keys
            (name, token_hash, scopes, limits, life_s, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(&row.name)
            .bind(row.token_hash.to_string())
            .bind(&row.scopes)
            .bind(&row.limits)
            .bind(stored(row.life_s))
            .bind(stored(row.created_at))
            .bind(stored(row.expires_at))
            .execute(self.connection())
            .await
            .map_err(exists("key"))?;
        Ok(())
    }

    /// Gives a delegated key another token, or revokes it.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn change_key(&mut self, row: &KeyRow) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE delegated_keys SET token_hash = ?, expires_at = ?, revoked_at = ? WHERE name = ?",
        )
        .bind(row.token_hash.to_string())
        .bind(stored(row.expires_at))
        .bind(row.revoked_at.map(stored))
        .bind(&row.name)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes in whose name a session, an escrow or an offer is.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn put_acting(&mut self, id: Hex32, key: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO acting (id, key) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(id.to_string())
            .bind(key)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets in whose name sessions and offers were that are forgotten themselves. Those of escrows stay.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn prune_acting(&mut self) -> Result<(), StoreError> {
        let sql = "DELETE FROM acting WHERE id NOT IN (SELECT id FROM sessions)
            AND id NOT IN (SELECT id FROM offers) AND id NOT IN (SELECT escrow FROM escrow_events WHERE seq = 0)";
        sqlx::query(sql).execute(self.connection()).await?;
        Ok(())
    }

    /// Notes what a delegated key asked; the oldest beyond ten thousand are forgotten.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn put_key_request(&mut self, row: &KeyRequestRow) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO key_requests (at, key, method, path, status) VALUES (?, ?, ?, ?, ?)")
            .bind(stored(row.at))
            .bind(&row.key)
            .bind(&row.method)
            .bind(&row.path)
            .bind(i64::from(row.status))
            .execute(self.connection())
            .await?;
        self.keep_newest("DELETE FROM key_requests WHERE seq <= (SELECT MAX(seq) FROM key_requests) - ?")
            .await
    }

    /// Stores what a human is asked about, in the place of what was asked about the same terms before.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn put_approval(&mut self, row: &ApprovalRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO approvals (terms_hash, at, expires_at, state, json) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (terms_hash) DO UPDATE SET
            at = excluded.at, expires_at = excluded.expires_at, state = excluded.state, json = excluded.json";
        sqlx::query(sql)
            .bind(row.terms_hash.to_string())
            .bind(stored(row.at))
            .bind(stored(row.expires_at))
            .bind(&row.state)
            .bind(&row.json)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets the questions that nobody had answered when they expired, before a moment in unix seconds.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn prune_questions(&mut self, before: u64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM approvals WHERE state = 'pending' AND expires_at < ?")
            .bind(stored(before))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Stores something that the owner should look at; the oldest beyond ten thousand are forgotten.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn put_notice(&mut self, row: &NoticeRow) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO notices (at, kind, detail) VALUES (?, ?, ?)")
            .bind(stored(row.at))
            .bind(&row.kind)
            .bind(&row.detail)
            .execute(self.connection())
            .await?;
        self.keep_newest("DELETE FROM notices WHERE seq <= (SELECT MAX(seq) FROM notices) - ?").await
    }

    async fn keep_newest(&mut self, sql: &'static str) -> Result<(), StoreError> {
        sqlx::query(sql).bind(stored(KEPT)).execute(self.connection()).await?;
        Ok(())
    }
}
