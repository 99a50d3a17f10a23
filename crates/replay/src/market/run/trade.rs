//! The market itself: providers publish, the directory lists them, and each buyer's agent finds, compares and negotiates.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use client::{ClientError, DirectoryClient, PeerClient};
use discovery::{Bounds, Found, Search, discover};
use protocol::Listing;
use protocol::owner::{NegotiationRequest, NegotiationState, NegotiationView};
use terms::{Sat, UnixSeconds, canonical};

use super::director::Director;
use crate::market::agent::{Choice, ranking};
use crate::market::file::{Buyer, host};
use crate::market::record::ListingRecord;

/// So many blocks the listings may take to reach the directory.
const BLOCKS_TO_LIST: u32 = 3;

/// So long, in real time, a negotiation may take. Simulated time stands still meanwhile.
const TALK_LIMIT: Duration = Duration::from_secs(120);

/// How often, in real time, a negotiation is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// One negotiation of an agent.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    /// When.
    pub at: UnixSeconds,
    /// The buyer's number.
    pub buyer: usize,
    /// What it is about.
    pub choice: Choice,
    /// What it is worth to the buyer.
    pub worth: Sat,
    /// What became of it.
    pub end: End,
}

/// What became of a negotiation.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// It was led: to an agreement, or to none.
    Told(Box<NegotiationView>),
    /// The buyer's own node, or the provider's, would not begin it.
    Refused(String),
}

impl Talk {
    /// The escrow's id and the price that both took.
    pub(super) fn agreed(&self) -> Option<(String, Sat)> {
        let End::Told(told) = &self.end else { return None };
        let price = told.said.iter().rev().find_map(|said| said.price_sat)?;
        (told.state == NegotiationState::Agreed).then(|| (told.id.to_string(), price))
    }
}

impl Director<'_> {
    /// Every provider publishes its offers, and the directory comes to list them all.
    pub(super) async fn open(&mut self) -> anyhow::Result<()> {
        self.progress.stage("opening the market");
        let oracle = (self.world.oracle.key, self.world.oracle.client.base().to_owned());
        for (number, provider) in self.market.providers.iter().enumerate() {
            for (at, window) in self.market.windows.iter().enumerate() {
                let draft = provider.draft(self.market, *window, (oracle.0, &oracle.1));
                let owner = &self.world.provider(number).party.owner;
                owner.create_offer(&draft, &format!("market-offer-{at}")).await?;
            }
        }
        for provider in &self.market.providers {
            self.tell(&provider.name, "publishes its offers; the oracle has announced what it will measure");
        }
        for _ in 0..BLOCKS_TO_LIST {
            self.step().await?;
            self.listings = self.listed().await?;
            if self.listings.len() == self.market.providers.len() {
                self.tell("directory", "lists every provider");
                return Ok(());
            }
        }
        bail!("the directory lists {} of {} providers", self.listings.len(), self.market.providers.len())
    }

    /// The directory's listings that name their provider's service, for the record.
    async fn listed(&self) -> anyhow::Result<Vec<ListingRecord>> {
        let found = self.listings_now().await?;
        let mut listed = Vec::new();
        for (provider, member) in self.market.providers.iter().zip(&self.world.members) {
            let own = found.iter().find(|listing| listing.key == member.party.key);
            let named = own.filter(|listing| listing.services.contains(&host(&provider.target)));
            let Some(listing) = named else { continue };
            listed.push(ListingRecord {
                provider: provider.name.clone(),
                key: listing.key,
                summary: listing.summary.clone(),
                services: listing.services.clone(),
                at: listing.at,
                expires: listing.expires,
                offers: PeerClient::new(&listing.url)?.card().await?.offers.len() as u64,
            });
        }
        Ok(listed)
    }

    /// What the directory gives anybody: each listing's signature and time are checked here.
    async fn listings_now(&self) -> anyhow::Result<Vec<Listing>> {
        let directory = DirectoryClient::new(&self.world.directory.peer_url)?;
        let (mut listings, mut after) = (Vec::new(), None);
        loop {
            let page = directory.page(after, None).await?;
            for value in &page.listings {
                let listing = Listing::open(&canonical::bytes(value)).context("a listing")?;
                listing.check_time(self.now().0)?;
                listings.push(listing);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(listings),
            }
        }
    }

    /// The offers that the directory leads to, as the search of `earnest discover` finds and checks them. Whoever would be
    /// refused here is one of ours, and that is a fault.
    async fn found(&self) -> anyhow::Result<Vec<(Choice, Found)>> {
        let directories = vec![self.world.directory.peer_url.clone()];
        let bounds = Bounds { each: TALK_LIMIT, whole: TALK_LIMIT, ..Bounds::default() };
        let search = Search { directories, bounds, ..Search::default() };
        let told = discover(&search, self.now().0).await?;
        if let Some(refused) = told.refused.first() {
            bail!("the search refuses {}: {}", refused.url, refused.why);
        }
        told.offers.into_iter().map(|found| Ok((self.choice(&found)?, found))).collect()
    }

    /// What an agent compares of an offer.
    fn choice(&self, found: &Found) -> anyhow::Result<Choice> {
        let provider = self.world.members.iter().position(|member| member.party.key == found.provider_key);
        let provider = provider.context("an offer of nobody here")?;
        let least = found.price_range.map_or(found.price_sat, |range| range.least);
        Ok(Choice { provider, window: found.window, price: found.price_sat, least })
    }

    /// In each round every buyer who wants more buys one window; then a block is found.
    pub(super) async fn trade(&mut self) -> anyhow::Result<()> {
        self.progress.stage("trading");
        let rounds = self.market.buyers.iter().map(|buyer| buyer.wants).max().unwrap_or(0);
        for round in 0..rounds {
            for (number, buyer) in self.market.buyers.iter().enumerate() {
                if round < buyer.wants {
                    self.buy_one(number, buyer).await.with_context(|| buyer.name.clone())?;
                }
            }
            self.step().await?;
        }
        Ok(())
    }

    /// The agent goes through what it would like until somebody agrees with it.
    async fn buy_one(&mut self, number: usize, buyer: &Buyer) -> anyhow::Result<()> {
        let found = self.found().await?;
        let choices: Vec<Choice> = found.iter().map(|(choice, _)| *choice).collect();
        for choice in ranking(buyer, &choices) {
            let tried = self.talks.iter().any(|talk| talk.buyer == number && talk.choice == choice);
            let Some((_, found)) = found.iter().find(|(of, _)| !tried && *of == choice) else { continue };
            let worth = buyer.worth_of(choice.provider).unwrap_or_default();
            let end = self.negotiate(number, buyer, worth, found).await?;
            let talk = Talk { at: self.now(), buyer: number, choice, worth, end };
            let agreed = talk.agreed();
            self.story_of(buyer, choice, &talk);
            self.talks.push(talk);
            if agreed.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn story_of(&mut self, buyer: &Buyer, choice: Choice, talk: &Talk) {
        let provider = &self.market.providers[choice.provider].name;
        let when = crate::text::time_of_day(choice.window.start);
        let what = match talk.agreed() {
            Some((_, price)) => {
                format!("agrees with {provider} about the window of {when}: {}", crate::text::sat(price))
            }
            None => format!("does not agree with {provider} about the window of {when}"),
        };
        self.tell(&buyer.name.clone(), what);
    }

    /// Opens a negotiation, and waits until the two nodes have led it to its end.
    async fn negotiate(
        &self,
        number: usize,
        buyer: &Buyer,
        worth: Sat,
        found: &Found,
    ) -> anyhow::Result<End> {
        let owner = &self.world.buyer(number).party.owner;
        let strategy = Some(buyer.strategy(worth));
        let request = NegotiationRequest {
            provider_url: found.provider_url.clone(),
            offer_id: found.offer_id,
            strategy,
        };
        let key = format!("market-{}", self.talks.len());
        let mut told = match owner.negotiate(&request, &key).await {
            Ok(told) => told,
            Err(ClientError::Refused(problem)) => return Ok(End::Refused(problem.to_string())),
            Err(error) => return Err(error.into()),
        };
        let began = Instant::now();
        while matches!(told.state, NegotiationState::OurTurn | NegotiationState::TheirTurn) {
            if began.elapsed() > TALK_LIMIT {
                bail!("the negotiation {} does not come to an end", told.id);
            }
            tokio::time::sleep(LOOK_EVERY).await;
            let id = told.id.to_string();
            told = owner.negotiation(&id).await?.context("the node forgot a negotiation")?;
        }
        Ok(End::Told(Box::new(told)))
    }
}
