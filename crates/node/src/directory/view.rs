//! What the owner sees of the own listing.

use protocol::owner::{DirectoryView, ListingView};
use terms::UnixSeconds;

use crate::core::Core;
use crate::error::NodeError;

impl Core {
    /// The own listing, and how the directories of the configuration stand.
    ///
    /// # Errors
    /// When the configuration has no `[listing]`, or the database fails.
    pub(crate) async fn listing_view(&self) -> Result<ListingView, NodeError> {
        let missing = NodeError::NotFound { what: "section [listing] in this node's configuration" };
        let config = self.config.listing.as_ref().ok_or(missing)?;
        let listing = self.last_listing().await?;
        let current = listing.as_ref().map(|listing| listing.at.0);
        let directories = config.directories.iter().map(|url| {
            let standing = self.standings.of(url);
            let current = standing.taken_at.is_some() && standing.taken_at == current;
            let next_try_at = standing.trouble.is_some().then_some(UnixSeconds(standing.next_try));
            DirectoryView { url: url.clone(), current, next_try_at, trouble: standing.trouble }
        });
        let (directories, withdrawn) = (directories.collect(), self.is_withdrawn().await?);
        Ok(ListingView { listing, withdrawn, directories })
    }
}
