//! Sessions that negotiate, and how this node does it by itself.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use terms::Hex32;

use crate::error::{StoreError, exists};
use crate::open::Store;
use crate::read::key;
use crate::write::Tx;

/// A session that began with an rfq.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiation {
    /// The session.
    pub session: Hex32,
    /// The offer that it is about.
    pub offer: String,
    /// Our own plan; none where the owner answers.
    pub plan: Option<String>,
    /// Why it ended without an escrow.
    pub ended: Option<String>,
}

/// The most negotiations that are listed.
const MOST_LISTED: i64 = 200;

impl Store {
    /// How this node answers counters to an offer.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn offer_plan(&self, offer: Hex32) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT plan FROM offer_plans WHERE offer = ?");
        Ok(query.bind(offer.to_string()).fetch_optional(&self.pool).await?)
    }

    /// One negotiation.
    ///
    /// # Errors
    /// When SQLite fails or the row is damaged.
    pub async fn negotiation(&self, session: Hex32) -> Result<Option<Negotiation>, StoreError> {
        let query = sqlx::query("SELECT * FROM negotiations WHERE session = ?").bind(session.to_string());
        query.fetch_optional(&self.pool).await?.as_ref().map(negotiation).transpose()
    }

    /// The newest negotiations, at most two hundred.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn negotiations(&self) -> Result<Vec<Hex32>, StoreError> {
        let query = sqlx::query(
            "SELECT n.session FROM negotiations n JOIN sessions s ON s.id = n.session
             ORDER BY s.opened_at DESC, n.session LIMIT ?",
        );
        let rows = query.bind(MOST_LISTED).fetch_all(&self.pool).await?;
        rows.iter().map(|row| key(row, "session")).collect()
    }

    /// The negotiations of ours at somebody else's node that have led to no escrow and have not ended.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn open_negotiations(&self) -> Result<Vec<Hex32>, StoreError> {
        let query = sqlx::query(
            "SELECT n.session FROM negotiations n JOIN sessions s ON s.id = n.session
             WHERE n.ended IS NULL AND s.peer_url IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM escrow_events e WHERE e.escrow = n.session AND e.seq = 0)
             ORDER BY s.opened_at, n.session",
        );
        query.fetch_all(&self.pool).await?.iter().map(|row| key(row, "session")).collect()
    }
}

impl Tx<'_> {
    /// Stores how this node answers counters to an offer, in the place of what it did before.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn put_offer_plan(&mut self, offer: Hex32, plan: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO offer_plans (offer, plan) VALUES (?, ?)
             ON CONFLICT (offer) DO UPDATE SET plan = excluded.plan",
        )
        .bind(offer.to_string())
        .bind(plan)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Begins a negotiation.
    ///
    /// # Errors
    /// When there is one of this session.
    pub async fn open_negotiation(&mut self, new: &Negotiation) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO negotiations (session, offer, plan, ended) VALUES (?, ?, ?, ?)")
            .bind(new.session.to_string())
            .bind(&new.offer)
            .bind(&new.plan)
            .bind(&new.ended)
            .execute(self.connection())
            .await
            .map_err(exists("negotiation"))?;
        Ok(())
    }

    /// Notes why a negotiation ended without an escrow; the first reason stays.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn end_negotiation(&mut self, session: Hex32, why: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE negotiations SET ended = ? WHERE session = ? AND ended IS NULL")
            .bind(why)
            .bind(session.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn negotiation(row: &SqliteRow) -> Result<Negotiation, StoreError> {
    Ok(Negotiation {
        session: key(row, "session")?,
        offer: row.try_get("offer")?,
        plan: row.try_get("plan")?,
        ended: row.try_get("ended")?,
    })
}
