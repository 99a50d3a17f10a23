//! What a provider says about itself in directories: decided from its configuration and its open offers, and stored before
//! it leaves.

use std::collections::BTreeSet;

use protocol::listing::{MAX_SERVICES, check_service};
use protocol::owner::ListingWish;
use protocol::{Listing, ListingDraft, Offer};
use storage::Fact;
use terms::UnixSeconds;

use super::ListingConfig;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::ticket::Ticket;

/// The stored word of an owner who has taken the listing back.
const YES: &str = "yes";
const NO: &str = "no";

impl Core {
    /// The listing that our directories should have now: the one that was signed last while it is fresh and true, else a
    /// new one, which is stored first. `None` where this node has itself listed nowhere.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn own_listing(&mut self, now: u64) -> Result<Option<Listing>, NodeError> {
        let Some(config) = self.config.listing.clone() else { return Ok(None) };
        let last = self.last_listing().await?;
        let withdrawn = self.is_withdrawn().await?;
        let services = if withdrawn { Vec::new() } else { services(&self.offers().await?, now) };
        let wanted = self.wanted(&config, services, withdrawn, last.as_ref(), now);
        match last {
            // What was never said need not be taken back, and what was taken back stays so.
            None if withdrawn => return Ok(None),
            Some(last) if withdrawn && last.withdrawn && last.expires.0 <= now => return Ok(None),
            Some(last) if self.is_still_right(&last, &wanted, now) => return Ok(Some(last)),
            _ => {}
        }
        let listing = Listing::seal(wanted, &self.keys.identity)?;
        let json = serde_json::to_string(&listing).map_err(|_| damaged())?;
        self.commit(Change { facts: vec![(Fact::OwnListing, json)], ..Change::default() }, now).await?;
        self.standings.sign_again = false;
        Ok(Some(listing))
    }

    fn wanted(
        &self,
        config: &ListingConfig,
        services: Vec<String>,
        withdrawn: bool,
        last: Option<&Listing>,
        now: u64,
    ) -> ListingDraft {
        // A clock that was set back must not make the next listing older than the last one.
        let at = last.map_or(now, |last| now.max(last.at.0 + 1));
        ListingDraft {
            network: self.config.network.clone(),
            url: config.url.clone(),
            summary: config.summary.clone(),
            services,
            at: UnixSeconds(at),
            expires: UnixSeconds(at + config.life_s),
            withdrawn,
        }
    }

    /// Whether the listing that was signed last says what the next one would, and has half of its life before it. One that
    /// takes back needs no renewal.
    fn is_still_right(&self, last: &Listing, wanted: &ListingDraft, now: u64) -> bool {
        let same = (&last.network, &last.url, &last.summary, &last.services, last.withdrawn)
            == (&wanted.network, &wanted.url, &wanted.summary, &wanted.services, wanted.withdrawn);
        let fresh = last.withdrawn || now < renewal_at(last);
        same && fresh && last.key == self.keys.public() && !self.standings.sign_again
    }

    /// The listing that was signed last.
    pub(super) async fn last_listing(&self) -> Result<Option<Listing>, NodeError> {
        let json = self.store.fact(Fact::OwnListing).await?;
        json.map(|json| serde_json::from_str(&json).map_err(|_| damaged())).transpose()
    }

    /// Whether the owner has taken the listing back.
    pub(super) async fn is_withdrawn(&self) -> Result<bool, NodeError> {
        Ok(self.store.fact(Fact::ListingWithdrawn).await?.as_deref() == Some(YES))
    }

    /// Notes the owner's wish to be listed or not; the directories hear of it at the next look.
    ///
    /// # Errors
    /// When the configuration has no `[listing]`, or the database fails.
    pub(crate) async fn list_or_not(
        &mut self,
        withdrawn: bool,
        ticket: &Ticket,
        now: u64,
    ) -> Result<ListingWish, NodeError> {
        if self.config.listing.is_none() {
            return Err(NodeError::NotFound { what: "section [listing] in this node's configuration" });
        }
        let wish = ListingWish { withdrawn };
        let word = if withdrawn { YES } else { NO };
        let facts = vec![(Fact::ListingWithdrawn, word.to_owned())];
        self.commit(Change { facts, answer: ticket.answer(&wish)?, ..Change::default() }, now).await?;
        tracing::info!(withdrawn, "the owner says whether this node is listed");
        Ok(wish)
    }
}

/// When a listing is renewed: half of its life before its end.
pub(super) fn renewal_at(listing: &Listing) -> u64 {
    listing.at.0 + (listing.expires.0 - listing.at.0) / 2
}

/// The hosts of the services about which there are open offers, ascending; as many as a listing may name.
fn services(offers: &[Offer], now: u64) -> Vec<String> {
    let open = offers.iter().filter(|offer| offer.expires.0 > now && offer.funding_deadline.0 > now);
    let hosts = open.map(|offer| offer.measurement.target.host());
    let named: BTreeSet<String> = hosts.filter(|host| check_service("service", host).is_ok()).collect();
    named.into_iter().take(MAX_SERVICES).collect()
}

fn damaged() -> NodeError {
    NodeError::Damaged { what: "listing" }
}
