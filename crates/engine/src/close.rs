//! Closing by agreement: who proposed what, who signed, and when a signature may still be used.
//!
//! A proposal signs nothing. The one who agrees signs first, and so gives the proposer an option until the funding
//! output is spent (nothing takes a signature back); the proposer completes at once, and never after the proposal's
//! end. CET and refund stay as they are all the time.

use terms::{Hex32, Sat, Side};

use crate::bytes::Bytes;
use crate::decide::Refusal;
use crate::escrow::Escrow;
use crate::event::Event;
use crate::view::Status;

/// So many proposals of a peer are looked at in an escrow's life: each is stored for ever.
pub const MOST_OFFERED: u32 = 50;

/// What is known about closing an escrow by agreement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closes {
    /// Our last proposal.
    pub own: Option<OwnProposal>,
    /// The peer's last proposal.
    pub peer: Option<PeerProposal>,
    /// How many the peer made.
    pub offered: u32,
    /// The session of the proposal of ours that the peer signed.
    pub signed: Option<Hex32>,
    /// A complete close: ours, or one that the chain showed.
    pub tx: Option<Bytes>,
}

/// What we proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnProposal {
    /// Its session.
    pub session: Hex32,
    /// What the provider would get.
    pub provider_sat: Sat,
    /// From this moment on we complete it no more.
    pub until: u64,
    /// What the attestations paid us when our owner gave its word, if they were there.
    pub due_sat: Option<Sat>,
    /// Why nothing comes of it.
    pub dropped: Option<String>,
}

/// What the peer proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerProposal {
    /// Its session.
    pub session: Hex32,
    /// What the provider would get.
    pub provider_sat: Sat,
    /// From this moment on it can't be agreed to.
    pub until: u64,
    /// Why, in the peer's words.
    pub reason: String,
    /// What we answered.
    pub answer: Option<CloseAnswer>,
}

/// What we answered to a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseAnswer {
    /// We signed.
    Signed,
    /// We refused.
    Refused,
}

/// A step towards a close, with everything that it needs already built and checked by `contract`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseStep {
    /// Record our proposal before it is sent. It takes the place of an earlier one.
    Propose {
        /// A session of its own.
        session: Hex32,
        /// What the provider would get.
        provider_sat: Sat,
        /// From this moment on we complete it no more.
        until: u64,
        /// What the attestations pay us, if they are here.
        due_sat: Option<Sat>,
    },
    /// Record the peer's proposal. It takes the place of an earlier one.
    TakeProposal {
        /// Its session.
        session: Hex32,
        /// What the provider would get.
        provider_sat: Sat,
        /// From this moment on it can't be agreed to.
        until: u64,
        /// Why, in the peer's words.
        reason: String,
    },
    /// Record that we sign what the peer proposed, before the signature leaves.
    Sign {
        /// The proposal's session.
        session: Hex32,
    },
    /// Record that we refuse it.
    Refuse {
        /// The proposal's session.
        session: Hex32,
    },
    /// Give our own proposal up.
    Drop {
        /// Its session.
        session: Hex32,
        /// Why.
        reason: String,
    },
    /// Record the close that the peer's signature completes, before it is broadcast.
    Build {
        /// Our proposal's session.
        session: Hex32,
        /// The transaction.
        tx: Bytes,
        /// What the attestations pay us, if they are here.
        due_sat: Option<Sat>,
    },
}

impl Escrow {
    /// Our part of a split.
    pub fn own_part(&self, provider_sat: Sat) -> Sat {
        match self.opened.side {
            Side::Provider => provider_sat,
            Side::Buyer => Sat(self.agreement().total_sat().0.saturating_sub(provider_sat.0)),
        }
    }

    /// Whether a close can be agreed now: funded and not spent, as far as was noted, and none is complete.
    pub fn can_close(&self) -> bool {
        let open = matches!(self.noted, Status::Funded | Status::Measuring | Status::Attested);
        open && self.closes.tx.is_none()
    }

    /// Our proposal, while its word holds.
    pub fn own_proposal(&self, now: u64) -> Option<&OwnProposal> {
        self.closes.own.as_ref().filter(|own| own.dropped.is_none() && now < own.until)
    }

    /// The peer's proposal, while it waits for our answer.
    pub fn peer_proposal(&self, now: u64) -> Option<&PeerProposal> {
        self.closes.peer.as_ref().filter(|peer| peer.answer.is_none() && now < peer.until)
    }

    /// Whether a node signs a split without asking its owner: when it pays us no less than we get anyway, or when it is
    /// what our owner proposed. What we get anyway is what the attestations pay; before them, the most that any
    /// outcome could.
    pub fn agrees_by_itself(&self, provider_sat: Sat, due_sat: Option<Sat>, most_sat: Sat, now: u64) -> bool {
        let ours = self.own_part(provider_sat);
        let wanted = self.own_proposal(now).filter(|own| own.provider_sat == provider_sat);
        ours >= due_sat.unwrap_or(most_sat) || wanted.is_some_and(|own| !own.is_overtaken(ours, due_sat))
    }
}

impl OwnProposal {
    /// Whether attestations came after our owner's word, and pay us more than it.
    fn is_overtaken(&self, ours: Sat, due_sat: Option<Sat>) -> bool {
        due_sat.is_some_and(|due| ours < due && self.due_sat != Some(due))
    }
}

/// Whether a step towards a close is allowed now, and the event that records it.
pub(crate) fn decide(escrow: &Escrow, step: CloseStep, now: u64) -> Result<Option<Event>, Refusal> {
    match step {
        CloseStep::Propose { session, provider_sat, until, due_sat } => {
            closable(escrow)?;
            Ok(Some(Event::CloseProposed { session, provider_sat, until, due_sat }))
        }
        CloseStep::TakeProposal { session, provider_sat, until, reason } => {
            if let Some(known) = escrow.closes.peer.as_ref().filter(|peer| peer.session == session) {
                let same = (known.provider_sat, known.until) == (provider_sat, until);
                return if same { Ok(None) } else { Err(Refusal::Differs("proposal")) };
            }
            closable(escrow)?;
            in_time(until, now)?;
            if escrow.closes.offered >= MOST_OFFERED {
                return Err(Refusal::TooManyProposals);
            }
            Ok(Some(Event::CloseOffered { session, provider_sat, until, reason }))
        }
        CloseStep::Sign { session } => match answered(escrow, session)? {
            (_, Some(CloseAnswer::Signed)) => Ok(None),
            (_, Some(CloseAnswer::Refused)) => Err(Refusal::Differs("answer to the proposal")),
            (until, None) => {
                closable(escrow)?;
                in_time(until, now)?;
                Ok(Some(Event::CloseSigned { session }))
            }
        },
        CloseStep::Refuse { session } => match answered(escrow, session)?.1 {
            Some(CloseAnswer::Refused) => Ok(None),
            Some(CloseAnswer::Signed) => Err(Refusal::Differs("answer to the proposal")),
            None => Ok(Some(Event::CloseRefused { session })),
        },
        CloseStep::Drop { session, reason } => {
            let own = own(escrow, session)?;
            Ok(own.dropped.is_none().then_some(Event::CloseDropped { session, reason }))
        }
        CloseStep::Build { session, tx, due_sat } => build(escrow, session, tx, due_sat, now),
    }
}

fn build(
    escrow: &Escrow,
    session: Hex32,
    tx: Bytes,
    due_sat: Option<Sat>,
    now: u64,
) -> Result<Option<Event>, Refusal> {
    let own = own(escrow, session)?;
    if escrow.closes.tx.as_ref() == Some(&tx) {
        return Ok(None);
    }
    closable(escrow)?;
    in_time(own.until, now)?;
    if own.dropped.is_some() || own.is_overtaken(escrow.own_part(own.provider_sat), due_sat) {
        return Err(Refusal::Withdrawn);
    }
    Ok(Some(Event::CloseBuilt { session, tx }))
}

fn own(escrow: &Escrow, session: Hex32) -> Result<&OwnProposal, Refusal> {
    escrow.closes.own.as_ref().filter(|own| own.session == session).ok_or(Refusal::Withdrawn)
}

fn answered(escrow: &Escrow, session: Hex32) -> Result<(u64, Option<CloseAnswer>), Refusal> {
    let peer = escrow.closes.peer.as_ref().filter(|peer| peer.session == session);
    peer.map(|peer| (peer.until, peer.answer)).ok_or(Refusal::Missing("proposal"))
}

fn closable(escrow: &Escrow) -> Result<(), Refusal> {
    if escrow.can_close() { Ok(()) } else { Err(Refusal::NotClosable(escrow.noted)) }
}

fn in_time(until: u64, now: u64) -> Result<(), Refusal> {
    if now < until { Ok(()) } else { Err(Refusal::Expired { until, now }) }
}

impl Closes {
    /// Adds what an event says about closing.
    pub(crate) fn apply(&mut self, event: Event) {
        match event {
            Event::CloseProposed { session, provider_sat, until, due_sat } => {
                self.own = Some(OwnProposal { session, provider_sat, until, due_sat, dropped: None });
            }
            Event::CloseOffered { session, provider_sat, until, reason } => {
                self.offered += 1;
                self.peer = Some(PeerProposal { session, provider_sat, until, reason, answer: None });
            }
            Event::CloseSigned { session } => self.answer(session, CloseAnswer::Signed),
            Event::CloseRefused { session } => self.answer(session, CloseAnswer::Refused),
            Event::CloseDropped { session, reason } => {
                if let Some(own) = self.own.as_mut().filter(|own| own.session == session) {
                    own.dropped = Some(reason);
                }
            }
            Event::CloseBuilt { session, tx } => {
                self.signed = Some(session);
                self.tx = Some(tx);
            }
            _ => {}
        }
    }

    fn answer(&mut self, session: Hex32, answer: CloseAnswer) {
        if let Some(peer) = self.peer.as_mut().filter(|peer| peer.session == session) {
            peer.answer = Some(answer);
        }
    }
}
