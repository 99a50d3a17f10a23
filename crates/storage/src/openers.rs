//! Who opened sessions at our door, and how many: what limits are counted over.

use sqlx::Row as _;
use terms::Hex32;

use crate::error::StoreError;
use crate::open::Store;
use crate::read::stored;

/// Whose sessions are counted. Those that we opened ourselves are nobody's here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener<'a> {
    /// Everybody's.
    Anybody,
    /// Those of an identity key.
    Key(Hex32),
    /// Those that came from an address.
    Address(&'a str),
}

impl Opener<'_> {
    fn key(&self) -> Option<String> {
        match self {
            Self::Key(key) => Some(key.to_string()),
            Self::Anybody | Self::Address(_) => None,
        }
    }

    fn address(&self) -> Option<&str> {
        match self {
            Self::Address(address) => Some(address),
            Self::Anybody | Self::Key(_) => None,
        }
    }
}

/// Negotiations that have led to no escrow, have not ended, and whose offer can still be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenSessions {
    /// How many there are.
    pub count: u64,
    /// When the offer of the first of them expires, where there is one.
    pub first_ends: Option<u64>,
}

impl Store {
    /// From which address a session was opened at our door; `None` where none is known.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn opened_from(&self, session: Hex32) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT address FROM sessions WHERE id = ?").bind(session.to_string());
        let address: Option<Option<String>> = query.fetch_optional(&self.pool).await?;
        Ok(address.flatten())
    }

    /// When the last but so many of somebody's sessions since a moment was opened, counted from 0; `None` where there are
    /// no more than that.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn last_session_but(
        &self,
        so_many: u64,
        of: Opener<'_>,
        since: u64,
    ) -> Result<Option<u64>, StoreError> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT opened_at FROM sessions WHERE opened_at >= ?1 AND peer_url IS NULL
               AND (?2 IS NULL OR counterparty = ?2) AND (?3 IS NULL OR address = ?3)
             ORDER BY opened_at DESC LIMIT 1 OFFSET ?4",
        )
        .bind(stored(since))
        .bind(of.key())
        .bind(of.address())
        .bind(stored(so_many))
        .fetch_optional(&self.pool)
        .await?;
        Ok(at.map(i64::unsigned_abs))
    }

    /// Somebody's negotiations with us that are open at a moment.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn open_sessions(&self, of: Opener<'_>, now: u64) -> Result<OpenSessions, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS count, MIN(o.expires_at) AS first_ends FROM sessions s
               JOIN negotiations n ON n.session = s.id JOIN offers o ON o.id = s.offer_id
             WHERE n.ended IS NULL AND s.peer_url IS NULL AND o.expires_at > ?1
               AND (?2 IS NULL OR s.counterparty = ?2) AND (?3 IS NULL OR s.address = ?3)
               AND NOT EXISTS (SELECT 1 FROM escrow_events e WHERE e.escrow = s.id AND e.seq = 0)",
        )
        .bind(stored(now))
        .bind(of.key())
        .bind(of.address())
        .fetch_one(&self.pool)
        .await?;
        let (count, first): (i64, Option<i64>) = (row.try_get("count")?, row.try_get("first_ends")?);
        Ok(OpenSessions { count: count.unsigned_abs(), first_ends: first.map(i64::unsigned_abs) })
    }
}
