//! What we say next: by our plan, or because the owner says so.
//!
//! Whatever proposes or takes terms is held to the mandate first, as if the escrow began with it.

use engine::Event;
use negotiation::session::Stage;
use negotiation::strategy::{Answer, REFUSED};
use protocol::{Body, Envelope};
use terms::{Agreement, Sat, Side};

use super::talk::Talk;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::peers::exchange::record;

impl Core {
    /// Says something in a negotiation: the envelope is to be stored with `change`. A buyer's has still to be sent, a
    /// provider's is an answer, or waits at its door.
    pub(super) fn utter(
        &self,
        talk: &mut Talk,
        body: Body,
        until: u64,
        change: &mut Change,
        now: u64,
    ) -> Result<Envelope, NodeError> {
        let mut session = talk.session.clone();
        let envelope = self.seal(&mut session, talk.counterparty(), body, until, now)?;
        talk.take(&envelope)?;
        change.envelopes.push(record(&envelope, true, talk.side == Side::Provider));
        Ok(envelope)
    }

    /// Whether we could begin an escrow on these terms now: announcements, deadlines and mandate.
    pub(super) fn could_begin(&self, talk: &Talk, terms: &Agreement, now: u64) -> Result<(), NodeError> {
        self.begin(talk.id, talk.side, terms.clone(), &talk.announcements, now).map(|_| ())
    }

    /// Buyer: takes the terms that stand. The escrow begins with it, in `change`.
    pub(super) fn take_terms(&self, talk: &Talk, change: &mut Change, now: u64) -> Result<Body, NodeError> {
        let (proposal, terms) = talk.proposed().ok_or(NodeError::Unexpected { got: "accept" })?;
        let opened = self.begin(talk.id, Side::Buyer, terms.clone(), &talk.announcements, now)?;
        change.events.push((talk.id, Event::Opened(Box::new(opened))));
        Ok(Body::Accept { terms_hash: proposal.terms_hash })
    }

    /// Buyer: what our plan says next. What the provider took of ours we take as well, with or without a plan.
    ///
    /// # Errors
    /// When our own side failed, and the same may go well later.
    pub(super) fn buyer_word(
        &self,
        talk: &Talk,
        change: &mut Change,
        now: u64,
    ) -> Result<Option<Body>, NodeError> {
        let (price, bond, takeable) = match talk.state.stage() {
            Stage::Taken(_) => return self.take_or_end(talk, change, now).map(Some),
            Stage::Standing(proposal) if proposal.by == Side::Provider => self.judged(talk, now)?,
            Stage::Open(Side::Buyer) => (Sat(u64::MAX), talk.offer.bond_sat, false),
            _ => return Ok(None),
        };
        let Some(plan) = talk.buyer_plan()? else { return Ok(None) };
        match plan.answer(price, bond, takeable, talk.state.counters(Side::Buyer)) {
            Answer::Accept => self.take_terms(talk, change, now).map(Some),
            Answer::Counter(price) => self.counter_or_end(talk, price, plan.bond_sat(), now).map(Some),
            Answer::Reject => Ok(Some(refusal(talk))),
        }
    }

    /// Provider: what our plan answers.
    ///
    /// # Errors
    /// When our own side failed, and the same may go well later.
    pub(super) fn provider_word(&self, talk: &Talk, now: u64) -> Result<Option<Body>, NodeError> {
        let (price, bond, takeable) = match talk.state.stage() {
            Stage::Standing(proposal) if proposal.by == Side::Buyer => self.judged(talk, now)?,
            Stage::Open(Side::Provider) => (Sat(0), talk.offer.bond_sat, false),
            _ => return Ok(None),
        };
        let Some(plan) = talk.provider_plan()? else { return Ok(None) };
        match plan.answer(price, bond, takeable, talk.state.counters(Side::Provider)) {
            Answer::Accept => {
                let proposal = talk.state.proposal().ok_or(NodeError::Unexpected { got: "accept" })?;
                Ok(Some(Body::Accept { terms_hash: proposal.terms_hash }))
            }
            Answer::Counter(price) => self.counter_or_end(talk, price, plan.bond_sat(), now).map(Some),
            Answer::Reject => Ok(Some(refusal(talk))),
        }
    }

    /// Price and bond of what the other proposes, and whether we could take it.
    fn judged(&self, talk: &Talk, now: u64) -> Result<(Sat, Sat, bool), NodeError> {
        let (_, terms) = talk.proposed().ok_or(NodeError::Damaged { what: "negotiation" })?;
        match self.could_begin(talk, terms, now) {
            Err(error) if error.may_pass() => Err(error),
            could => Ok((terms.price_sat, terms.bond_sat, could.is_ok())),
        }
    }

    fn take_or_end(&self, talk: &Talk, change: &mut Change, now: u64) -> Result<Body, NodeError> {
        match self.take_terms(talk, change, now) {
            Err(error) if !error.may_pass() => {
                tracing::warn!(session = %talk.id, %error, "terms that were proposed cannot be taken any more");
                Ok(refusal(talk))
            }
            taken => taken,
        }
    }

    /// A counter at a price of the plan; where the schedule cannot pay that price exactly, at our last one. A counter that
    /// our own mandate would refuse is not made: it ends.
    fn counter_or_end(&self, talk: &Talk, price: Sat, bond: Sat, now: u64) -> Result<Body, NodeError> {
        let planned = talk.terms(price, bond);
        let own = match talk.side {
            Side::Buyer => talk.session.opener(),
            Side::Provider => talk.session.responder(),
        };
        let last = talk.last_terms(Some(own)).cloned();
        let terms = [Some(planned), last].into_iter().flatten().find(|terms| talk.check_terms(terms).is_ok());
        let Some(terms) = terms else { return Ok(refusal(talk)) };
        match self.could_begin(talk, &terms, now) {
            Ok(()) => Ok(Body::Counter { agreement: Box::new(terms) }),
            Err(error) if error.may_pass() => Err(error),
            Err(error) => {
                tracing::warn!(session = %talk.id, %error, "no counter is made");
                Ok(refusal(talk))
            }
        }
    }
}

/// The end of a negotiation, in the same words whatever the reason.
fn refusal(talk: &Talk) -> Body {
    let reason = REFUSED.to_owned();
    match talk.state.stage() {
        Stage::Standing(_) => Body::Reject { reason, is_final: true },
        _ => Body::Cancel { reason },
    }
}
