//! Reading.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use terms::Hex32;

use crate::error::StoreError;
use crate::open::Store;
use crate::rows::{Answer, Reservation, StoredEnvelope, StoredEvent, StoredOffer, StoredSession};

impl Store {
    /// The wallet's changes, oldest first.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn wallet_changes(&self) -> Result<Vec<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT json FROM wallet_changes ORDER BY seq");
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// The ids of all escrows.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn escrows(&self) -> Result<Vec<Hex32>, StoreError> {
        let query = sqlx::query("SELECT escrow FROM escrow_events WHERE seq = 0 ORDER BY at, escrow");
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(|row| key(row, "escrow")).collect()
    }

    /// An escrow's events, oldest first.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn events(&self, escrow: Hex32) -> Result<Vec<StoredEvent>, StoreError> {
        let rows = sqlx::query("SELECT seq, at, name, json FROM escrow_events WHERE escrow = ? ORDER BY seq")
            .bind(escrow.to_string())
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(StoredEvent {
                    seq: number(row, "seq")?,
                    at: number(row, "at")?,
                    name: row.try_get("name")?,
                    json: row.try_get("json")?,
                })
            })
            .collect()
    }

    /// The escrows whose messages the backup target has acknowledged.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn backed_up(&self) -> Result<Vec<Hex32>, StoreError> {
        let rows = sqlx::query("SELECT escrow FROM backed_up").fetch_all(&self.pool).await?;
        rows.iter().map(|row| key(row, "escrow")).collect()
    }

    /// All reservations.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn reservations(&self) -> Result<Vec<Reservation>, StoreError> {
        let rows = sqlx::query("SELECT outpoint, escrow, expires_at FROM reservations")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Reservation {
                    outpoint: row.try_get("outpoint")?,
                    escrow: key(row, "escrow")?,
                    expires_at: number(row, "expires_at")?,
                })
            })
            .collect()
    }

    /// The published offers, the one that expires first in front.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn offers(&self) -> Result<Vec<StoredOffer>, StoreError> {
        let rows = sqlx::query("SELECT * FROM offers ORDER BY expires_at, id").fetch_all(&self.pool).await?;
        rows.iter().map(offer).collect()
    }

    /// One published offer.
    ///
    /// # Errors
    /// When SQLite fails or the row is damaged.
    pub async fn offer(&self, id: Hex32) -> Result<Option<StoredOffer>, StoreError> {
        let query = sqlx::query("SELECT * FROM offers WHERE id = ?").bind(id.to_string());
        query.fetch_optional(&self.pool).await?.as_ref().map(offer).transpose()
    }

    /// One session.
    ///
    /// # Errors
    /// When SQLite fails or the row is damaged.
    pub async fn session(&self, id: Hex32) -> Result<Option<StoredSession>, StoreError> {
        let query = sqlx::query("SELECT * FROM sessions WHERE id = ?").bind(id.to_string());
        let Some(row) = query.fetch_optional(&self.pool).await? else {
            return Ok(None);
        };
        Ok(Some(session(&row)?))
    }

    /// The sessions about an escrow that exists, oldest first.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn sessions_about(&self, escrow: Hex32) -> Result<Vec<StoredSession>, StoreError> {
        let query = sqlx::query("SELECT * FROM sessions WHERE escrow = ? ORDER BY opened_at, id")
            .bind(escrow.to_string());
        query.fetch_all(&self.pool).await?.iter().map(session).collect()
    }

    /// An envelope by its id.
    ///
    /// # Errors
    /// When SQLite fails or the row is damaged.
    pub async fn envelope(&self, id: Hex32) -> Result<Option<StoredEnvelope>, StoreError> {
        let query = sqlx::query("SELECT * FROM envelopes WHERE id = ?").bind(id.to_string());
        query.fetch_optional(&self.pool).await?.as_ref().map(envelope).transpose()
    }

    /// A session's envelopes, both ways, in order.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn transcript(&self, session: Hex32) -> Result<Vec<StoredEnvelope>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM envelopes WHERE session = ? ORDER BY seq").bind(session.to_string());
        query.fetch_all(&self.pool).await?.iter().map(envelope).collect()
    }

    /// Our envelopes that still wait for their answers.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn undelivered(&self) -> Result<Vec<StoredEnvelope>, StoreError> {
        let query = sqlx::query("SELECT * FROM envelopes WHERE delivered = 0 ORDER BY session, seq");
        query.fetch_all(&self.pool).await?.iter().map(envelope).collect()
    }

    /// The owner's payments that are not known to be buried in the chain, as raw transactions, oldest first.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn payments(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(sqlx::query_scalar("SELECT tx FROM payments ORDER BY at, txid").fetch_all(&self.pool).await?)
    }

    /// The stored answer to a request with this Idempotency-Key.
    ///
    /// # Errors
    /// When SQLite fails or the row is damaged.
    pub async fn answer(&self, idempotency_key: &str) -> Result<Option<Answer>, StoreError> {
        let query = sqlx::query("SELECT * FROM answers WHERE key = ?").bind(idempotency_key);
        let Some(row) = query.fetch_optional(&self.pool).await? else {
            return Ok(None);
        };
        let status = u16::try_from(number(&row, "status")?);
        Ok(Some(Answer {
            request_hash: key(&row, "request_hash")?,
            status: status.map_err(|_| StoreError::Damaged { what: "answer" })?,
            body: row.try_get("body")?,
        }))
    }
}

fn offer(row: &SqliteRow) -> Result<StoredOffer, StoreError> {
    Ok(StoredOffer {
        id: key(row, "id")?,
        json: row.try_get("json")?,
        announcements: announcements(row, "offer")?,
        expires_at: number(row, "expires_at")?,
    })
}

fn session(row: &SqliteRow) -> Result<StoredSession, StoreError> {
    Ok(StoredSession {
        id: key(row, "id")?,
        counterparty: key(row, "counterparty")?,
        peer_url: row.try_get("peer_url")?,
        offer_id: optional_key(row, "offer_id")?,
        escrow: optional_key(row, "escrow")?,
        announcements: announcements(row, "session")?,
        address: row.try_get("address")?,
    })
}

/// Announcements are stored in hex, one a line.
fn announcements(row: &SqliteRow, what: &'static str) -> Result<Vec<Vec<u8>>, StoreError> {
    let lines: String = row.try_get("announcements")?;
    lines.lines().map(|line| hex::decode(line).map_err(|_| StoreError::Damaged { what })).collect()
}

fn envelope(row: &SqliteRow) -> Result<StoredEnvelope, StoreError> {
    Ok(StoredEnvelope {
        session: key(row, "session")?,
        seq: number(row, "seq")?,
        id: key(row, "id")?,
        ours: row.try_get("ours")?,
        delivered: row.try_get("delivered")?,
        bytes: row.try_get("bytes")?,
    })
}

pub(crate) fn key(row: &SqliteRow, column: &'static str) -> Result<Hex32, StoreError> {
    let text: String = row.try_get(column)?;
    Hex32::parse(&text).ok_or(StoreError::Damaged { what: column })
}

pub(crate) fn optional_key(row: &SqliteRow, column: &'static str) -> Result<Option<Hex32>, StoreError> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| Hex32::parse(&text).ok_or(StoreError::Damaged { what: column })).transpose()
}

pub(crate) fn number(row: &SqliteRow, column: &'static str) -> Result<u64, StoreError> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|_| StoreError::Damaged { what: column })
}

/// SQLite's integers are signed; a number beyond them is stored as the largest.
pub(crate) fn stored(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
