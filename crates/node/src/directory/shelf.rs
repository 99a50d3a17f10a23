//! A directory's shelf: each key's newest listing, bounded in number for each address and overall, until it expires.

use std::net::IpAddr;

use crashpoint::here;
use protocol::Listing;
use protocol::listing::{MAX_PAGE, Page};
use storage::{ListingRow, ListingsAsked};
use terms::{DocumentError, Hex32};

use super::DirectoryConfig;
use crate::core::Core;
use crate::error::NodeError;

/// Who waits how long when there is no place and nobody knows when there will be one.
const WAIT_S: u64 = 3_600;

impl Core {
    fn directory(&self) -> Result<DirectoryConfig, NodeError> {
        self.config.directory.ok_or(NodeError::NotFound { what: "directory" })
    }

    /// Keeps a listing that its own key has signed and handed in. The same one again changes nothing.
    ///
    /// # Errors
    /// When this node is no directory, the listing is of another network or not of now, a later one of its key is here, or
    /// there is no place for it.
    pub(crate) async fn take_listing(
        &mut self,
        listing: &Listing,
        from: Option<IpAddr>,
        now: u64,
    ) -> Result<(), NodeError> {
        let bounds = self.directory()?;
        if listing.network != self.config.network {
            return Err(DocumentError::new("network", "must be this directory's network").into());
        }
        listing.check_time(now)?;
        let before = self.store.listing(listing.key).await?.filter(|row| row.keep_until > now);
        match &before {
            Some(row) if row.bytes == listing.bytes() => return Ok(()),
            Some(row) if row.at >= listing.at.0 => return Err(NodeError::OlderListing { at: row.at }),
            // There is nothing to take back, and nothing that could come back.
            None if listing.withdrawn => return Ok(()),
            _ => {}
        }
        let address = from.map(|address| address.to_string());
        self.check_places(listing.key, address.as_deref(), bounds, now).await?;
        let row = row(listing, before.map_or(0, |row| row.keep_until), address)?;
        here!("listing.before");
        let mut tx = self.store.begin().await?;
        tx.prune_listings(now).await?;
        tx.put_listing(&row).await?;
        here!("listing.within");
        tx.commit().await?;
        here!("listing.after");
        tracing::info!(key = %listing.key, withdrawn = listing.withdrawn, "a listing is kept");
        Ok(())
    }

    /// Counted over what is stored, so that a restart frees no place.
    async fn check_places(
        &self,
        key: Hex32,
        address: Option<&str>,
        bounds: DirectoryConfig,
        now: u64,
    ) -> Result<(), NodeError> {
        let asked = [
            (None, bounds.max_listings, "this directory"),
            (address, bounds.max_per_address, "this address"),
        ];
        // Whoever comes from the machine itself has no address, and only the first bound.
        for (address, most, whose) in asked.into_iter().take(1 + usize::from(address.is_some())) {
            if self.store.listings_besides(key, address, now).await? < most {
                continue;
            }
            let first = self.store.first_listing_ends(address, now).await?;
            let wait_s = first.map_or(WAIT_S, |at| at.saturating_sub(now).max(1));
            return Err(NodeError::NoPlace { whose, most, wait_s });
        }
        Ok(())
    }

    /// A page of the listings that are good now, by ascending key.
    ///
    /// # Errors
    /// When this node is no directory, or the database fails.
    pub(crate) async fn listing_page(
        &self,
        after: Option<Hex32>,
        service: Option<&str>,
        now: u64,
    ) -> Result<Page, NodeError> {
        self.directory()?;
        let asked = ListingsAsked { after, service, most: MAX_PAGE as u64, now };
        let rows = self.store.listings(&asked).await?;
        let next = rows.last().filter(|_| rows.len() == MAX_PAGE).map(|row| row.key);
        let read = |row: &ListingRow| {
            serde_json::from_slice(&row.bytes).map_err(|_| NodeError::Damaged { what: "listing" })
        };
        Ok(Page { listings: rows.iter().map(read).collect::<Result<_, _>>()?, next })
    }
}

fn row(listing: &Listing, keep_until: u64, address: Option<String>) -> Result<ListingRow, NodeError> {
    let services = serde_json::to_string(&listing.services);
    Ok(ListingRow {
        key: listing.key,
        at: listing.at.0,
        expires_at: listing.expires.0,
        // An older listing that is good for longer must not come back when this one is over.
        keep_until: keep_until.max(listing.expires.0),
        withdrawn: listing.withdrawn,
        address,
        services: services.map_err(|_| NodeError::Damaged { what: "listing" })?,
        bytes: listing.bytes(),
    })
}
