//! Publishing offers.

use client::{Asker, OracleClient, Signer};
use contract::Announcements;
use crashpoint::here;
use protocol::owner::{DryAction, DryRun, OfferView};
use protocol::{Negotiable, Offer, OfferDraft};
use storage::StoredOffer;
use terms::{Agreement, DocumentError, Hex32, Measurement, Side, UnixSeconds};

use crate::config::Config;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::node::Node;
use crate::outlook::announced;
use crate::peers::negotiate::for_offer;
use crate::rehearsal::{NOBODYS, Terms, refund_at};
use crate::standing::{StandingRows, hindrance};
use crate::ticket::Ticket;

/// The status by which a server asks who one is.
const UNAUTHORIZED: u16 = 401;

/// An offer whose measurement is announced.
pub(crate) struct ReadyOffer {
    offer: Offer,
    announcements: Vec<Vec<u8>>,
    /// How counters to it are answered.
    plan: Option<String>,
}

impl ReadyOffer {
    /// The offer's id.
    pub(crate) fn id(&self) -> Hex32 {
        self.offer.id
    }
}

impl Node {
    /// Publishes an offer: its oracles announce the measurement first, so that whoever takes it can lock at once.
    ///
    /// # Errors
    /// When the offer breaks a rule, or an oracle does not announce what it asks for.
    pub(crate) async fn publish(&self, draft: OfferDraft, ticket: &Ticket) -> Result<Offer, NodeError> {
        let ready = self.announce_offer(draft, ticket).await?;
        let mut core = self.core.lock().await;
        core.store_offer(ready, StandingRows::default(), ticket, self.now()).await
    }

    /// Has an offer's oracles announce its measurement, and checks everything that whoever takes it will check.
    ///
    /// # Errors
    /// As for publishing it.
    pub(crate) async fn announce_offer(
        &self,
        draft: OfferDraft,
        ticket: &Ticket,
    ) -> Result<ReadyOffer, NodeError> {
        let now = self.now();
        let fee_rate = match draft.fee_rate_sat_vb {
            Some(rate) => rate,
            None => self.core.lock().await.going_rate_sat_vb()?,
        };
        let strategy = draft.strategy;
        let offer = draft.publish(self.config.network.clone(), fee_rate);
        offer.check(now)?;
        self.config.check_negotiable(offer.negotiable.as_ref())?;
        let plan = strategy.map(|strategy| for_offer(&strategy, &offer)).transpose()?;
        self.know_oracles(&offer.oracles.keys).await?;
        self.core.lock().await.may_replace(offer.id, ticket).await?;
        if ticket.is_rehearsal() {
            return Err(self.core.lock().await.rehearsed_offer(&offer, ticket, now));
        }
        let mut announcements = Vec::new();
        for key in &offer.oracles.keys {
            announcements.push(self.announce(*key, &offer.measurement).await?);
            here!("publish.announced");
        }
        // Any other key will do as the buyer's: what is checked does not depend on it.
        let stand_in = offer.oracles.keys[0];
        let deal = contract::Deal::parse(offer.agreement(self.own_keys().current, stand_in), &announcements)?;
        self.config.check_margin(deal.agreement())?;
        self.check_nonces(deal.agreement(), deal.announcements()).await?;
        Ok(ReadyOffer { offer, announcements, plan })
    }

    /// An oracle's announcement of a measurement, with the key that it is held to.
    ///
    /// # Errors
    /// When it does not announce it, or has another key by now.
    pub(crate) async fn announce(&self, key: Hex32, measurement: &Measurement) -> Result<Vec<u8>, NodeError> {
        if let Some(announcement) = self.announced_before(key, &measurement.event_id()).await? {
            return Ok(announcement);
        }
        let oracle = self.oracle(key)?;
        let announced = match oracle.announce(measurement).await {
            // Only an oracle that wants to know is told who asks.
            Err(refusal) if refusal.status() == Some(UNAUTHORIZED) => {
                let keypair = self.core.lock().await.keys.identity;
                let signer = Signer { keypair: &keypair, server: key, now: UnixSeconds(self.now()) };
                oracle.announce_as(measurement, &Asker { signer: Some(signer), payment: None }).await
            }
            announced => announced,
        };
        Ok(announced?.announcement_hex.0)
    }

    /// Several oracles decide together only when each has shown that it knows its nonces: one that does not could have
    /// chosen them so that it alone unlocks an outcome.
    ///
    /// # Errors
    /// Names the nonce that is not proven, or says which oracle does not answer.
    pub(crate) async fn check_nonces(
        &self,
        agreement: &Agreement,
        announcements: &Announcements,
    ) -> Result<(), NodeError> {
        if agreement.oracles.keys.len() < 2 || !self.config.require_nonce_proofs {
            return Ok(());
        }
        let mut proofs = Vec::new();
        for key in &agreement.oracles.keys {
            proofs.push(self.oracle(*key)?.nonce_proofs(&agreement.event_id).await?);
        }
        Ok(contract::nonces::check_all(announcements, &proofs)?)
    }

    /// The oracle of the configuration that has this key.
    pub(crate) fn oracle(&self, key: Hex32) -> Result<OracleClient, NodeError> {
        let oracle = self.config.oracles.iter().find(|oracle| oracle.key == key);
        let oracle = oracle.ok_or(NodeError::UnknownOracle { key })?;
        Ok(OracleClient::new(&oracle.url)?)
    }
}

impl Config {
    /// Whether an own offer may be negotiated like this.
    fn check_negotiable(&self, negotiable: Option<&Negotiable>) -> Result<(), DocumentError> {
        let Some(negotiable) = negotiable else { return Ok(()) };
        if self.max_protocol_version < 2 {
            let rule = "needs version 2 of the protocol, which max_protocol_version does not allow";
            return Err(DocumentError::new("negotiable", rule));
        }
        let counters = self.limits.counters;
        if negotiable.rounds > counters {
            let rule = format!("must be at most {counters}, which limits.counters allows");
            return Err(DocumentError::new("negotiable.rounds", rule));
        }
        Ok(())
    }
}

impl Core {
    /// Where the dry run of publishing ends. No oracle is asked to announce anything. Publishing needs neither coins nor the
    /// mandate, but whoever takes the offer does: what would refuse them now is told.
    pub(crate) fn rehearsed_offer(&mut self, offer: &Offer, ticket: &Ticket, now: u64) -> NodeError {
        let agreement = offer.agreement(self.keys.public(), offer.oracles.keys[0]);
        if let Err(error) = self.config.check_margin(&agreement) {
            return error.into();
        }
        let (action, side, refund_at) = (DryAction::Publish, Side::Provider, refund_at(&agreement, 0));
        let terms = Terms { action, id: NOBODYS, side, agreement: &agreement, refund_at };
        match self.rehearsed_as(ticket, terms, now) {
            NodeError::Rehearsed(plan) => NodeError::Rehearsed(plan),
            refusal => {
                let note = format!("who takes it now would be refused: {refusal}");
                let hindrance = Some(hindrance(&refusal).0);
                NodeError::Rehearsed(Box::new(DryRun { hindrance, ..DryRun::of(action).noting(note) }))
            }
        }
    }

    /// Puts an offer on the card, with the window of a standing offer that it is for. The same offer again only replaces how
    /// counters to it are answered, which is for whoever published it and for the owner.
    ///
    /// # Errors
    /// When the database fails, and when the same offer is there in another name than the delegated key's that asks.
    pub(crate) async fn store_offer(
        &mut self,
        ready: ReadyOffer,
        standing: StandingRows,
        ticket: &Ticket,
        now: u64,
    ) -> Result<Offer, NodeError> {
        let ReadyOffer { offer, announcements, plan } = ready;
        self.may_replace(offer.id, ticket).await?;
        let json = serde_json::to_string(&offer).map_err(|_| NodeError::Damaged { what: "offer" })?;
        let expires_at = offer.expires.0;
        let stored = StoredOffer { id: offer.id, json, announcements, expires_at };
        let answer = ticket.answer(&offer)?;
        let mut change = Change { offer: Some(stored), answer, standing, ..Change::default() };
        change.talks.plan = plan.map(|plan| (offer.id, plan));
        self.act_for(offer.id, ticket.name());
        self.commit(change, now).await?;
        Ok(offer)
    }

    /// An offer's id tells its terms, and not in whose name it is: a delegated key must not take over another's.
    ///
    /// # Errors
    /// When the offer is there in another name, or the database fails.
    pub(crate) async fn may_replace(&self, id: Hex32, ticket: &Ticket) -> Result<(), NodeError> {
        let Some(name) = ticket.name() else { return Ok(()) };
        let own = self.guard.acting.get(&id).is_some_and(|acting| acting == name);
        match own || self.store.offer(id).await?.is_none() {
            true => Ok(()),
            false => Err(NodeError::NotItsOwn { what: "offer", key: name.to_owned() }),
        }
    }

    /// Every offer that was published here and expired no longer than a week ago, the one that expires first in front.
    pub(crate) async fn offers(&self) -> Result<Vec<Offer>, NodeError> {
        self.store.offers().await?.iter().map(|stored| read(&stored.json)).collect()
    }

    /// A published offer, and what it may pay.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub(crate) async fn offer_view(&self, id: Hex32, now: u64) -> Result<OfferView, NodeError> {
        let (offer, announcements) = self.published(id).await?;
        // Whoever buys: what is paid does not depend on it.
        let agreement = offer.agreement(self.keys.public(), offer.id);
        Ok(OfferView { outlook: announced(&agreement, &announcements, Some(now)), offer })
    }

    /// A published offer with its announcements.
    pub(crate) async fn published(&self, id: Hex32) -> Result<(Offer, Vec<Vec<u8>>), NodeError> {
        let stored = self.store.offer(id).await?.ok_or(NodeError::NotFound { what: "offer" })?;
        Ok((read(&stored.json)?, stored.announcements))
    }
}

fn read(json: &str) -> Result<Offer, NodeError> {
    serde_json::from_str(json).map_err(|_| NodeError::Damaged { what: "offer" })
}
