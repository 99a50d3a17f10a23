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
use crate::peers::exchange::{plain, record};

/// What our side says by its plan, and why, for our owner alone: the peer is told the same whatever the reason.
#[derive(Debug)]
pub(super) struct Word {
    /// What is said.
    pub body: Body,
    /// Why it ends the negotiation, where it does.
    pub why: Option<String>,
}

impl From<Body> for Word {
    fn from(body: Body) -> Self {
        Self { body, why: None }
    }
}

/// What the other proposes: its price and bond, and what of ours but the plan stands against taking it.
struct Judged {
    price: Sat,
    bond: Sat,
    refused: Option<String>,
}

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

    /// Says what our plan says. Where that ends it, why is noted for our owner.
    pub(super) fn utter_word(
        &self,
        talk: &mut Talk,
        word: Word,
        change: &mut Change,
        now: u64,
    ) -> Result<Envelope, NodeError> {
        let until = talk.offer.expires.0;
        let said = self.utter(talk, word.body, until, change, now)?;
        if let (Some(_), Some(why)) = (&talk.ended, word.why) {
            talk.ended = Some(plain(&why));
        }
        Ok(said)
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
    ) -> Result<Option<Word>, NodeError> {
        let judged = match talk.state.stage() {
            Stage::Taken(_) => return self.take_or_end(talk, change, now).map(Some),
            Stage::Standing(proposal) if proposal.by == Side::Provider => self.judged(talk, now)?,
            Stage::Open(Side::Buyer) => Judged::nothing(Sat(u64::MAX), talk),
            _ => return Ok(None),
        };
        let Some(plan) = talk.buyer_plan()? else { return Ok(None) };
        let takeable = judged.refused.is_none();
        match plan.answer(judged.price, judged.bond, takeable, talk.state.counters(Side::Buyer)) {
            Answer::Accept => self.take_terms(talk, change, now).map(|body| Some(body.into())),
            Answer::Counter(price) => {
                judged.log(talk);
                self.counter_or_end(talk, price, plan.bond_sat(), now).map(Some)
            }
            Answer::Reject => Ok(Some(refusal(talk, judged.why()))),
        }
    }

    /// Provider: what our plan answers.
    ///
    /// # Errors
    /// When our own side failed, and the same may go well later.
    pub(super) fn provider_word(&self, talk: &Talk, now: u64) -> Result<Option<Word>, NodeError> {
        let judged = match talk.state.stage() {
            Stage::Standing(proposal) if proposal.by == Side::Buyer => self.judged(talk, now)?,
            Stage::Open(Side::Provider) => Judged::nothing(Sat(0), talk),
            _ => return Ok(None),
        };
        let Some(plan) = talk.provider_plan()? else { return Ok(None) };
        let takeable = judged.refused.is_none();
        match plan.answer(judged.price, judged.bond, takeable, talk.state.counters(Side::Provider)) {
            Answer::Accept => {
                let proposal = talk.state.proposal().ok_or(NodeError::Unexpected { got: "accept" })?;
                Ok(Some(Body::Accept { terms_hash: proposal.terms_hash }.into()))
            }
            Answer::Counter(price) => {
                judged.log(talk);
                self.counter_or_end(talk, price, plan.bond_sat(), now).map(Some)
            }
            Answer::Reject => Ok(Some(refusal(talk, judged.why()))),
        }
    }

    /// What the other proposes, and whether we could take it.
    fn judged(&self, talk: &Talk, now: u64) -> Result<Judged, NodeError> {
        let (_, terms) = talk.proposed().ok_or(NodeError::Damaged { what: "negotiation" })?;
        match self.could_begin(talk, terms, now) {
            Err(error) if error.may_pass() => Err(error),
            could => {
                let refused = could.err().map(|error| error.to_string());
                Ok(Judged { price: terms.price_sat, bond: terms.bond_sat, refused })
            }
        }
    }

    fn take_or_end(&self, talk: &Talk, change: &mut Change, now: u64) -> Result<Word, NodeError> {
        match self.take_terms(talk, change, now) {
            Err(error) if !error.may_pass() => {
                tracing::warn!(session = %talk.id, %error, "terms that were proposed cannot be taken any more");
                Ok(refusal(talk, error.to_string()))
            }
            taken => taken.map(Word::from),
        }
    }

    /// A counter at a price of the plan; where the schedule cannot pay that price exactly, at our last one. A counter that
    /// our own mandate would refuse is not made: it ends.
    fn counter_or_end(&self, talk: &Talk, price: Sat, bond: Sat, now: u64) -> Result<Word, NodeError> {
        let planned = talk.terms(price, bond);
        let own = match talk.side {
            Side::Buyer => talk.session.opener(),
            Side::Provider => talk.session.responder(),
        };
        let last = talk.last_terms(Some(own)).cloned();
        let terms = [Some(planned), last].into_iter().flatten().find(|terms| talk.check_terms(terms).is_ok());
        let Some(terms) = terms else {
            return Ok(refusal(
                talk,
                format!("the schedule cannot pay {price} sat exactly, the strategy's next price"),
            ));
        };
        match self.could_begin(talk, &terms, now) {
            Ok(()) => Ok(Body::Counter { agreement: Box::new(terms) }.into()),
            Err(error) if error.may_pass() => Err(error),
            Err(error) => {
                tracing::warn!(session = %talk.id, %error, "no counter is made");
                Ok(refusal(talk, format!("no counter of ours is allowed: {error}")))
            }
        }
    }
}

impl Judged {
    /// Nothing is proposed: the plan says what it would say to the worst price.
    fn nothing(worst: Sat, talk: &Talk) -> Self {
        Self {
            price: worst,
            bond: talk.offer.bond_sat,
            refused: Some("the other side proposes nothing more".to_owned()),
        }
    }

    /// Why it is not taken. What the strategy would take is said to nobody: not everybody who reads here may know it.
    fn why(self) -> String {
        let Self { price, bond, refused } = self;
        refused.unwrap_or_else(|| {
            format!("the strategy does not take a price of {price} sat with a bond of {bond} sat, and has no counter left")
        })
    }

    /// One that is countered, for the owner's log.
    fn log(&self, talk: &Talk) {
        if let Some(why) = &self.refused {
            tracing::info!(session = %talk.id, why, "what the other side proposes cannot be taken; it is countered");
        }
    }
}

/// The end of a negotiation: for the peer in the same words whatever the reason, which the owner is told.
fn refusal(talk: &Talk, why: String) -> Word {
    let reason = REFUSED.to_owned();
    let body = match talk.state.stage() {
        Stage::Standing(_) => Body::Reject { reason, is_final: true },
        _ => Body::Cancel { reason },
    };
    Word { body, why: Some(format!("we did not take the terms: {why}")) }
}
