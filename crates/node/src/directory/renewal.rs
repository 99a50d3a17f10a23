//! How our listing gets to the directories of the configuration, and is renewed there before it expires.

use std::collections::BTreeMap;
use std::sync::Arc;

use client::{DirectoryClient, Signer};
use crashpoint::here;
use protocol::Listing;
use storage::NoticeRow;
use terms::UnixSeconds;
use tokio::task::JoinSet;

use super::own::renewal_at;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::node::{Node, joined};

/// A directory that failed is asked again after this, then after twice as long, and so on.
const FIRST_WAIT_S: u64 = 60;
/// But never later than this.
const LONGEST_WAIT_S: u64 = 3_600;
/// The alarm about a directory that does not take our listing.
const NOT_LISTED: &str = "not_listed";
/// The status of a refusal because a later listing of ours is there.
const CONFLICT: u16 = 409;

/// How the directories of the configuration stand. In memory alone: after a restart each is told once more, which changes
/// nothing where it knows.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    by_url: BTreeMap<String, Standing>,
    /// Somewhere a later listing than our last is kept, which another copy of this node has signed: the next is made now.
    pub(super) sign_again: bool,
}

/// How one directory stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// The moment at which the listing was made that it has taken last.
    pub taken_at: Option<u64>,
    /// How often it has failed since, and since when.
    pub failures: u32,
    pub failing_since: Option<u64>,
    /// Why, the last time.
    pub trouble: Option<String>,
    /// Not before this moment it is asked again.
    pub next_try: u64,
    /// Whether the owner was told that it does not list us.
    alarmed: bool,
}

impl Standing {
    fn is_due(&self, listing: &Listing, now: u64) -> bool {
        self.taken_at != Some(listing.at.0) && self.next_try <= now
    }

    fn took(&mut self, listing: &Listing) {
        *self = Self { taken_at: Some(listing.at.0), ..Self::default() };
    }

    fn failed(&mut self, why: String, now: u64) {
        let doubled = FIRST_WAIT_S.checked_shl(self.failures).unwrap_or(LONGEST_WAIT_S);
        self.failures = self.failures.saturating_add(1).min(32);
        self.failing_since.get_or_insert(now);
        self.next_try = now + doubled.min(LONGEST_WAIT_S);
        self.trouble = Some(why);
    }
}

impl Standings {
    /// How a directory stands.
    pub(super) fn of(&self, url: &str) -> Standing {
        self.by_url.get(url).cloned().unwrap_or_default()
    }
}

impl Node {
    /// Tells the directories of the configuration what our listing is, those that do not know it and are not to be left
    /// alone for a while.
    pub(crate) async fn renew_listings(self: &Arc<Self>) {
        let Some(config) = &self.config.listing else { return };
        let now = self.now();
        let listing = match self.core.lock().await.own_listing(now).await {
            Ok(Some(listing)) => listing,
            Ok(None) => return,
            Err(error) => return tracing::error!(%error, "our listing cannot be made; trying again"),
        };
        let due: Vec<String> = {
            let core = self.core.lock().await;
            let is_due = |url: &&String| core.standings.of(url).is_due(&listing, now);
            config.directories.iter().filter(is_due).cloned().collect()
        };
        let mut telling = JoinSet::new();
        for url in due {
            let (node, listing) = (Arc::clone(self), listing.clone());
            telling.spawn(async move {
                let told = node.tell_directory(&url, &listing).await;
                node.core.lock().await.note_standing(&url, &listing, told, node.now());
                true
            });
        }
        while !telling.is_empty() {
            joined(telling.join_next().await);
        }
        if let Err(error) = self.core.lock().await.watch_listing(now).await {
            tracing::error!(%error, "an alarm about a directory cannot be stored; trying again");
        }
    }

    async fn tell_directory(&self, url: &str, listing: &Listing) -> Result<(), NodeError> {
        let directory = DirectoryClient::new(url)?;
        let server = directory.card().await?.key;
        let keypair = self.core.lock().await.keys.of(listing.key).copied();
        let keypair = keypair.ok_or(NodeError::Damaged { what: "listing" })?;
        let signer = Signer { keypair: &keypair, server, now: UnixSeconds(self.now()) };
        here!("listing.push.before");
        directory.push(listing, &signer).await?;
        here!("listing.push.after");
        Ok(())
    }
}

impl Core {
    fn note_standing(&mut self, url: &str, listing: &Listing, told: Result<(), NodeError>, now: u64) {
        let standing = self.standings.by_url.entry(url.to_owned()).or_default();
        match told {
            Ok(()) => {
                tracing::info!(directory = url, expires = %listing.expires, "listed");
                standing.took(listing);
            }
            Err(error) => {
                tracing::warn!(directory = url, %error, "a directory does not take our listing; trying again");
                let status = match &error {
                    NodeError::Client(error) => error.status(),
                    _ => None,
                };
                standing.failed(error.to_string(), now);
                self.standings.sign_again |= status == Some(CONFLICT);
            }
        }
    }

    /// Tells the owner once of each directory that has not taken our listing for so long that the last one is over there.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn watch_listing(&mut self, now: u64) -> Result<(), NodeError> {
        let Some(config) = &self.config.listing else { return Ok(()) };
        let patience_s = config.life_s / 2;
        let lapsed = |standing: &Standing| {
            standing.failing_since.is_some_and(|since| since + patience_s <= now) && !standing.alarmed
        };
        let urls = self.standings.by_url.iter().filter(|(_, standing)| lapsed(standing));
        let urls: Vec<String> = urls.map(|(url, _)| url.clone()).collect();
        for url in urls {
            let trouble = self.standings.of(&url).trouble.unwrap_or_default();
            let detail = format!("the directory {url} does not list this node any more: {trouble}");
            tracing::warn!("ALARM: {detail}");
            let notices = vec![NoticeRow { at: now, kind: NOT_LISTED.to_owned(), detail }];
            self.commit(Change { notices, ..Change::default() }, now).await?;
            self.standings.by_url.entry(url).or_default().alarmed = true;
        }
        Ok(())
    }

    /// When a directory is to be told something again: at the renewal, or after a failure.
    pub(crate) async fn next_listing(&self, now: u64) -> Option<u64> {
        let config = self.config.listing.as_ref()?;
        let last = self.last_listing().await.ok().flatten()?;
        let standings = config.directories.iter().map(|url| self.standings.of(url));
        let waiting = standings.filter(|standing| standing.taken_at != Some(last.at.0));
        let tries = waiting.map(|standing| standing.next_try.max(now + 1)).min();
        let renewal = (!last.withdrawn).then(|| renewal_at(&last));
        [tries, renewal].into_iter().flatten().filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_fails_is_asked_ever_later_and_at_least_once_an_hour() {
        let mut standing = Standing::default();
        let mut waits = Vec::new();
        for _ in 0..40 {
            standing.failed("no".to_owned(), 1_000);
            waits.push(standing.next_try - 1_000);
        }
        assert_eq!(waits[..7], [60, 120, 240, 480, 960, 1_920, 3_600]);
        assert!(waits[7..].iter().all(|wait| *wait == 3_600));
        assert_eq!(standing.failing_since, Some(1_000));
    }
}
