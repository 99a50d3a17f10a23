//! The conversation about a close: proposals that come, answers to ours, and what waits for a buyer.
//!
//! The buyer's node is always the client. A provider's proposal, and its owner's answer to one of the buyer's, wait at
//! `GET /v1/escrows/{id}/waiting` ([`Core::waiting`]) until the buyer's node looks, and the buyer answers by POST.

use contract::close;
use engine::{CloseStep, Command, Escrow, Event, decide};
use protocol::{Body, Envelope, Session};
use storage::NewSession;
use terms::{DocumentError, Hex32, Sat, Side};

use crate::chain::bytes;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::peers::exchange::record;
use crate::visitors::Visitor;

impl Core {
    /// The escrow that a session is about to close.
    pub(crate) async fn closed_by(&self, session: Hex32) -> Result<Option<Hex32>, NodeError> {
        let session = self.store.session(session).await?;
        // A renewal's session is about an escrow too, and has announcements.
        Ok(session.filter(|session| session.announcements.is_empty()).and_then(|session| session.escrow))
    }

    /// Whether an envelope belongs to a conversation about a close.
    pub(crate) async fn is_about_close(&self, envelope: &Envelope) -> Result<bool, NodeError> {
        let opens = matches!(envelope.body(), Body::ClosePropose { .. });
        Ok(opens || self.closed_by(envelope.session()).await?.is_some())
    }

    /// Takes an envelope about a close that came unasked: to our door, or found waiting at `peer_url`. Gives the bytes of
    /// the answer; where the envelope was found waiting, the answer waits to be sent.
    ///
    /// # Errors
    /// Says what is wrong with it. Nothing is stored then.
    pub(crate) async fn receive_close(
        &mut self,
        envelope: &Envelope,
        peer_url: Option<String>,
        from: Visitor,
        now: u64,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let asked = peer_url.is_none();
        let mut change = Change::default();
        let (id, mut session) = match envelope.body() {
            Body::ClosePropose { escrow, .. } => {
                if self.escrow(*escrow)?.counterparty() != envelope.from() {
                    return Err(NodeError::NotFound { what: "escrow" });
                }
                let new = self.new_session(envelope, from, now).await?;
                change.session = Some(NewSession { peer_url, escrow: Some(*escrow), ..new });
                (*escrow, Session::open(envelope)?)
            }
            _ => self.continued_close(envelope).await?,
        };
        change.envelopes.push(record(envelope, false, true));
        let body = self.react_to_close(id, envelope, &mut change, now)?;
        let answer = match body {
            None => None,
            Some(body) => {
                let answer = self.seal(&mut session, envelope.from(), body, envelope.expires().0, now)?;
                change.envelopes.push(record(&answer, true, asked));
                Some(answer.bytes())
            }
        };
        self.commit(change, now).await?;
        Ok(answer)
    }

    /// Takes the answer to an envelope of ours about a close.
    ///
    /// # Errors
    /// When the answer will not do. Nothing is stored then.
    pub(crate) async fn close_answered(
        &mut self,
        id: Hex32,
        sent: &Envelope,
        answer: Option<&Envelope>,
        now: u64,
    ) -> Result<(), NodeError> {
        let mut change = Change { delivered: vec![sent.id()], ..Change::default() };
        if let Some(answer) = answer {
            self.continued_close(answer).await?;
            change.envelopes.push(record(answer, false, true));
            if self.react_to_close(id, answer, &mut change, now)?.is_some() {
                return Err(NodeError::Unexpected { got: answer.body().kind() });
            }
        }
        self.commit(change, now).await
    }

    /// The peer refuses an envelope of ours about a close for good, or no answer came in time.
    pub(crate) async fn close_refused(
        &mut self,
        id: Hex32,
        sent: &Envelope,
        why: &str,
        now: u64,
    ) -> Result<(), NodeError> {
        let mut change = Change { delivered: vec![sent.id()], ..Change::default() };
        if matches!(sent.body(), Body::ClosePropose { .. }) {
            let step =
                CloseStep::Drop { session: sent.session(), reason: format!("the peer refused: {why}") };
            if let Ok(Some(event)) = decide(self.escrow(id)?, Command::Close(step), now) {
                change.events.push((id, event));
            }
        }
        self.commit(change, now).await
    }

    /// The envelopes of ours about an escrow, or a negotiation that may become one, that its buyer has to come for.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn waiting(&self, id: Hex32, now: u64) -> Result<Vec<Vec<u8>>, NodeError> {
        let Some(escrow) = self.escrows.get(&id) else { return self.waiting_talk(id, now).await };
        if !escrow.can_close() {
            return Ok(Vec::new());
        }
        let own = escrow.closes.own.as_ref().filter(|own| now < own.until).map(|own| own.session);
        let peer = escrow.closes.peer.as_ref().filter(|peer| now < peer.until).map(|peer| peer.session);
        let mut waiting = Vec::new();
        for session in [own, peer].into_iter().flatten() {
            let transcript = self.store.transcript(session).await?;
            waiting.extend(transcript.into_iter().filter(|stored| stored.ours).map(|stored| stored.bytes));
        }
        Ok(waiting)
    }

    /// The escrows that we bought and that can be closed by agreement: something may wait for us at their providers.
    pub(crate) fn closable_purchases(&self) -> Vec<Hex32> {
        let ours =
            self.escrows.values().filter(|escrow| escrow.opened.side == Side::Buyer && escrow.can_close());
        ours.map(Escrow::id).filter(|id| !self.archived.contains(id)).collect()
    }

    /// Takes an envelope that waited for us at the peer, once. Returns whether it was new.
    ///
    /// # Errors
    /// Says what is wrong with it. Nothing is stored then.
    pub(crate) async fn take_waiting(
        &mut self,
        id: Hex32,
        envelope: &Envelope,
        peer_url: &str,
        now: u64,
    ) -> Result<bool, NodeError> {
        if self.store.envelope(envelope.id()).await?.is_some() {
            return Ok(false);
        }
        if let Some(talk) = self.talk(id).await? {
            return self.take_waiting_talk(talk, envelope, now).await;
        }
        let about = match envelope.body() {
            Body::ClosePropose { escrow, .. } => Some(*escrow),
            _ => self.closed_by(envelope.session()).await?,
        };
        if about != Some(id) || envelope.from() != self.escrow(id)?.counterparty() {
            return Err(NodeError::Unexpected { got: envelope.body().kind() });
        }
        self.receive_close(envelope, Some(peer_url.to_owned()), Visitor::default(), now).await?;
        Ok(true)
    }

    /// The change that tells an answer to a proposal, or the withdrawal of one, as the session's next envelope.
    pub(super) async fn answer_to(
        &mut self,
        proposal: Hex32,
        body: Body,
        now: u64,
    ) -> Result<Change, NodeError> {
        let missing = NodeError::NotFound { what: "session" };
        let peer_url = self.store.session(proposal).await?.ok_or(missing)?.peer_url;
        let envelopes = self.envelopes(proposal).await?;
        let until = envelopes.first().map_or(now, |first| first.expires().0);
        let mut session = self.session(proposal).await?;
        let opened_by_us = self.keys.of(session.opener()).is_some();
        let peer = if opened_by_us { session.responder() } else { session.opener() };
        let answer = self.seal(&mut session, peer, body, until, now)?;
        Ok(Change { envelopes: vec![record(&answer, true, peer_url.is_none())], ..Change::default() })
    }

    /// A session about a close that an envelope continues, and the escrow.
    async fn continued_close(&self, envelope: &Envelope) -> Result<(Hex32, Session), NodeError> {
        let about = self.closed_by(envelope.session()).await?;
        let mut session = self.session(envelope.session()).await?;
        session.push(envelope)?;
        Ok((about.ok_or(NodeError::NotFound { what: "session" })?, session))
    }

    /// What a body leads to: events in `change`, and the body that answers it.
    fn react_to_close(
        &mut self,
        id: Hex32,
        envelope: &Envelope,
        change: &mut Change,
        now: u64,
    ) -> Result<Option<Body>, NodeError> {
        let session = envelope.session();
        let step = match envelope.body() {
            Body::ClosePropose { provider_sat, buyer_sat, reason, .. } if envelope.seq() == 1 => {
                self.check_split(id, *provider_sat, *buyer_sat)?;
                let (provider_sat, reason, until) = (*provider_sat, reason.clone(), envelope.expires().0);
                return self.take_proposal(id, session, provider_sat, until, reason, change, now);
            }
            Body::CloseSign { signature_hex } => self.completed(id, session, &signature_hex.0)?,
            Body::Reject { reason, .. } => {
                CloseStep::Drop { session, reason: format!("the peer refused: {reason}") }
            }
            Body::Withdraw { .. } => CloseStep::Refuse { session },
            other => return Err(NodeError::Unexpected { got: other.kind() }),
        };
        if let Some(event) = decide(self.escrow(id)?, Command::Close(step), now)? {
            tracing::info!(escrow = %id, event = event.name(), "closing by agreement");
            change.events.push((id, event));
        }
        Ok(None)
    }

    /// Notes a proposal, and signs it at once where that needs no owner.
    #[allow(clippy::too_many_arguments, reason = "a proposal has these parts, and is used once")]
    fn take_proposal(
        &mut self,
        id: Hex32,
        session: Hex32,
        provider_sat: Sat,
        until: u64,
        reason: String,
        change: &mut Change,
        now: u64,
    ) -> Result<Option<Body>, NodeError> {
        let step = CloseStep::TakeProposal { session, provider_sat, until, reason };
        let offered = self.close_event(id, step, now)?;
        let mut after = self.escrow(id)?.clone();
        after.apply(&offered);
        tracing::info!(escrow = %id, %provider_sat, "the peer proposes to close");
        change.events.push((id, offered));
        if !self.agrees(id, after, now)? {
            return Ok(None);
        }
        change.events.push((id, Event::CloseSigned { session }));
        self.signature_at(id, provider_sat).map(Some)
    }

    /// The step that the peer's half of our own proposal makes possible.
    fn completed(&mut self, id: Hex32, session: Hex32, signature: &[u8]) -> Result<CloseStep, NodeError> {
        let due_sat = self.due_sat(id)?;
        let own = self.escrow(id)?.closes.own.as_ref().filter(|own| own.session == session);
        let provider_sat = own.ok_or(engine::Refusal::Withdrawn)?.provider_sat;
        let contract = self.contract(id)?;
        let key = self.keys.contracts.secret(contract.temporary_id())?;
        let split = close::close(&contract, provider_sat)?;
        let tx = close::complete(&contract, &split, &key, signature)?;
        Ok(CloseStep::Build { session, tx: bytes(&tx), due_sat })
    }

    /// The two amounts of a proposal: all that is locked, and nothing that would be burnt.
    fn check_split(&mut self, id: Hex32, provider_sat: Sat, buyer_sat: Sat) -> Result<(), NodeError> {
        if !self.escrow(id)?.can_close() {
            return Err(engine::Refusal::NotClosable(self.escrow(id)?.noted).into());
        }
        let split = self.close_at(id, provider_sat)?;
        if split.buyer_sat == buyer_sat {
            return Ok(());
        }
        let rule = format!("must be {}: what is locked without provider_sat", split.buyer_sat);
        Err(DocumentError::new("body.buyer_sat", &rule).into())
    }
}
