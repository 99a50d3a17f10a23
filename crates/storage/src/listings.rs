//! What a directory keeps: each key's newest listing.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use terms::Hex32;

use crate::error::StoreError;
use crate::open::Store;
use crate::read::{key, number, stored};
use crate::write::Tx;

/// A key's listing as a directory keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingRow {
    /// Whose it is.
    pub key: Hex32,
    /// When it was made.
    pub at: u64,
    /// When it expires.
    pub expires_at: u64,
    /// Until when it is remembered.
    pub keep_until: u64,
    /// Whether it takes back what was listed before.
    pub withdrawn: bool,
    /// From where it came; none for the machine itself.
    pub address: Option<String>,
    /// The services that it names, as a JSON list.
    pub services: String,
    /// The listing itself.
    pub bytes: Vec<u8>,
}

/// A part of the listings that are good, by ascending key.
#[derive(Clone, Copy, Debug)]
pub struct ListingsAsked<'a> {
    /// Only those after this key.
    pub after: Option<Hex32>,
    /// Only those that name this service.
    pub service: Option<&'a str>,
    /// So many at most.
    pub most: u64,
    /// At this moment.
    pub now: u64,
}

/// The next page of all, and of those that name a service: each row is found by an index, however many there are.
const ANY: &str = "SELECT * FROM listings WHERE withdrawn = 0 AND expires_at > ?1 AND key > ?2
    ORDER BY key LIMIT ?3";
const OF_A_SERVICE: &str = "SELECT listings.* FROM listing_services AS named
    CROSS JOIN listings ON listings.key = named.key
    WHERE named.service = ?4 AND named.key > ?2 AND withdrawn = 0 AND expires_at > ?1
    ORDER BY named.key LIMIT ?3";

impl Store {
    /// A key's listing, good or not.
    ///
    /// # Errors
    /// When SQLite fails or the row is damaged.
    pub async fn listing(&self, of: Hex32) -> Result<Option<ListingRow>, StoreError> {
        let query = sqlx::query("SELECT * FROM listings WHERE key = ?").bind(of.to_string());
        query.fetch_optional(&self.pool).await?.as_ref().map(listing).transpose()
    }

    /// Listings that are good, as they were signed, by ascending key.
    ///
    /// # Errors
    /// When SQLite fails or a row is damaged.
    pub async fn listings(&self, asked: &ListingsAsked<'_>) -> Result<Vec<ListingRow>, StoreError> {
        let after = asked.after.map(|key| key.to_string()).unwrap_or_default();
        let of = |sql| sqlx::query(sql).bind(stored(asked.now)).bind(after).bind(stored(asked.most));
        let query = match asked.service {
            None => of(ANY),
            Some(service) => of(OF_A_SERVICE).bind(service),
        };
        query.fetch_all(&self.pool).await?.iter().map(listing).collect()
    }

    /// How many listings of other keys are remembered at a moment: all, or those that came from an address.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn listings_besides(
        &self,
        of: Hex32,
        address: Option<&str>,
        now: u64,
    ) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM listings WHERE key <> ?1 AND keep_until > ?2 AND (?3 IS NULL OR address = ?3)",
        )
        .bind(of.to_string())
        .bind(stored(now))
        .bind(address)
        .fetch_one(&self.pool)
        .await?;
        Ok(count.unsigned_abs())
    }

    /// When the first of those that are remembered is forgotten: of all, or of those that came from an address.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn first_listing_ends(
        &self,
        address: Option<&str>,
        now: u64,
    ) -> Result<Option<u64>, StoreError> {
        let first: Option<i64> = sqlx::query_scalar(
            "SELECT MIN(keep_until) FROM listings WHERE keep_until > ?1 AND (?2 IS NULL OR address = ?2)",
        )
        .bind(stored(now))
        .bind(address)
        .fetch_one(&self.pool)
        .await?;
        Ok(first.map(i64::unsigned_abs))
    }
}

impl Tx<'_> {
    /// Stores a listing in the place of the key's older one.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn put_listing(&mut self, row: &ListingRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO listings (key, at, expires_at, keep_until, withdrawn, address, services, bytes)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (key) DO UPDATE SET at = excluded.at, expires_at = excluded.expires_at,
               keep_until = excluded.keep_until, withdrawn = excluded.withdrawn, address = excluded.address,
               services = excluded.services, bytes = excluded.bytes",
        )
        .bind(row.key.to_string())
        .bind(stored(row.at))
        .bind(stored(row.expires_at))
        .bind(stored(row.keep_until))
        .bind(row.withdrawn)
        .bind(&row.address)
        .bind(&row.services)
        .bind(&row.bytes)
        .execute(self.connection())
        .await?;
        self.put_services(row).await
    }

    /// One that takes back names none.
    async fn put_services(&mut self, row: &ListingRow) -> Result<(), StoreError> {
        let key = row.key.to_string();
        sqlx::query("DELETE FROM listing_services WHERE key = ?")
            .bind(&key)
            .execute(self.connection())
            .await?;
        sqlx::query(
            "INSERT INTO listing_services (service, key) SELECT DISTINCT value, ?1 FROM json_each(?2) WHERE NOT ?3",
        )
        .bind(&key)
        .bind(&row.services)
        .bind(row.withdrawn)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets listings of which nothing is to be remembered any more. Returns how many.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn prune_listings(&mut self, now: u64) -> Result<u64, StoreError> {
        let query = sqlx::query("DELETE FROM listings WHERE keep_until <= ?").bind(stored(now));
        Ok(query.execute(self.connection()).await?.rows_affected())
    }
}

fn listing(row: &SqliteRow) -> Result<ListingRow, StoreError> {
    Ok(ListingRow {
        key: key(row, "key")?,
        at: number(row, "at")?,
        expires_at: number(row, "expires_at")?,
        keep_until: number(row, "keep_until")?,
        withdrawn: row.try_get("withdrawn")?,
        address: row.try_get("address")?,
        services: row.try_get("services")?,
        bytes: row.try_get("bytes")?,
    })
}
