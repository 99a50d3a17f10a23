//! Renewal: an escrow's next window, agreed and funded with fresh coins before the old one ends.
//!
//! Both sides compute the next agreement from the old one by themselves ([`terms::Agreement::renewed`]) and both ask the
//! oracles to announce it. So nothing is negotiated: the buyer asks (`renew`), the provider quotes what both know, and
//! from `accept` on it is an escrow like any other, beside the old one and counted with it by the mandate.

use client::PeerClient;
use contract::Announcements;
use crashpoint::here;
use engine::Escrow;
use protocol::owner::{DryAction, DryRun, Purchase};
use protocol::{Body, Envelope, Session};
use serde::Deserialize;
use storage::{NewSession, StoredSession};
use terms::{Agreement, Hex32, Side, UnixSeconds};

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys::random;
use crate::node::Node;
use crate::outlook::of_escrow;
use crate::peers::exchange::record;
use crate::rehearsal::{NOBODYS, Terms, refund_at};
use crate::ticket::Ticket;
use crate::visitors::Visitor;

/// The configuration's section `[renewal]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RenewalConfig {
    /// Whether this node, as a provider, agrees to the next window of an escrow whenever its buyer asks, within the mandate.
    pub accept: bool,
}

/// Keeps two renewals of one escrow from running at once. No Idempotency-Key has a line feed.
fn turn(id: Hex32) -> String {
    format!("\nrenew {id}")
}

impl Node {
    /// Renews an escrow that we bought. Asked again it tells of the same renewal.
    ///
    /// # Errors
    /// When it cannot be renewed now, provider or oracle cannot be reached, the provider quotes other terms or refuses, the
    /// mandate forbids it, or the provider's record is too short.
    pub(crate) async fn renew(&self, id: Hex32, ticket: &Ticket) -> Result<Purchase, NodeError> {
        let _turn = self.turns.take(&turn(id)).await;
        let next = {
            let core = self.core.lock().await;
            if let Some(known) = core.renewal_of(id) {
                if ticket.is_rehearsal() {
                    let note = format!("it was renewed before, by escrow {known}");
                    return Err(NodeError::Rehearsed(Box::new(DryRun::of(DryAction::Nothing).noting(note))));
                }
                let escrow = core.escrow(known)?;
                let (terms_hash, outlook) = (escrow.agreement().terms_hash(), of_escrow(escrow));
                return Ok(Purchase { escrow_id: known.to_string(), terms_hash, outlook });
            }
            core.next_terms(id, Side::Buyer, self.now())?
        };
        // Fresh coins are locked: what is asked of a provider is asked again.
        self.known_of(next.provider.key).await?;
        let url = {
            let mut core = self.core.lock().await;
            // What refuses the dry run refuses the renewal, before anybody is asked for anything.
            let terms = core.renewal_terms(id, &next)?;
            match core.rehearsed_as(ticket, terms, self.now()) {
                NodeError::Rehearsed(_) if !ticket.is_rehearsal() => {}
                end => return Err(end),
            }
            let session = core.store.session(id).await?;
            session.and_then(|session| session.peer_url).ok_or(NodeError::NotFound { what: "peer" })?
        };
        let announcements = self.announced(&next).await?;
        let ask = self.ask_to_renew(id, &next, &url, &announcements, ticket).await?;
        here!("send.before:renew");
        let answer = PeerClient::new(&url)?.post(&ask, self.now()).await?;
        here!("send.after:renew");
        let quote = answer.ok_or(NodeError::Unexpected { got: "empty answer" })?;
        self.take(&ask, &quote, next, &announcements, Some(id), ticket).await
    }

    /// Stores the session and its first envelope, once the mandate would allow what is asked for.
    async fn ask_to_renew(
        &self,
        id: Hex32,
        next: &Agreement,
        url: &str,
        announcements: &[Vec<u8>],
        ticket: &Ticket,
    ) -> Result<Envelope, NodeError> {
        let now = self.now();
        let mut core = self.core.lock().await;
        let session = Hex32(random()?);
        core.act_for(session, ticket.name());
        core.begin(session, Side::Buyer, next.clone(), announcements, now)?;
        let counterparty = next.provider.key;
        let (at, expires) = (UnixSeconds(now), UnixSeconds(now + 600));
        let body = Body::Renew { escrow: id };
        let draft = Session::first(session, Hex32(random()?), counterparty, at, expires, body);
        let ask = Envelope::seal(draft, &core.keys.identity)?;
        let session = NewSession {
            id: session,
            counterparty,
            peer_url: Some(url.to_owned()),
            offer_id: None,
            escrow: Some(id),
            announcements: announcements.to_vec(),
            address: None,
        };
        let envelopes = vec![record(&ask, true, true)];
        core.commit(Change { session: Some(session), envelopes, ..Change::default() }, now).await?;
        Ok(ask)
    }

    /// The announcements of an agreement's event, which its oracles are asked to measure; asked again they give the same.
    /// One that measures only for those it knows need not know us where it has announced the event to somebody else.
    async fn announced(&self, agreement: &Agreement) -> Result<Vec<Vec<u8>>, NodeError> {
        let mut announcements = Vec::new();
        for key in &agreement.oracles.keys {
            let announced = match self.announce(*key, &agreement.measurement).await {
                Err(refusal) if refusal.is_unknown_asker() => {
                    let known = self.oracle(*key)?.announcement(&agreement.event_id).await?;
                    known.ok_or(NodeError::NotMeasuredForUs { oracle: *key, key: self.own_keys().current })?
                }
                announced => announced?,
            };
            announcements.push(announced);
        }
        let checked = Announcements::parse(agreement, &announcements)?;
        self.check_nonces(agreement, &checked).await?;
        Ok(announcements)
    }

    /// Provider: takes a buyer's wish for the next window, and quotes it.
    ///
    /// # Errors
    /// When this node renews nothing, the escrow cannot be renewed now, or the mandate forbids it.
    pub(crate) async fn receive_renewal(
        &self,
        envelope: &Envelope,
        escrow: Hex32,
        from: Visitor,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let next = {
            let mut core = self.core.lock().await;
            if core.store.envelope(envelope.id()).await?.is_some() {
                return core.receive(envelope, from, self.now()).await;
            }
            core.asked_for(escrow, envelope.from(), self.now())?
        };
        let announcements = self.announced(&next).await?;
        let now = self.now();
        self.core.lock().await.quote_renewal(envelope, escrow, announcements, from, now).await
    }
}

impl Core {
    /// The terms of a renewal before any oracle is asked to announce them: its event matures as the last one did.
    fn renewal_terms<'a>(&self, id: Hex32, next: &'a Agreement) -> Result<Terms<'a>, NodeError> {
        let old = self.escrow(id)?;
        let publication_s = old.opened.maturity.saturating_sub(old.agreement().measurement.window.end.0);
        let refund_at = refund_at(next, publication_s);
        Ok(Terms { action: DryAction::Lock, id: NOBODYS, side: Side::Buyer, agreement: next, refund_at })
    }

    async fn quote_renewal(
        &mut self,
        envelope: &Envelope,
        escrow: Hex32,
        announcements: Vec<Vec<u8>>,
        from: Visitor,
        now: u64,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let next = self.asked_for(escrow, envelope.from(), now)?;
        let new = self.new_session(envelope, from, now).await?;
        self.act_as_before(new.id, Some(escrow));
        // Refuse what could not be begun: reserving comes later, knowing does not.
        self.begin(new.id, Side::Provider, next.clone(), &announcements, now)?;
        let mut session = Session::open(envelope)?;
        let until = next.funding_deadline.0;
        let quote = Body::Quote { agreement: Box::new(next) };
        let answer = self.seal(&mut session, envelope.from(), quote, until, now)?;
        let change = Change {
            session: Some(NewSession { escrow: Some(escrow), announcements, ..new }),
            envelopes: vec![record(envelope, false, true), record(&answer, true, true)],
            ..Change::default()
        };
        self.commit(change, now).await?;
        Ok(Some(answer.bytes()))
    }

    /// Provider: the announcements that a session's quote was made with, and the escrow that it renews.
    pub(crate) async fn promised(
        &self,
        session: &StoredSession,
        now: u64,
    ) -> Result<(Vec<Vec<u8>>, Option<Hex32>), NodeError> {
        match (session.escrow, session.offer_id) {
            (Some(escrow), _) => {
                self.asked_for(escrow, session.counterparty, now)?;
                Ok((session.announcements.clone(), Some(escrow)))
            }
            (None, Some(offer_id)) => {
                let (offer, announcements) = self.published(offer_id).await?;
                offer.check(now)?;
                Ok((announcements, None))
            }
            (None, None) => Err(NodeError::NotFound { what: "offer" }),
        }
    }

    /// Provider: the next terms of an escrow, for its buyer alone, and once.
    fn asked_for(&self, escrow: Hex32, buyer: Hex32, now: u64) -> Result<Agreement, NodeError> {
        let known = self.escrows.get(&escrow).filter(|escrow| escrow.counterparty() == buyer);
        known.ok_or(NodeError::NotFound { what: "escrow" })?;
        if !self.config.renewal.accept {
            return Err(NodeError::RenewsNothing);
        }
        if self.renewal_of(escrow).is_some() {
            return Err(NodeError::Reused { what: "the escrow's renewal" });
        }
        self.next_terms(escrow, Side::Provider, now)
    }

    /// The terms of an escrow's next window, where we are on this side and there is still time to fund it.
    fn next_terms(&self, id: Hex32, side: Side, now: u64) -> Result<Agreement, NodeError> {
        let escrow: &Escrow = self.escrow(id)?;
        if escrow.opened.side != side || !escrow.can_close() {
            return Err(NodeError::NotRenewable { state: escrow.noted.name() });
        }
        let next = escrow.agreement().renewed()?;
        let deadline = next.funding_deadline.0;
        if now >= deadline {
            return Err(engine::Refusal::TooLate { deadline, now }.into());
        }
        Ok(next)
    }
}
