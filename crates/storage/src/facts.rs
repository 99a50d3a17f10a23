//! Single facts about the whole node, and what left its wallet.

use crate::error::{StoreError, exists};
use crate::open::Store;
use crate::read::{number, stored};
use crate::rows::Outflow;
use crate::write::Tx;

/// A fact of which there is one: a row of `meta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The index of the current identity key on its branch. A row that is missing means 0.
    IdentityIndex,
    /// What became of the last scheduled sweep.
    LastSweep,
    /// Where a restored wallet looks for its coins.
    RestoredWallet,
    /// Escrows that the backup target tells of and a restoration went without.
    GivenUp,
    /// Whether the owner has paused everything: `yes` or `no`. A row that is missing means no.
    Paused,
    /// The limits of the mandate that are nearly used up, of which the owner was told.
    NearLimits,
    /// The agreed escrows for which coins are missing, of which the owner was told.
    ShortOfCoins,
    /// The listing that this node signed last for its directories.
    OwnListing,
    /// Whether the owner has taken this node's listing back: `yes` or `no`. A row that is missing means no.
    ListingWithdrawn,
}

impl Fact {
    fn key(self) -> &'static str {
        match self {
            Self::IdentityIndex => "identity_index",
            Self::LastSweep => "last_sweep",
            Self::RestoredWallet => "restored_wallet",
            Self::GivenUp => "given_up",
            Self::Paused => "paused",
            Self::NearLimits => "near_limits",
            Self::ShortOfCoins => "short_of_coins",
            Self::OwnListing => "own_listing",
            Self::ListingWithdrawn => "listing_withdrawn",
        }
    }
}

impl Store {
    /// A fact, where it was stored.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn fact(&self, fact: Fact) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT value FROM meta WHERE key = ?").bind(fact.key());
        Ok(query.fetch_optional(&self.pool).await?)
    }

    /// Everything that left the wallet since a moment, oldest first.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn outflows_since(&self, at: u64) -> Result<Vec<Outflow>, StoreError> {
        let query = sqlx::query("SELECT txid, at, kind, sat FROM outflows WHERE at >= ? ORDER BY at, txid");
        let rows = query.bind(stored(at)).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Outflow {
                    txid: sqlx::Row::try_get(row, "txid")?,
                    at: number(row, "at")?,
                    kind: sqlx::Row::try_get(row, "kind")?,
                    sat: number(row, "sat")?,
                })
            })
            .collect()
    }
}

impl Tx<'_> {
    /// Stores a fact in the place of what it was.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn put_fact(&mut self, fact: Fact, value: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(fact.key())
        .bind(value)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores what leaves the wallet.
    ///
    /// # Errors
    /// When it is stored already.
    pub async fn put_outflow(&mut self, outflow: &Outflow) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO outflows (txid, at, kind, sat) VALUES (?, ?, ?, ?)")
            .bind(&outflow.txid)
            .bind(stored(outflow.at))
            .bind(&outflow.kind)
            .bind(stored(outflow.sat))
            .execute(self.connection())
            .await
            .map_err(exists("outflow"))?;
        Ok(())
    }

    /// Forgets what did not leave after all.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn forget_outflow(&mut self, txid: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM outflows WHERE txid = ?").bind(txid).execute(self.connection()).await?;
        Ok(())
    }
}
