//! One negotiation as its envelopes tell it: whose turn it is, what stands, and what may be said.

use negotiation::session::{Negotiation, Proposal, Refusal, Stage};
use negotiation::variation;
use protocol::{Body, Envelope, Offer, Session, verify_transcript};
use storage::NewSession;
use terms::{Agreement, Hex32, Sat, Side, UnixSeconds};

use crate::core::Core;
use crate::error::NodeError;

/// Why a negotiation ended that nobody ended.
pub(super) const TIME_HAS_PASSED: &str = "the offer's time has passed";

/// A negotiation in which we are one side.
pub(crate) struct Talk {
    /// Its session's id.
    pub id: Hex32,
    /// Our side.
    pub side: Side,
    /// What it is about.
    pub offer: Offer,
    /// Our plan, as it is stored; none where the owner answers.
    pub plan: Option<String>,
    /// Why it ended, where it did.
    pub ended: Option<String>,
    /// The announcements of the offer's event, as they were when it was published or asked about.
    pub announcements: Vec<Vec<u8>>,
    /// The chain of its envelopes.
    pub session: Session,
    /// They.
    pub envelopes: Vec<Envelope>,
    /// What they come to.
    pub state: Negotiation,
}

impl Core {
    /// The negotiation of a session that has led to no escrow yet; none for any other session.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn talk(&self, id: Hex32) -> Result<Option<Talk>, NodeError> {
        if self.escrows.contains_key(&id) {
            return Ok(None);
        }
        self.any_talk(id).await
    }

    /// The negotiation of a session, whatever became of it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn any_talk(&self, id: Hex32) -> Result<Option<Talk>, NodeError> {
        let damaged = || NodeError::Damaged { what: "negotiation" };
        let Some(row) = self.store.negotiation(id).await? else { return Ok(None) };
        let offer: Offer = serde_json::from_str(&row.offer).map_err(|_| damaged())?;
        let stored = self.store.session(id).await?.ok_or_else(damaged)?;
        let envelopes = self.envelopes(id).await?;
        let session = verify_transcript(&envelopes).map_err(|(_, error)| error)?;
        let state = Negotiation::of(&envelopes, rounds(&offer, session.v())).map_err(|_| damaged())?;
        let side = if self.keys.of(session.opener()).is_some() { Side::Buyer } else { Side::Provider };
        let (plan, ended) = (row.plan, row.ended);
        let announcements = match (side, self.store.offer(offer.id).await?) {
            (Side::Provider, Some(published)) => published.announcements,
            _ => stored.announcements,
        };
        Ok(Some(Talk { id, side, offer, plan, ended, announcements, session, envelopes, state }))
    }
}

/// Version 1 knows no counters.
fn rounds(offer: &Offer, version: u64) -> u64 {
    match offer.negotiable {
        Some(negotiable) if version > 1 => negotiable.rounds,
        _ => 0,
    }
}

impl Talk {
    /// One that we have just opened as the buyer.
    pub fn begun(
        session: &NewSession,
        offer: Offer,
        plan: Option<String>,
        rfq: &Envelope,
    ) -> Result<Self, NodeError> {
        let chain = Session::open(rfq)?;
        let state = Negotiation::asked(rounds(&offer, chain.v()));
        Ok(Self {
            id: session.id,
            side: Side::Buyer,
            offer,
            plan,
            ended: None,
            announcements: session.announcements.clone(),
            session: chain,
            envelopes: vec![rfq.clone()],
            state,
        })
    }

    /// The other party's key.
    pub fn counterparty(&self) -> Hex32 {
        match self.side {
            Side::Buyer => self.session.responder(),
            Side::Provider => self.session.opener(),
        }
    }

    /// How many counters the offer allows each side here.
    pub fn rounds(&self) -> u64 {
        rounds(&self.offer, self.session.v())
    }

    /// The offer's terms at a price and a bond.
    pub fn terms(&self, price: Sat, bond: Sat) -> Agreement {
        variation::terms(&self.offer, self.session.responder(), self.session.opener(), price, bond)
    }

    /// Holds terms to the offer.
    ///
    /// # Errors
    /// Names the field that may not be so.
    pub fn check_terms(&self, terms: &Agreement) -> Result<(), NodeError> {
        Ok(variation::check(&self.offer, self.session.responder(), self.session.opener(), terms)?)
    }

    /// The terms of the proposal that stands, or that was taken.
    pub fn proposed(&self) -> Option<(Proposal, &Agreement)> {
        let proposal = self.state.proposal()?;
        let at = usize::try_from(proposal.seq).ok()?.checked_sub(1)?;
        Some((proposal, agreement_in(self.envelopes.get(at)?.body())?))
    }

    /// The terms that were proposed last, by one side or by anybody, whether or not they stand.
    pub fn last_terms(&self, by: Option<Hex32>) -> Option<&Agreement> {
        let said = self.envelopes.iter().rev().filter(|envelope| by.is_none_or(|by| envelope.from() == by));
        said.map(Envelope::body).find_map(agreement_in)
    }

    /// Takes an envelope of the other side, once nothing is wrong with it.
    ///
    /// # Errors
    /// When it does not continue the session, may not be said now, or proposes what the offer does not allow.
    pub fn hear(&mut self, envelope: &Envelope, now: u64) -> Result<(), NodeError> {
        if envelope.from() != self.counterparty() {
            return Err(NodeError::Unexpected { got: envelope.body().kind() });
        }
        self.session.check(envelope)?;
        match envelope.body() {
            Body::Quote { agreement }
                if **agreement != self.terms(self.offer.price_sat, self.offer.bond_sat) =>
            {
                return Err(NodeError::OtherTerms);
            }
            Body::Counter { agreement } => self.check_counter(agreement)?,
            // The other's clock says when it took the terms, and ours whether that was in time.
            Body::Accept { .. } => self.in_time(now)?,
            _ => {}
        }
        self.take(envelope)
    }

    /// Takes an envelope into the session, of whichever side.
    ///
    /// # Errors
    /// When it may not be said now.
    pub fn take(&mut self, envelope: &Envelope) -> Result<(), NodeError> {
        let by = if envelope.from() == self.session.opener() { Side::Buyer } else { Side::Provider };
        let unexpected = NodeError::Unexpected { got: envelope.body().kind() };
        if self.ended.is_some() {
            return Err(unexpected);
        }
        let mut state = self.state;
        state.hear(by, envelope).map_err(|refusal| refusal.map_or(unexpected, NodeError::from))?;
        if self.session.seq() < envelope.seq() {
            self.session.push(envelope)?;
        }
        self.state = state;
        self.envelopes.push(envelope.clone());
        if state.stage() == Stage::Ended {
            self.ended = Some(self.end_of(envelope));
        }
        Ok(())
    }

    fn check_counter(&self, terms: &Agreement) -> Result<(), NodeError> {
        let (provider, buyer) = (self.session.responder(), self.session.opener());
        let held = variation::check(&self.offer, provider, buyer, terms);
        Ok(held.map_err(|error| error.within("body.agreement"))?)
    }

    fn in_time(&self, now: u64) -> Result<(), NodeError> {
        match self.state.proposal() {
            Some(Proposal { until, .. }) if until.0 <= now => {
                Err(Refusal::Expired { until, at: UnixSeconds(now) }.into())
            }
            _ => Ok(()),
        }
    }

    /// Whether why it ended is in our own words: we said the last one, or nobody did and its time has passed.
    pub fn ended_in_own_words(&self) -> bool {
        let Some(ended) = &self.ended else { return false };
        match (self.state.stage(), self.envelopes.last()) {
            (Stage::Ended, Some(last)) => last.from() != self.counterparty(),
            _ => ended == TIME_HAS_PASSED,
        }
    }

    /// In words for the owner: who ended it, with what.
    fn end_of(&self, envelope: &Envelope) -> String {
        let who = if envelope.from() == self.counterparty() { "the peer" } else { "we" };
        match envelope.body() {
            Body::Reject { reason, .. } => format!("{who} did not take the terms: {reason}"),
            Body::Cancel { reason } => format!("{who} ended it: {reason}"),
            Body::Error { detail, .. } => format!("{who} failed: {detail}"),
            other => format!("{who} ended it with a {}", other.kind()),
        }
    }
}

/// The terms that a body proposes.
pub(crate) fn agreement_in(body: &Body) -> Option<&Agreement> {
    match body {
        Body::Quote { agreement } | Body::Counter { agreement } => Some(agreement),
        _ => None,
    }
}
