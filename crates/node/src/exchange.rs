//! The conversation with a peer: sessions of envelopes, each answered once.
//!
//! Who receives an envelope and who gets its answer react to a body in the same way ([`Core::react`]).
//! What the reaction changes, the envelope and the answer are written together, so that a repeated
//! envelope finds its stored answer, and a crash finds either all of it or nothing.

use engine::{Command, DlcRole, Event, decide};
use protocol::{Body, Envelope, Session, verify_transcript};
use storage::{NewEnvelope, NewSession};
use terms::{Hex32, Side, UnixSeconds};

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys::random;

/// The most sessions one peer may open within an hour.
const SESSIONS_PER_HOUR: u64 = 60;

impl Core {
    /// Takes an envelope from a peer, and gives the bytes of its answer; `None` when there is nothing to answer.
    ///
    /// # Errors
    /// Says what is wrong with it. Nothing is stored then.
    pub(crate) async fn receive(&mut self, bytes: &[u8], now: u64) -> Result<Option<Vec<u8>>, NodeError> {
        let envelope = Envelope::open(bytes, now, self.keys.public())?;
        if let Some(stored) = self.store.envelope(envelope.id()).await? {
            if stored.bytes != envelope.bytes() {
                return Err(NodeError::Reused { what: "id" });
            }
            return self.stored_answer(&envelope).await;
        }
        let mut change = Change::default();
        let mut session = match envelope.body() {
            Body::Rfq { offer_id } => {
                change.session = Some(self.new_session(&envelope, *offer_id, now).await?);
                Session::open(&envelope)?
            }
            _ => {
                let mut session = self.session(envelope.session()).await?;
                session.push(&envelope)?;
                session
            }
        };
        let last = self.last_body(envelope.session()).await?;
        let answer = self.react(&envelope, last, &mut change, now).await?;
        change.envelopes.push(record(&envelope, false, true));
        let answer = match answer {
            None => None,
            Some(body) => {
                let answer = self.seal(&mut session, envelope.from(), body, now)?;
                change.envelopes.push(record(&answer, true, true));
                Some(answer.bytes())
            }
        };
        self.commit(change, now).await?;
        Ok(answer)
    }

    /// Takes the answer to an envelope of ours, and goes on: the next envelope is stored, still to be sent.
    ///
    /// # Errors
    /// Says what is wrong with the answer. Nothing is stored then.
    pub(crate) async fn answered(
        &mut self,
        sent: &Envelope,
        answer: Option<&Envelope>,
        now: u64,
    ) -> Result<(), NodeError> {
        let mut change = Change { delivered: vec![sent.id()], ..Change::default() };
        let mut session = self.session(sent.session()).await?;
        let next = match answer {
            None => self.go_on(sent, &mut change, now)?,
            Some(answer) => {
                session.push(answer)?;
                change.envelopes.push(record(answer, false, true));
                self.react(answer, Some(sent.body().clone()), &mut change, now).await?
            }
        };
        if let Some(body) = next {
            let next = self.seal(&mut session, sent.to(), body, now)?;
            change.envelopes.push(record(&next, true, false));
        }
        self.commit(change, now).await
    }

    /// The peer refuses an envelope of ours for good: the escrow ends, unless its coins are at stake already.
    pub(crate) async fn refused(&mut self, sent: &Envelope, why: &str, now: u64) -> Result<(), NodeError> {
        let mut change = Change { delivered: vec![sent.id()], ..Change::default() };
        self.abandon(sent.session(), format!("the peer refused: {why}"), &mut change, now)?;
        self.commit(change, now).await
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
            other @ (Body::Quote { .. } | Body::Counter { .. }) => {
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
        let id = envelope.session();
        let session = self.store.session(id).await?.ok_or(NodeError::NotFound { what: "session" })?;
        let (offer, announcements) = self.published(session.offer_id).await?;
        offer.check(now)?;
        let opened = self.begin(id, Side::Provider, *agreement, &announcements, now)?;
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

    fn abandon(&self, id: Hex32, reason: String, change: &mut Change, now: u64) -> Result<(), NodeError> {
        let Some(escrow) = self.escrows.get(&id) else { return Ok(()) };
        match decide(escrow, Command::Abandon { reason }, now) {
            Ok(event) => change.events.extend(event.map(|event| (id, event))),
            Err(refusal) => tracing::info!(escrow = %id, %refusal, "kept, though the peer gave up"),
        }
        Ok(())
    }

    async fn new_session(
        &self,
        envelope: &Envelope,
        offer_id: Hex32,
        now: u64,
    ) -> Result<NewSession, NodeError> {
        let counterparty = envelope.from();
        if self.store.sessions_since(counterparty, now.saturating_sub(3_600)).await? >= SESSIONS_PER_HOUR {
            return Err(NodeError::TooManySessions);
        }
        Ok(NewSession { id: envelope.session(), counterparty, peer_url: None, offer_id })
    }

    async fn stored_answer(&self, envelope: &Envelope) -> Result<Option<Vec<u8>>, NodeError> {
        let transcript = self.store.transcript(envelope.session()).await?;
        let next = transcript.into_iter().find(|stored| stored.ours && stored.seq == envelope.seq() + 1);
        Ok(next.map(|stored| stored.bytes))
    }

    /// A session as both sides have told it so far.
    async fn session(&self, id: Hex32) -> Result<Session, NodeError> {
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

    /// Seals the session's next envelope.
    pub(crate) fn seal(
        &self,
        session: &mut Session,
        to: Hex32,
        body: Body,
        now: u64,
    ) -> Result<Envelope, NodeError> {
        let expires = self.expiry(session.id(), &body, now);
        let draft = session.next(Hex32(random()?), to, UnixSeconds(now), expires, body);
        let envelope = Envelope::seal(draft, &self.keys.identity)?;
        session.push(&envelope)?;
        Ok(envelope)
    }

    /// An envelope is good until the funding deadline: a retry after a crash must still be taken.
    fn expiry(&self, session: Hex32, body: &Body, now: u64) -> UnixSeconds {
        let deadline = match body {
            Body::Quote { agreement } => agreement.funding_deadline.0,
            _ => self.escrows.get(&session).map_or(0, |escrow| escrow.agreement().funding_deadline.0),
        };
        UnixSeconds(deadline.clamp(now + 600, now + protocol::envelope::MAX_LIFETIME_S))
    }
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
