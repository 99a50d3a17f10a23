//! Closing by agreement: what the owner wants, what is owed, and what is signed without asking.
//!
//! Each proposal has a session of its own: `close_propose`, and one answer to it (`close_sign` or `reject`) or its
//! `withdraw`. So both sides can speak at once without disturbing each other. [`talk`] is the conversation.

pub(crate) mod talk;
mod view;

use contract::{Close, close};
use engine::{CloseStep, Command, Escrow, Event, decide};
use protocol::owner::{CloseRequest, CloseView, DryAction};
use protocol::{Body, Envelope, Hex64, Session};
use storage::NewSession;
use terms::{DocumentError, Hex32, Sat, Side, UnixSeconds};

use crate::chain::parse;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys::random;
use crate::peers::exchange::record;
use crate::rehearsal;
use crate::ticket::Ticket;

pub(crate) use view::close_view;

impl Core {
    /// Proposes to close an escrow, on the owner's word. It signs nothing.
    ///
    /// # Errors
    /// When the escrow cannot be closed, no split is named or known, or a side would get 1 to 999 sat.
    pub(crate) async fn propose_close(
        &mut self,
        id: Hex32,
        request: &CloseRequest,
        ticket: &Ticket,
        now: u64,
    ) -> Result<CloseView, NodeError> {
        let until = now + request.check()?;
        let session = Hex32(random()?);
        let known = self.attested_split(id)?;
        let step = |provider_sat, due_sat| CloseStep::Propose { session, provider_sat, until, due_sat };
        // Whether it can be closed at all comes before what it would pay.
        self.close_event(id, step(Sat(0), None), now)?;
        let unknown = "must be named: no attestation says yet what is owed";
        let provider_sat =
            request.provider_sat.or(known).ok_or_else(|| DocumentError::new("provider_sat", unknown))?;
        let split = self.close_at(id, provider_sat)?;
        let due_sat = known.map(|known| self.escrow(id).map(|escrow| escrow.own_part(known))).transpose()?;
        let event = self.close_event(id, step(provider_sat, due_sat), now)?;
        if ticket.is_rehearsal() {
            return Err(NodeError::Rehearsed(Box::new(rehearsal::split(DryAction::ProposeClose, &split))));
        }
        let peer_url = self.store.session(id).await?.and_then(|session| session.peer_url);
        let escrow = self.escrow(id)?;
        let body = Body::ClosePropose {
            escrow: id,
            provider_sat,
            buyer_sat: split.buyer_sat,
            reason: request.reason.clone(),
        };
        let (at, expires) = (UnixSeconds(now), UnixSeconds(until));
        let draft = Session::first(session, Hex32(random()?), escrow.counterparty(), at, expires, body);
        let envelope = Envelope::seal(draft, self.identity_in(id)?)?;
        // A provider's proposal waits until the buyer's node looks for it.
        let delivered = peer_url.is_none();
        let change = Change {
            session: Some(NewSession {
                id: session,
                counterparty: escrow.counterparty(),
                peer_url,
                offer_id: None,
                escrow: Some(id),
                announcements: Vec::new(),
                address: None,
            }),
            envelopes: vec![record(&envelope, true, delivered)],
            ..Change::default()
        };
        let view = self.say_close(id, event, change, ticket, now).await?;
        // The peer may have proposed the very same already.
        self.consider_close(id, now).await?;
        Ok(view)
    }

    /// Agrees to the peer's proposal, on the owner's word: signs it. Again changes nothing.
    ///
    /// # Errors
    /// When there is no such proposal, or it does not stand any more.
    pub(crate) async fn approve_close(
        &mut self,
        id: Hex32,
        proposal: Hex32,
        ticket: &Ticket,
        now: u64,
    ) -> Result<CloseView, NodeError> {
        let step = decide(self.escrow(id)?, Command::Close(CloseStep::Sign { session: proposal }), now)?;
        if ticket.is_rehearsal() {
            return Err(self.rehearsed_signature(id, step.is_some())?);
        }
        match step {
            None => Ok(close_view(self.escrow(id)?, now)),
            Some(event) => {
                let body = self.close_signature(id)?;
                let change = self.answer_to(proposal, body, now).await?;
                self.say_close(id, event, change, ticket, now).await
            }
        }
    }

    /// Where the dry run of signing the peer's proposal ends: nothing was signed.
    fn rehearsed_signature(&mut self, id: Hex32, is_new: bool) -> Result<NodeError, NodeError> {
        let missing = engine::Refusal::Missing("proposal");
        let provider_sat = self.escrow(id)?.closes.peer.as_ref().ok_or(missing)?.provider_sat;
        let split = self.close_at(id, provider_sat)?;
        let action = if is_new { DryAction::SignClose } else { DryAction::Nothing };
        Ok(NodeError::Rehearsed(Box::new(rehearsal::split(action, &split))))
    }

    /// Refuses the peer's proposal, on the owner's word.
    ///
    /// # Errors
    /// When there is no such proposal, or it was signed.
    pub(crate) async fn refuse_close(
        &mut self,
        id: Hex32,
        proposal: Hex32,
        ticket: &Ticket,
        now: u64,
    ) -> Result<CloseView, NodeError> {
        match decide(self.escrow(id)?, Command::Close(CloseStep::Refuse { session: proposal }), now)? {
            None => Ok(close_view(self.escrow(id)?, now)),
            Some(event) => {
                let body = Body::Reject { reason: "the owner refuses".to_owned(), is_final: true };
                let change = self.answer_to(proposal, body, now).await?;
                self.say_close(id, event, change, ticket, now).await
            }
        }
    }

    /// Takes our own proposal back, on the owner's word. A signature that comes all the same is not used.
    ///
    /// # Errors
    /// When there is no such proposal.
    pub(crate) async fn withdraw_close(
        &mut self,
        id: Hex32,
        proposal: Hex32,
        ticket: &Ticket,
        now: u64,
    ) -> Result<CloseView, NodeError> {
        let reason = "taken back".to_owned();
        let step = CloseStep::Drop { session: proposal, reason: reason.clone() };
        match decide(self.escrow(id)?, Command::Close(step), now)? {
            None => Ok(close_view(self.escrow(id)?, now)),
            Some(event) => {
                let change = self.answer_to(proposal, Body::Withdraw { reason }, now).await?;
                self.say_close(id, event, change, ticket, now).await
            }
        }
    }

    /// Signs the peer's open proposal where that needs no owner. Returns whether it did.
    ///
    /// # Errors
    /// When the contract cannot be read or the database fails.
    pub(crate) async fn consider_close(&mut self, id: Hex32, now: u64) -> Result<bool, NodeError> {
        let Some(proposal) = self.escrow(id)?.peer_proposal(now).cloned() else { return Ok(false) };
        if !self.escrow(id)?.can_close() || !self.agrees(id, self.escrow(id)?.clone(), now)? {
            return Ok(false);
        }
        let event = self.close_event(id, CloseStep::Sign { session: proposal.session }, now)?;
        let body = self.close_signature(id)?;
        let change = self.answer_to(proposal.session, body, now).await?;
        self.say_close(id, event, change, &Ticket::default(), now).await?;
        Ok(true)
    }

    /// Whether the proposal that an escrow's record holds needs no owner's word.
    fn agrees(&mut self, id: Hex32, escrow: Escrow, now: u64) -> Result<bool, NodeError> {
        let Some(proposal) = escrow.peer_proposal(now) else { return Ok(false) };
        let due_sat = self.due_sat(id)?;
        let most_sat = self.most_sat(id)?;
        Ok(escrow.agrees_by_itself(proposal.provider_sat, due_sat, most_sat, now))
    }

    /// What the CET that the attestations unlock pays the provider, once there is one.
    fn attested_split(&mut self, id: Hex32) -> Result<Option<Sat>, NodeError> {
        let Some(cet) = self.escrow(id)?.cet.as_ref().and_then(parse) else { return Ok(None) };
        let txid = cet.compute_txid();
        let contract = self.contract(id)?;
        let mut cets = contract.transactions().cets.iter();
        Ok(cets.find(|cet| cet.transaction.compute_txid() == txid).map(|cet| cet.provider_sat))
    }

    /// Our part of what the attestations pay.
    pub(crate) fn due_sat(&mut self, id: Hex32) -> Result<Option<Sat>, NodeError> {
        let split = self.attested_split(id)?;
        split.map(|split| Ok(self.escrow(id)?.own_part(split))).transpose()
    }

    /// The most that any outcome, or the refund, pays us.
    fn most_sat(&mut self, id: Hex32) -> Result<Sat, NodeError> {
        let contract = self.contract(id)?;
        let escrow = self.escrow(id)?;
        let paid = contract.transactions().cets.iter().map(|cet| match escrow.opened.side {
            Side::Provider => cet.provider_sat,
            Side::Buyer => cet.buyer_sat,
        });
        Ok(paid.fold(escrow.own_collateral(), Sat::max))
    }

    /// The close of an escrow's contract at a split.
    fn close_at(&mut self, id: Hex32, provider_sat: Sat) -> Result<Close, NodeError> {
        Ok(close::close(&self.contract(id)?, provider_sat)?)
    }

    /// Our half of the close that the peer proposed.
    fn close_signature(&mut self, id: Hex32) -> Result<Body, NodeError> {
        let missing = engine::Refusal::Missing("proposal");
        let provider_sat = self.escrow(id)?.closes.peer.as_ref().ok_or(missing)?.provider_sat;
        self.signature_at(id, provider_sat)
    }

    fn signature_at(&mut self, id: Hex32, provider_sat: Sat) -> Result<Body, NodeError> {
        let contract = self.contract(id)?;
        let key = self.keys.contracts.secret(contract.temporary_id())?;
        let split = close::close(&contract, provider_sat)?;
        Ok(Body::CloseSign { signature_hex: Hex64(close::sign(&contract, &split, &key)?) })
    }

    fn close_event(&self, id: Hex32, step: CloseStep, now: u64) -> Result<Event, NodeError> {
        let event = decide(self.escrow(id)?, Command::Close(step), now)?;
        event.ok_or(NodeError::Reused { what: "proposal" })
    }

    /// Writes a step with the envelope that tells it and the answer to the owner, and shows where it leads.
    async fn say_close(
        &mut self,
        id: Hex32,
        event: Event,
        mut change: Change,
        ticket: &Ticket,
        now: u64,
    ) -> Result<CloseView, NodeError> {
        let mut after = self.escrow(id)?.clone();
        after.apply(&event);
        let view = close_view(&after, now);
        tracing::info!(escrow = %id, event = event.name(), "closing by agreement");
        change.events.push((id, event));
        change.answer = ticket.answer(&view)?;
        self.commit(change, now).await?;
        Ok(view)
    }
}
