//! The conversation: what a peer says in a negotiation, and what follows from it.
//!
//! The buyer's node is always the client. A provider's node answers by its plan at once; what its owner says later waits
//! at `GET /v1/escrows/{id}/waiting`, where the buyer's node looks as it does for closes. Everything that an envelope
//! leads to is written with it, so that a crash finds all of it or nothing.

use negotiation::session::Stage;
use protocol::waiting::MAX_WAITING;
use protocol::{Body, Envelope};
use storage::Negotiation;
use terms::{Hex32, Side};

use super::talk::{TIME_HAS_PASSED, Talk};
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::peers::exchange::record;

/// Rows about negotiations to write with a change.
#[derive(Debug, Default)]
pub(crate) struct TalkRows {
    /// One that begins.
    pub begun: Option<Negotiation>,
    /// One that ended without an escrow, and why.
    pub ended: Option<(Hex32, String)>,
    /// How counters to an offer of ours are answered.
    pub plan: Option<(Hex32, String)>,
}

impl TalkRows {
    /// Writes them.
    pub(crate) async fn write(&self, tx: &mut storage::Tx<'_>) -> Result<(), NodeError> {
        if let Some(begun) = &self.begun {
            tx.open_negotiation(begun).await?;
        }
        if let Some((session, why)) = &self.ended {
            tx.end_negotiation(*session, why).await?;
        }
        if let Some((offer, plan)) = &self.plan {
            tx.put_offer_plan(*offer, plan).await?;
        }
        Ok(())
    }
}

impl Core {
    /// The row of a negotiation that a buyer opens with us, with our plan for the offer.
    pub(crate) async fn asked(&self, session: Hex32, offer_id: Hex32) -> Result<Negotiation, NodeError> {
        let stored = self.store.offer(offer_id).await?.ok_or(NodeError::NotFound { what: "offer" })?;
        let plan = self.store.offer_plan(offer_id).await?;
        Ok(Negotiation { session, offer: stored.json, plan, ended: None })
    }

    /// Provider: takes a buyer's envelope, and gives the bytes of the answer; `None` when there is nothing to answer yet.
    ///
    /// # Errors
    /// Says what is wrong with it. Nothing is stored then.
    pub(crate) async fn receive_talk(
        &mut self,
        mut talk: Talk,
        envelope: &Envelope,
        now: u64,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        if talk.side == Side::Buyer {
            return Err(NodeError::Unexpected { got: envelope.body().kind() });
        }
        talk.hear(envelope, now)?;
        self.act_as_before(talk.id, Some(talk.offer.id));
        let mut change = Change { envelopes: vec![record(envelope, false, true)], ..Change::default() };
        let agreed = match talk.state.stage() {
            Stage::Agreed(_) => talk.proposed().map(|(_, terms)| terms.clone()),
            _ => None,
        };
        let answer = match agreed {
            Some(terms) => {
                let body = self.bound(talk.id, terms, &mut change, now).await?;
                body.map(|body| self.next_after(&talk, body, &mut change, now)).transpose()?
            }
            None => match self.provider_word(&talk, now)? {
                Some(word) => Some(self.utter_word(&mut talk, word, &mut change, now)?),
                None => None,
            },
        };
        note_end(&talk, &mut change);
        self.commit(change, now).await?;
        Ok(answer.map(|answer| answer.bytes()))
    }

    /// The first envelope after an agreement: the DLC offer of a provider that makes it.
    fn next_after(
        &self,
        talk: &Talk,
        body: Body,
        change: &mut Change,
        now: u64,
    ) -> Result<Envelope, NodeError> {
        let until = self.deadline(talk.id, change);
        let answer = self.seal(&mut talk.session.clone(), talk.counterparty(), body, until, now)?;
        change.envelopes.push(record(&answer, true, true));
        Ok(answer)
    }

    /// Buyer: takes the answer to an envelope of ours, and goes on by our plan.
    ///
    /// # Errors
    /// When our own side failed. Nothing is stored then.
    pub(crate) async fn talk_answered(
        &mut self,
        mut talk: Talk,
        sent: &Envelope,
        answer: Option<&Envelope>,
        now: u64,
    ) -> Result<(), NodeError> {
        let mut change = Change { delivered: vec![sent.id()], ..Change::default() };
        if let Some(answer) = answer {
            if let Err(error) = talk.hear(answer, now) {
                if error.may_pass() {
                    return Err(error);
                }
                change.talks.ended = Some((talk.id, format!("the provider's answer will not do: {error}")));
                return self.commit(change, now).await;
            }
            change.envelopes.push(record(answer, false, true));
        }
        self.go_on_by_plan(&mut talk, &mut change, now)?;
        self.commit(change, now).await
    }

    /// Buyer: takes an envelope that waited for us at the provider, once. Returns whether it was new.
    ///
    /// # Errors
    /// Says what is wrong with it. Nothing is stored then.
    pub(crate) async fn take_waiting_talk(
        &mut self,
        mut talk: Talk,
        envelope: &Envelope,
        now: u64,
    ) -> Result<bool, NodeError> {
        talk.hear(envelope, now)?;
        let mut change = Change { envelopes: vec![record(envelope, false, true)], ..Change::default() };
        self.go_on_by_plan(&mut talk, &mut change, now)?;
        self.commit(change, now).await?;
        Ok(true)
    }

    fn go_on_by_plan(&self, talk: &mut Talk, change: &mut Change, now: u64) -> Result<(), NodeError> {
        if let Some(word) = self.buyer_word(talk, change, now)? {
            self.utter_word(talk, word, change, now)?;
        }
        note_end(talk, change);
        Ok(())
    }

    /// Buyer: the provider refuses an envelope of ours, or gives no answer in time. One that crossed another of the
    /// provider's (`crossed`) was never said, and the negotiation goes on with what waits there; any other ends it.
    pub(crate) async fn talk_refused(
        &mut self,
        talk: &Talk,
        sent: &Envelope,
        why: &str,
        crossed: bool,
        now: u64,
    ) -> Result<(), NodeError> {
        let mut change = Change::default();
        if sent.seq() == 1 {
            change.delivered.push(sent.id());
        } else {
            change.forgotten_envelope = Some(sent.id());
        }
        if sent.seq() == 1 || !crossed {
            change.talks.ended = Some((talk.id, format!("the provider refused: {why}")));
        }
        self.commit(change, now).await
    }

    /// Provider: what its owner said and the buyer has not answered.
    pub(crate) async fn waiting_talk(&self, id: Hex32, now: u64) -> Result<Vec<Vec<u8>>, NodeError> {
        let Some(talk) = self.talk(id).await?.filter(|talk| talk.side == Side::Provider) else {
            return Ok(Vec::new());
        };
        let own = talk.session.responder();
        let since = talk.envelopes.iter().rposition(|envelope| envelope.from() != own).map_or(0, |at| at + 1);
        let waiting = talk.envelopes.iter().skip(since).take_while(|envelope| envelope.expires().0 > now);
        Ok(waiting.take(MAX_WAITING).map(Envelope::bytes).collect())
    }

    /// Buyer: the negotiations in which something may wait for us. One whose offer is over ends here.
    pub(crate) async fn open_talks(&mut self, now: u64) -> Result<Vec<Hex32>, NodeError> {
        let mut open = Vec::new();
        for id in self.store.open_negotiations().await? {
            let Some(talk) = self.talk(id).await? else { continue };
            if talk.offer.expires.0 > now {
                open.push(id);
                continue;
            }
            let ended = Some((id, TIME_HAS_PASSED.to_owned()));
            let talks = TalkRows { ended, ..TalkRows::default() };
            self.commit(Change { talks, ..Change::default() }, now).await?;
        }
        Ok(open)
    }
}

pub(super) fn note_end(talk: &Talk, change: &mut Change) {
    if let Some(why) = &talk.ended {
        change.talks.ended = Some((talk.id, why.clone()));
    }
}
