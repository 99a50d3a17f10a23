//! What is to be done window after window: a buyer's standing orders and a provider's standing offers. Both are stored
//! alike: what was asked for, and a row for each window.

use sqlx::Row as _;
use terms::Hex32;

use crate::error::{StoreError, exists};
use crate::open::Store;
use crate::read::{key, number, stored};
use crate::write::Tx;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Orders of a buyer.
    Orders,
    /// Offers of a provider.
    Offers,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingRow {
    /// Its id.
    pub id: Hex32,
    /// What was asked for.
    pub json: String,
    /// The delegated key in whose name it is.
    pub key: Option<String>,
    /// When it was given, in unix seconds.
    pub created_at: u64,
    /// Why it ended, where it has.
    pub ended: Option<String>,
}

/// One of its windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingWindowRow {
    /// To which it belongs.
    pub parent: Hex32,
    /// When the window begins, in unix seconds.
    pub start: u64,
    /// What came of it.
    pub json: String,
}

impl Standing {
    fn all(self) -> &'static str {
        match self {
            Self::Orders => "SELECT * FROM orders ORDER BY created_at, id",
            Self::Offers => "SELECT * FROM standing_offers ORDER BY created_at, id",
        }
    }

    fn windows(self) -> &'static str {
        match self {
            Self::Orders => "SELECT * FROM order_windows ORDER BY parent, start",
            Self::Offers => "SELECT * FROM standing_offer_windows ORDER BY parent, start",
        }
    }

    fn add(self) -> &'static str {
        match self {
            Self::Orders => "INSERT INTO orders (id, json, key, created_at, ended) VALUES (?, ?, ?, ?, ?)",
            Self::Offers => {
                "INSERT INTO standing_offers (id, json, key, created_at, ended) VALUES (?, ?, ?, ?, ?)"
            }
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Orders => "UPDATE orders SET ended = ? WHERE id = ? AND ended IS NULL",
            Self::Offers => "UPDATE standing_offers SET ended = ? WHERE id = ? AND ended IS NULL",
        }
    }

    fn put_window(self) -> &'static str {
        match self {
            Self::Orders => {
                "INSERT INTO order_windows (parent, start, json) VALUES (?, ?, ?)
                 ON CONFLICT (parent, start) DO UPDATE SET json = excluded.json"
            }
            Self::Offers => {
                "INSERT INTO standing_offer_windows (parent, start, json) VALUES (?, ?, ?)
                 ON CONFLICT (parent, start) DO UPDATE SET json = excluded.json"
            }
        }
    }
}

impl Store {
    /// All of a kind, oldest first.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn standing(&self, kind: Standing) -> Result<Vec<StandingRow>, StoreError> {
        let rows = sqlx::query(kind.all()).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(StandingRow {
                    id: key(row, "id")?,
                    json: row.try_get("json")?,
                    key: row.try_get("key")?,
                    created_at: number(row, "created_at")?,
                    ended: row.try_get("ended")?,
                })
            })
            .collect()
    }

    /// The windows of all of a kind, each one's by their beginning.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn standing_windows(&self, kind: Standing) -> Result<Vec<StandingWindowRow>, StoreError> {
        let rows = sqlx::query(kind.windows()).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(StandingWindowRow {
                    parent: key(row, "parent")?,
                    start: number(row, "start")?,
                    json: row.try_get("json")?,
                })
            })
            .collect()
    }
}

impl Tx<'_> {
    /// Stores a new one.
    ///
    /// # Errors
    /// When there is one of this id.
    pub async fn add_standing(&mut self, kind: Standing, row: &StandingRow) -> Result<(), StoreError> {
        sqlx::query(kind.add())
            .bind(row.id.to_string())
            .bind(&row.json)
            .bind(&row.key)
            .bind(stored(row.created_at))
            .bind(&row.ended)
            .execute(self.connection())
            .await
            .map_err(exists("standing order or offer"))?;
        Ok(())
    }

    /// Notes why one ended; the first reason stays.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn end_standing(&mut self, kind: Standing, id: Hex32, why: &str) -> Result<(), StoreError> {
        sqlx::query(kind.end()).bind(why).bind(id.to_string()).execute(self.connection()).await?;
        Ok(())
    }

    /// Stores what came of a window, in the place of what it said before.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn put_standing_window(
        &mut self,
        kind: Standing,
        row: &StandingWindowRow,
    ) -> Result<(), StoreError> {
        sqlx::query(kind.put_window())
            .bind(row.parent.to_string())
            .bind(stored(row.start))
            .bind(&row.json)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
