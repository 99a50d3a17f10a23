//! A search from end to end: directories, then providers, then rows.

use std::time::Duration;

use protocol::listing::check_service;
use protocol::text::check_url;
use terms::{DocumentError, Sat, UnixSeconds};
use tokio::time::Instant;

use crate::candidates::{Candidate, candidates};
use crate::judge::{Judged, judge};
use crate::row::{INDICATORS, Order, sort};
use crate::told::{Discovery, Refused};
use crate::{ask, directory};

/// The most addresses that a search begins with.
const MOST_NAMED: usize = 1_000;

/// Where to look, and for what.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Providers' addresses.
    pub providers: Vec<String>,
    /// Directories' addresses.
    pub directories: Vec<String>,
    /// What is wanted.
    pub wanted: Wanted,
    /// How much it may take.
    pub bounds: Bounds,
}

/// What is wanted; what is left out does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only offers on this chain.
    pub network: Option<String>,
    /// Only about the service at this host, or of this heartbeat.
    pub service: Option<String>,
    /// Only with this indicator, one of [`INDICATORS`].
    pub indicator: Option<String>,
    /// Only those whose price is no more than this, or can be negotiated to it.
    pub max_price: Option<Sat>,
}

/// How much a search may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// So many are asked at the same time.
    pub at_once: usize,
    /// So long each of them may take.
    pub each: Duration,
    /// So long all of it may take.
    pub whole: Duration,
    /// So many providers are asked that only directories name.
    pub listed: usize,
    /// So many pages of each directory are read.
    pub pages: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            at_once: 16,
            each: Duration::from_secs(10),
            whole: Duration::from_secs(60),
            listed: 500,
            pages: 20,
        }
    }
}

impl Search {
    /// Checks what the types alone do not.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check(&self) -> Result<(), DocumentError> {
        for (field, urls) in [("providers", &self.providers), ("directories", &self.directories)] {
            let mut urls_there = urls.iter().enumerate();
            urls_there.try_for_each(|(index, url)| check_url(&format!("{field}[{index}]"), url))?;
        }
        if self.providers.is_empty() && self.directories.is_empty() {
            return Err(DocumentError::new("providers", "must name one, where no directory is named"));
        }
        if self.providers.len() + self.directories.len() > MOST_NAMED {
            return Err(DocumentError::new("providers", "must be at most 1000, with the directories"));
        }
        self.wanted.check()
    }
}

impl Wanted {
    fn check(&self) -> Result<(), DocumentError> {
        self.service.as_deref().map_or(Ok(()), |service| check_service("service", service))?;
        match self.indicator.as_deref() {
            Some(indicator) if !INDICATORS.contains(&indicator) => {
                let rule = format!("must be one of {}", INDICATORS.join(", "));
                Err(DocumentError::new("indicator", rule))
            }
            _ => Ok(()),
        }
    }
}

/// Searches, and judges everything as of `now` (unix seconds). Whoever fails is in the answer by name, and fails nobody else.
///
/// # Errors
/// When the search itself breaks a rule; then nobody was asked.
pub async fn discover(search: &Search, now: u64) -> Result<Discovery, DocumentError> {
    search.check()?;
    let limits = ask::Limits {
        at_once: search.bounds.at_once.max(1),
        each: search.bounds.each,
        until: Instant::now() + search.bounds.whole,
    };
    let mut told = Discovery { at: UnixSeconds(now), ..Discovery::default() };
    let listings = directory::read_all(search, &limits, now, &mut told.refused).await;
    let candidates = candidates(search, listings, &mut told.refused);
    let urls = candidates.iter().map(|candidate| (candidate.url.clone(), candidate.sent_from)).collect();
    let cards = ask::cards(urls, &limits).await;
    let answered = candidates.into_iter().zip(cards).filter_map(|(candidate, card)| match card {
        Ok(card) => Some((candidate, card)),
        Err(why) => {
            told.refused.push(Refused::new(&candidate.url, why));
            None
        }
    });
    let answered: Vec<_> = answered.collect();
    take_all(answered, &search.wanted, now, &mut told).await;
    sort(&mut told.offers, Order::Service);
    Ok(told)
}

/// Takes what is good of each card, and of a key's several cards the first. Judging a card's offers takes a while, and others
/// may have something to do in between.
async fn take_all(
    answered: Vec<(Candidate, protocol::Card)>,
    wanted: &Wanted,
    now: u64,
    told: &mut Discovery,
) {
    for (candidate, card) in answered {
        tokio::task::yield_now().await;
        let url = candidate.url.clone();
        if let Some(known) = told.providers.iter().find(|known| known.key == card.key) {
            let why = format!("shows the card of a key that is found at {} already", known.url);
            told.refused.push(Refused::new(&url, why).of_key(card.key));
            continue;
        }
        match judge(candidate, &card, wanted, now) {
            Ok(Judged { provider, offers, refused }) => {
                told.providers.push(provider);
                told.offers.extend(offers);
                told.refused.extend(refused);
            }
            Err(refused) => told.refused.push(refused),
        }
    }
}
