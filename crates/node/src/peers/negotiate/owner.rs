//! The owner's part: opening a negotiation with a provider, and each word of one by hand.

use client::PeerClient;
use contract::Announcements;
use crashpoint::here;
use negotiation::session::Stage;
use protocol::owner::{
    AcceptRequest, CounterRequest, DryAction, DryRun, NegotiationRequest, NegotiationView, RejectRequest,
    Scope, WithdrawRequest,
};
use protocol::{Body, BuyerStrategy, Offer};
use storage::Negotiation;
use terms::{Agreement, DocumentError, Hex32, Side, UnixSeconds};

use super::converse::note_end;
use super::plan::for_purchase;
use super::talk::Talk;
use super::view::view;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys::random;
use crate::node::Node;
use crate::peers::purchase::Asked;
use crate::rehearsal::Terms;
use crate::standing::StandingRows;
use crate::ticket::Ticket;

/// What an owner says in a negotiation.
#[derive(Debug)]
pub(crate) enum Word {
    /// Proposes other terms.
    Counter(CounterRequest),
    /// Takes the other's.
    Accept(AcceptRequest),
    /// Does not.
    Reject(RejectRequest),
    /// Takes the own proposal back.
    Withdraw(WithdrawRequest),
}

/// A negotiation to open.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    /// Its session's id.
    pub id: Hex32,
    /// How the node negotiates by itself; none where the owner says each word.
    pub strategy: Option<&'a BuyerStrategy>,
    /// The window of a standing order that it is for, to be stored with it.
    pub standing: StandingRows,
}

impl Node {
    /// Asks a provider for a quote. The node sends the question, and what follows from the answer, by itself.
    ///
    /// # Errors
    /// When provider or oracle cannot be reached, there is no such offer, or the mandate forbids even its best price;
    /// or when the provider's record is too short.
    pub(crate) async fn negotiate(
        &self,
        request: &NegotiationRequest,
        ticket: &Ticket,
    ) -> Result<NegotiationView, NodeError> {
        request.check()?;
        let peer = PeerClient::new(&request.provider_url)?;
        let card = peer.card().await?;
        here!("purchase.card");
        let known = self.known_of(card.key).await?;
        let strategy = request.strategy.map(|strategy| self.for_record(strategy, known.as_ref()));
        let offer = card.offer(request.offer_id).ok_or(NodeError::NotFound { what: "offer" })?;
        offer.check(self.now())?;
        let version = self.version_with(&card)?;
        if request.strategy.is_none() && (version < 2 || offer.negotiable.is_none()) {
            let rule = "is not negotiable with this provider: buy it as it is";
            return Err(DocumentError::new("offer_id", rule).into());
        }
        let ready = self.prepare(&card, offer).await?;
        let asked = ready.asked(offer, &request.provider_url);
        let mut core = self.core.lock().await;
        if ticket.is_rehearsal() {
            return Err(core.rehearsed_talk(&asked, ready.checked(), ticket, self.now()));
        }
        let standing = StandingRows::default();
        let opening = Opening { id: Hex32(random()?), strategy: strategy.as_ref(), standing };
        let opened = core.open_talk(&asked, opening, ticket, self.now()).await;
        core.asking(opened, None, self.now()).await
    }
}

impl Core {
    /// Buyer: stores the session and its first envelope, still to be sent.
    pub(crate) async fn open_talk(
        &mut self,
        asked: &Asked<'_>,
        opening: Opening<'_>,
        ticket: &Ticket,
        now: u64,
    ) -> Result<NegotiationView, NodeError> {
        let plan = opening.strategy.map(for_purchase).transpose()?;
        let (session, rfq) = self.first_question(asked, opening.id, now)?;
        let session = storage::NewSession { announcements: asked.announcements.to_vec(), ..session };
        self.act_for(session.id, ticket.name());
        self.some_price_allowed(session.id, asked, now)?;
        let row = Negotiation { session: session.id, offer: json(asked.offer)?, plan, ended: None };
        let talk = Talk::begun(&session, asked.offer.clone(), row.plan.clone(), &rfq)?;
        let told = view(&talk, now);
        let (answer, standing) = (ticket.answer(&told)?, opening.standing);
        let mut change = Change { session: Some(session), answer, standing, ..Change::default() };
        change.envelopes.push(crate::peers::exchange::record(&rfq, true, false));
        change.talks.begun = Some(row);
        self.commit(change, now).await?;
        Ok(told)
    }

    /// Where the dry run of a question ends: at the offer's price, or where that is refused at the least that may be proposed.
    fn rehearsed_talk(
        &mut self,
        asked: &Asked<'_>,
        announced: &Announcements,
        ticket: &Ticket,
        now: u64,
    ) -> NodeError {
        let listed = self.rehearsed_as(ticket, asked.terms(announced, DryAction::Negotiate), now);
        let range = asked.offer.negotiable.and_then(|negotiable| negotiable.price_sat);
        match (listed, range) {
            (NodeError::Rehearsed(plan), _) => NodeError::Rehearsed(plan),
            (refusal, None) => refusal,
            (refusal, Some(range)) => {
                let least = Agreement { price_sat: range.least, ..asked.agreement.clone() };
                let asked = Asked { agreement: &least, ..*asked };
                match self.rehearsed_as(ticket, asked.terms(announced, DryAction::Negotiate), now) {
                    NodeError::Rehearsed(plan) => NodeError::Rehearsed(plan),
                    _ => refusal,
                }
            }
        }
    }

    /// Nothing is asked where the mandate forbids the offer at every price.
    fn some_price_allowed(&self, id: Hex32, asked: &Asked<'_>, now: u64) -> Result<(), NodeError> {
        let at = |terms: Agreement| self.begin(id, Side::Buyer, terms, asked.announcements, now).map(|_| ());
        let listed = at(asked.agreement.clone());
        let range = asked.offer.negotiable.and_then(|negotiable| negotiable.price_sat);
        match (listed, range) {
            (Err(error), Some(range)) => {
                at(Agreement { price_sat: range.least, ..asked.agreement.clone() }).map_err(|_| error)
            }
            (listed, _) => listed,
        }
    }

    /// Says a word of the owner's, or of the delegated key in whose name the negotiation is.
    ///
    /// # Errors
    /// When there is no such negotiation, it is not the key's, it may not be said now, or the mandate forbids it.
    pub(crate) async fn say(
        &mut self,
        id: Hex32,
        word: Word,
        ticket: &Ticket,
        now: u64,
    ) -> Result<NegotiationView, NodeError> {
        let mut talk = self.any_talk(id).await?.ok_or(NodeError::NotFound { what: "negotiation" })?;
        self.may_speak(&talk, ticket)?;
        let unsent = self.store.undelivered().await?.iter().any(|envelope| envelope.session == id);
        if unsent {
            return Err(NodeError::StillOnItsWay);
        }
        let mut change = Change::default();
        let (body, until) = self.body_of(&talk, word, &mut change, now)?;
        if ticket.is_rehearsal() {
            return Err(self.rehearsed_word(&talk, &body, ticket, now));
        }
        let envelope = self.utter(&mut talk, body, until, &mut change, now)?;
        tracing::info!(session = %id, kind = envelope.body().kind(), "the owner says it");
        note_end(&talk, &mut change);
        let told = view(&talk, now);
        change.answer = ticket.answer(&told)?;
        self.commit(change, now).await?;
        Ok(told)
    }

    /// Where the dry run of a word ends.
    fn rehearsed_word(&mut self, talk: &Talk, body: &Body, ticket: &Ticket, now: u64) -> NodeError {
        let (action, agreement) = match body {
            Body::Counter { agreement } => (DryAction::Propose, agreement.as_ref()),
            Body::Accept { .. } => match talk.proposed() {
                Some((_, agreement)) => (DryAction::Lock, agreement),
                None => return NodeError::Unexpected { got: "accept" },
            },
            // What takes nothing and proposes nothing commits nothing.
            _ => return NodeError::Rehearsed(Box::new(DryRun::of(DryAction::Nothing))),
        };
        match Announcements::parse(agreement, &talk.announcements) {
            Err(error) => error.into(),
            Ok(announced) => {
                let matures = announced.latest_maturity().0;
                let refund_at = UnixSeconds(matures.saturating_add(agreement.refund_delay_s));
                let terms = Terms { action, id: talk.id, side: talk.side, agreement, refund_at };
                self.rehearsed_as(ticket, terms, now)
            }
        }
    }

    /// A delegated key speaks in what it began, and about offers that it published; its limits then count for what comes
    /// of it. Everything else is the owner's.
    fn may_speak(&self, talk: &Talk, ticket: &Ticket) -> Result<(), NodeError> {
        let Some(name) = ticket.name() else { return Ok(()) };
        let scope = match talk.side {
            Side::Buyer => Scope::Buy,
            Side::Provider => Scope::Provide,
        };
        let own = self.guard.acting.get(&talk.id).is_some_and(|acting| acting == name);
        let may = self.guard.keys.get(name).is_some_and(|key| key.scopes.contains(&scope));
        if own && may {
            Ok(())
        } else {
            Err(NodeError::NotItsOwn { what: "negotiation", key: name.to_owned() })
        }
    }

    fn body_of(
        &self,
        talk: &Talk,
        word: Word,
        change: &mut Change,
        now: u64,
    ) -> Result<(Body, u64), NodeError> {
        let until = talk.offer.expires.0;
        match word {
            Word::Counter(request) => self.counter_of(talk, &request, now),
            Word::Accept(request) => Ok((self.accept_of(talk, &request, change, now)?, until)),
            Word::Reject(request) => {
                request.check()?;
                Ok((Body::Reject { reason: request.reason, is_final: !request.go_on }, until))
            }
            Word::Withdraw(request) => {
                request.check()?;
                Ok((Body::Withdraw { reason: request.reason }, until))
            }
        }
    }

    fn counter_of(&self, talk: &Talk, request: &CounterRequest, now: u64) -> Result<(Body, u64), NodeError> {
        request.check()?;
        let last = talk.last_terms(None).ok_or(NodeError::Unexpected { got: "counter" })?;
        let price = request.price_sat.unwrap_or(last.price_sat);
        let terms = talk.terms(price, request.bond_sat.unwrap_or(last.bond_sat));
        talk.check_terms(&terms)?;
        self.could_begin(talk, &terms, now)?;
        let most = talk.offer.expires.0;
        let until = request.valid_s.map_or(most, |valid_s| now.saturating_add(valid_s).min(most));
        Ok((Body::Counter { agreement: Box::new(terms) }, until))
    }

    fn accept_of(
        &self,
        talk: &Talk,
        request: &AcceptRequest,
        change: &mut Change,
        now: u64,
    ) -> Result<Body, NodeError> {
        let (proposal, terms) = match (talk.state.stage(), talk.proposed()) {
            (Stage::Standing(standing), Some(proposed)) if standing.by != talk.side => proposed,
            _ => return Err(NodeError::Unexpected { got: "accept" }),
        };
        if let Some(got) = request.terms_hash.filter(|got| *got != proposal.terms_hash) {
            return Err(NodeError::OtherHash { expected: proposal.terms_hash, got });
        }
        // Whoever takes terms by hand is told at once where coins are missing; a plan waits for them.
        self.coins_for(terms, talk.side)?;
        if talk.side == Side::Buyer {
            return self.take_terms(talk, change, now);
        }
        self.could_begin(talk, terms, now)?;
        Ok(Body::Accept { terms_hash: proposal.terms_hash })
    }
}

/// An offer as it is stored with a negotiation.
pub(crate) fn json(offer: &Offer) -> Result<String, NodeError> {
    serde_json::to_string(offer).map_err(|_| NodeError::Damaged { what: "offer" })
}
