//! The conversation with a peer: sessions of envelopes, each answered once.
//!
//! Who receives an envelope and who gets its answer react to a body in the same way ([`Core::react`]).
//! What the reaction changes, the envelope and the answer are written together, so that a repeated
//! envelope finds its stored answer, and a crash finds either all of it or nothing.

use engine::{Command, DlcRole, Event, decide};
use protocol::{Body, Envelope, EnvelopeError, Session, verify_transcript};
use storage::{NewEnvelope, NewSession, StoredEnvelope};
use terms::{Agreement, Hex32, Side, UnixSeconds};

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys::random;
use crate::visitors::Visitor;

/// The longest reason that a peer is told, in characters.
const LONGEST_REASON: usize = 300;

impl Core {
    /// Takes an envelope from a peer, and gives the bytes of its answer; `None` when there is nothing to answer.
    ///
    /// # Errors
    /// Says what is wrong with it. Nothing is stored then.
    pub(crate) async fn receive(
        &mut self,
        envelope: &Envelope,
        from: Visitor,
        now: u64,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        if let Some(stored) = self.store.envelope(envelope.id()).await? {
            if stored.bytes != envelope.bytes() {
                return Err(NodeError::Reused { what: "id" });
            }
            return self.stored_answer(envelope).await;
        }
        if self.is_about_close(envelope).await? {
            return self.receive_close(envelope, None, from, now).await;
        }
        if let Some(talk) = self.talk(envelope.session()).await? {
            return self.receive_talk(talk, envelope, now).await;
        }
        let mut change = Change::default();
        let mut session = match envelope.body() {
            Body::Rfq { offer_id } => {
                self.for_current_key(envelope)?;
                let new = self.new_session(envelope, from, now).await?;
                change.talks.begun = Some(self.asked(new.id, *offer_id).await?);
                // Stored with the session: after a restart the key has its say here, and its limits hold, as before.
                self.act_as_before(new.id, Some(*offer_id));
                change.session = Some(NewSession { offer_id: Some(*offer_id), ..new });
                Session::open(envelope)?
            }
            _ => self.continued(envelope).await?,
        };
        let last = self.last_body(envelope.session()).await?;
        let answer = self.react(envelope, last, &mut change, now).await?;
        change.envelopes.push(record(envelope, false, true));
        let answer = match answer {
            None => None,
            Some(body) => {
                let until = self.good_until(session.id(), &body, &change);
                let answer = self.seal(&mut session, envelope.from(), body, until, now)?;
                change.envelopes.push(record(&answer, true, true));
                Some(answer.bytes())
            }
        };
        self.commit(change, now).await?;
        Ok(answer)
    }

    /// New sessions begin under the current identity; a former one is for those that began under it.
    fn for_current_key(&self, envelope: &Envelope) -> Result<(), NodeError> {
        let (got, expected) = (envelope.to(), self.keys.public());
        if got == expected { Ok(()) } else { Err(EnvelopeError::Recipient { got, expected }.into()) }
    }

    /// The session that a peer's envelope continues. The buyer's node is always the client, so in a session that we
    /// opened a peer says nothing unasked.
    async fn continued(&self, envelope: &Envelope) -> Result<Session, NodeError> {
        let mut session = self.session(envelope.session()).await?;
        if self.keys.of(session.opener()).is_some() {
            return Err(NodeError::Unexpected { got: envelope.body().kind() });
        }
        session.push(envelope)?;
        Ok(session)
    }

    /// Takes the answer to an envelope of ours, and goes on: the next envelope is stored, still to be sent. An answer
    /// that will not do ends the escrow, unless its coins are at stake, and the peer is told.
    ///
    /// # Errors
    /// When our own side failed, or the answer does not even continue the session. Nothing is stored then.
    pub(crate) async fn answered(
        &mut self,
        sent: &Envelope,
        answer: Option<&Envelope>,
        now: u64,
    ) -> Result<(), NodeError> {
        let id = sent.session();
        if let Some(escrow) = self.closed_by(id).await? {
            return self.close_answered(escrow, sent, answer, now).await;
        }
        if let Some(talk) = self.talk(id).await? {
            return self.talk_answered(talk, sent, answer, now).await;
        }
        let mut change = Change { delivered: vec![sent.id()], ..Change::default() };
        let mut session = self.session(id).await?;
        let next = match answer {
            None => self.go_on(sent, &mut change, now),
            Some(answer) => {
                session.push(answer)?;
                change.envelopes.push(record(answer, false, true));
                self.take_answer(answer, sent, &mut change, now).await
            }
        };
        let next = match next {
            Err(error) if !error.may_pass() => self.give_up(id, &error, &mut change, now)?,
            next => next?,
        };
        if let Some(body) = next {
            let until = self.good_until(id, &body, &change);
            let next = self.seal(&mut session, sent.to(), body, until, now)?;
            change.envelopes.push(record(&next, true, false));
        }
        self.commit(change, now).await
    }

    /// A provider that answers does not ask: what only a buyer says is out of place here.
    async fn take_answer(
        &mut self,
        answer: &Envelope,
        sent: &Envelope,
        change: &mut Change,
        now: u64,
    ) -> Result<Option<Body>, NodeError> {
        match answer.body() {
            body @ (Body::Rfq { .. } | Body::Accept { .. }) => {
                Err(NodeError::Unexpected { got: body.kind() })
            }
            _ => self.react(answer, Some(sent.body().clone()), change, now).await,
        }
    }

    /// Ends an escrow over an answer that will not do. The body tells the peer; there is none when coins are at stake,
    /// because then it has not ended.
    fn give_up(
        &self,
        id: Hex32,
        error: &NodeError,
        change: &mut Change,
        now: u64,
    ) -> Result<Option<Body>, NodeError> {
        tracing::warn!(escrow = %id, %error, "the peer's answer will not do");
        change.events.clear();
        self.abandon(id, format!("the peer's answer will not do: {error}"), change, now)?;
        let problem = error.problem_for_peer();
        let rule = problem.field.map_or(problem.title.clone(), |field| format!("{}: {field}", problem.title));
        let reason = plain(&format!("your last message was refused: {rule}"));
        let ended = self.escrows.get(&id).is_some_and(|escrow| escrow.abandoned.is_some());
        Ok((ended || !change.events.is_empty()).then_some(Body::Cancel { reason }))
    }

    /// What a body of the peer leads to: events in `change`, and the body that comes next from us.
    async fn react(
        &mut self,
        envelope: &Envelope,
        last: Option<Body>,
        change: &mut Change,
        now: u64,
    ) -> Result<Option<Body>, NodeError> {
        let id = envelope.session();
        let (event, next) = match envelope.body() {
            Body::Rfq { offer_id } => return self.quote(*offer_id, envelope.from(), now).await.map(Some),
            Body::Accept { terms_hash } => {
                return self.accepted(envelope, *terms_hash, last, change, now).await;
            }
            Body::DlcOffer { message_hex } => self.take_offer(id, &message_hex.0, now)?,
            Body::DlcAccept { message_hex } => self.take_accept(id, &message_hex.0, now)?,
            Body::DlcSign { message_hex } => self.take_sign(id, &message_hex.0, now)?,
            Body::Cancel { reason } | Body::Withdraw { reason } | Body::Reject { reason, .. } => {
                self.abandon(id, format!("the peer ended it: {reason}"), change, now)?;
                return Ok(None);
            }
            Body::Error { detail, .. } => {
                self.abandon(id, format!("the peer failed: {detail}"), change, now)?;
                return Ok(None);
            }
            other @ (Body::Quote { .. }
            | Body::Counter { .. }
            | Body::ClosePropose { .. }
            | Body::CloseSign { .. }
            | Body::Renew { .. }) => {
                return Err(NodeError::Unexpected { got: other.kind() });
            }
        };
        change.events.push((id, event));
        Ok(next)
    }

    /// Provider: the whole agreement for a published offer. Reserves nothing.
    async fn quote(&self, offer_id: Hex32, buyer: Hex32, now: u64) -> Result<Body, NodeError> {
        let offer = self.published(offer_id).await?.0;
        offer.check(now)?;
        Ok(Body::Quote { agreement: Box::new(offer.agreement(self.keys.public(), buyer)) })
    }

    /// Provider: the buyer takes the terms that we quoted.
    async fn accepted(
        &mut self,
        envelope: &Envelope,
        terms_hash: Hex32,
        last: Option<Body>,
        change: &mut Change,
        now: u64,
    ) -> Result<Option<Body>, NodeError> {
        let Some(Body::Quote { agreement }) = last else {
            return Err(NodeError::Unexpected { got: "accept" });
        };
        let expected = agreement.terms_hash();
        if expected != terms_hash {
            return Err(NodeError::OtherHash { expected, got: terms_hash });
        }
        self.bound(envelope.session(), *agreement, change, now).await
    }

    /// Provider: both took these terms. The escrow begins with it, in `change`; where we make the DLC offer, it is next.
    pub(crate) async fn bound(
        &mut self,
        id: Hex32,
        agreement: Agreement,
        change: &mut Change,
        now: u64,
    ) -> Result<Option<Body>, NodeError> {
        let session = self.store.session(id).await?.ok_or(NodeError::NotFound { what: "session" })?;
        let (announcements, renews) = self.promised(&session, now).await?;
        self.act_as_before(id, session.escrow.or(session.offer_id));
        let opened = self.begin(id, Side::Provider, agreement, &announcements, now)?;
        let opened = engine::Opened { renews, ..opened };
        change.events.push((id, Event::Opened(Box::new(opened.clone()))));
        if opened.role == DlcRole::Accepter {
            return Ok(None);
        }
        let (event, next) = self.make_offer(&opened, now)?;
        change.events.push((id, event));
        Ok(next)
    }

    /// Buyer: what follows an envelope that needs no answer.
    fn go_on(&mut self, sent: &Envelope, change: &mut Change, now: u64) -> Result<Option<Body>, NodeError> {
        let opened = self.escrow(sent.session())?.opened.clone();
        match (sent.body(), opened.role) {
            (Body::Accept { .. }, DlcRole::Offerer) => {
                let (event, next) = self.make_offer(&opened, now)?;
                change.events.push((sent.session(), event));
                Ok(next)
            }
            (Body::DlcSign { .. } | Body::Cancel { .. }, _) => Ok(None),
            (body, _) => Err(NodeError::Unexpected { got: body.kind() }),
        }
    }

    pub(crate) fn abandon(
        &self,
        id: Hex32,
        reason: String,
        change: &mut Change,
        now: u64,
    ) -> Result<(), NodeError> {
        let Some(escrow) = self.escrows.get(&id) else { return Ok(()) };
        match decide(escrow, Command::Abandon { reason }, now) {
            Ok(event) => change.events.extend(event.map(|event| (id, event))),
            Err(refusal) => tracing::info!(escrow = %id, %refusal, "kept, though the peer gave up"),
        }
        Ok(())
    }

    /// Our envelopes that wait for their answers, without those whose signatures the backup target has not
    /// acknowledged.
    pub(crate) async fn to_send(&self) -> Result<Vec<StoredEnvelope>, NodeError> {
        let mut waiting = self.store.undelivered().await?;
        waiting.retain(|envelope| !self.held(envelope.session));
        Ok(waiting)
    }

    /// The session that a peer opens, as far as nobody opens too many.
    pub(crate) async fn new_session(
        &self,
        envelope: &Envelope,
        from: Visitor,
        now: u64,
    ) -> Result<NewSession, NodeError> {
        let counterparty = envelope.from();
        if self.store.session(envelope.session()).await?.is_some() {
            return Err(NodeError::Reused { what: "session" });
        }
        let negotiates = matches!(envelope.body(), Body::Rfq { .. });
        self.may_open(counterparty, from, negotiates, now).await?;
        Ok(NewSession {
            id: envelope.session(),
            counterparty,
            peer_url: None,
            offer_id: None,
            escrow: None,
            announcements: Vec::new(),
            address: from.name(),
        })
    }

    async fn stored_answer(&self, envelope: &Envelope) -> Result<Option<Vec<u8>>, NodeError> {
        let transcript = self.store.transcript(envelope.session()).await?;
        let next = transcript.into_iter().find(|stored| stored.ours && stored.seq == envelope.seq() + 1);
        Ok(next.map(|stored| stored.bytes))
    }

    /// A session as both sides have told it so far.
    pub(crate) async fn session(&self, id: Hex32) -> Result<Session, NodeError> {
        let envelopes = self.envelopes(id).await?;
        if envelopes.is_empty() {
            return Err(NodeError::NotFound { what: "session" });
        }
        verify_transcript(&envelopes).map_err(|(_, error)| error.into())
    }

    pub(crate) async fn envelopes(&self, session: Hex32) -> Result<Vec<Envelope>, NodeError> {
        let stored = self.store.transcript(session).await?;
        stored.iter().map(|stored| Ok(Envelope::verify(&stored.bytes)?)).collect()
    }

    async fn last_body(&self, session: Hex32) -> Result<Option<Body>, NodeError> {
        Ok(self.envelopes(session).await?.pop().map(Envelope::into_body))
    }

    /// Seals the session's next envelope, with the identity under which the session began. It is good until the funding deadline: a retry after a crash must still be
    /// taken.
    pub(crate) fn seal(
        &self,
        session: &mut Session,
        to: Hex32,
        body: Body,
        deadline: u64,
        now: u64,
    ) -> Result<Envelope, NodeError> {
        let expires = deadline.clamp(now + 600, now + protocol::envelope::MAX_LIFETIME_S);
        let draft = session.next(Hex32(random()?), to, UnixSeconds(now), UnixSeconds(expires), body);
        let own = session.peer_of(to).and_then(|own| self.keys.of(own));
        let envelope = Envelope::seal(draft, own.ok_or(NodeError::Damaged { what: "session" })?)?;
        session.push(&envelope)?;
        Ok(envelope)
    }

    fn good_until(&self, session: Hex32, body: &Body, change: &Change) -> u64 {
        match body {
            Body::Quote { agreement } => agreement.funding_deadline.0,
            _ => self.deadline(session, change),
        }
    }
}

/// Text that an envelope may carry.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_REASON).collect()
}

/// An envelope as it is stored.
pub(crate) fn record(envelope: &Envelope, ours: bool, delivered: bool) -> NewEnvelope {
    NewEnvelope {
        session: envelope.session(),
        seq: envelope.seq(),
        id: envelope.id(),
        ours,
        delivered,
        bytes: envelope.bytes(),
    }
}
