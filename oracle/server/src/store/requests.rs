//! Who asked: nonces of signed requests, each good once, and what a requester has already.

use terms::Hex32;

use super::transaction::Transaction;
use super::{Store, StoreError, signed, unsigned};

/// What became of a request's nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonce {
    /// It is new, and can't come again.
    Fresh,
    /// It was there before: the request is a repetition.
    Used,
    /// The key has used as many as are kept for one; in some minutes there is room again.
    TooMany,
}

/// What a requester has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its events that have no attestation yet.
    pub open: u64,
    /// Its events that were announced within 24 hours.
    pub within_a_day: u64,
}

const DAY_S: u64 = 86_400;

/// The most nonces that are kept of one key.
const MOST_OF_A_KEY: i64 = 20_000;

impl Store {
    /// Uses up a nonce of a key. It is kept until `until`, in unix seconds; those whose time is over at `now` are
    /// forgotten.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_nonce(
        &self,
        key: Hex32,
        nonce: Hex32,
        now: u64,
        until: u64,
    ) -> Result<Nonce, StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        let now = signed(now, "now")?;
        sqlx::query("DELETE FROM request_nonces WHERE until < ?").bind(now).execute(&mut *tx).await?;
        let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM request_nonces WHERE key = ?")
            .bind(key.0.as_slice())
            .fetch_one(&mut *tx)
            .await?;
        if kept >= MOST_OF_A_KEY {
            tx.commit().await?;
            return Ok(Nonce::TooMany);
        }
        let inserted = sqlx::query(
            "INSERT INTO request_nonces (key, nonce, until) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(key.0.as_slice())
        .bind(nonce.0.as_slice())
        .bind(signed(until, "until")?)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(if inserted.rows_affected() == 1 { Nonce::Fresh } else { Nonce::Used })
    }
    /// What a requester has at `now`, in unix seconds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account(&self, requester: &str, now: u64) -> Result<Account, StoreError> {
        let (open, within_a_day): (i64, i64) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE attestation IS NULL), count(*) FILTER (WHERE announced_at > ?) \
             FROM events WHERE requester = ?",
        )
        .bind(signed(now.saturating_sub(DAY_S), "announced_at")?)
        .bind(requester)
        .fetch_one(&self.pool)
        .await?;
        Ok(Account { open: unsigned(open, "count")?, within_a_day: unsigned(within_a_day, "count")? })
    }
}
