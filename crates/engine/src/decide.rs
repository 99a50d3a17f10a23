//! Whether a step is allowed now, and which event records it.

use bitcoin::OutPoint;
use terms::Sat;

use crate::bytes::Bytes;
use crate::close::{self, CloseStep};
use crate::escrow::Escrow;
use crate::event::{Coin, DlcRole, Event, SpendKind};
use crate::oracles::{self, OracleStep};
use crate::view::Status;

/// A step, with everything that it needs already built and checked by `contract`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Record the offer that we are about to send.
    MakeOffer {
        /// The message.
        offer: Bytes,
        /// Our coins in it.
        coins: Vec<Coin>,
    },
    /// Record the peer's offer and our accept, before it is sent.
    TakeOffer {
        /// The peer's message.
        offer: Bytes,
        /// Ours.
        accept: Bytes,
        /// Our coins in it.
        coins: Vec<Coin>,
        /// The output that the contract locks.
        funding: OutPoint,
    },
    /// Record the peer's accept and our signatures, before they are sent.
    TakeAccept {
        /// The peer's message.
        accept: Bytes,
        /// Ours.
        sign: Bytes,
        /// The output that the contract locks.
        funding: OutPoint,
    },
    /// Record the peer's signatures and the complete funding transaction, before it is broadcast.
    TakeSign {
        /// The peer's message.
        sign: Bytes,
        /// The funding transaction.
        funding_tx: Bytes,
    },
    /// Record the funding transaction that the chain showed us.
    SeeFunding {
        /// It.
        funding_tx: Bytes,
    },
    /// Record an attestation.
    TakeAttestation {
        /// The oracle's place in the agreement.
        oracle: usize,
        /// The message.
        attestation: Bytes,
    },
    /// Record what became known of the oracles.
    Oracles(OracleStep),
    /// Record the CET before it is broadcast.
    UseCet {
        /// It.
        tx: Bytes,
    },
    /// Record the refund before it is broadcast.
    UseRefund {
        /// It.
        tx: Bytes,
    },
    /// Record the transaction that takes our coins back, before it is broadcast.
    UseCancel {
        /// It.
        tx: Bytes,
    },
    /// A step towards a close by agreement.
    Close(CloseStep),
    /// Record the same at a higher fee, before it is broadcast.
    RaiseCancel {
        /// It.
        tx: Bytes,
        /// The chain's height.
        height: u32,
    },
    /// Record a child that pays for a transaction which waits, before it is broadcast.
    UseBump {
        /// The own output that it spends.
        spends: OutPoint,
        /// It.
        tx: Bytes,
        /// What it pays.
        fee_sat: Sat,
        /// The chain's height.
        height: u32,
    },
    /// End the escrow, whose coins are not at stake.
    Abandon {
        /// Why, in words for the owner.
        reason: String,
    },
    /// Record a spend of the funding output.
    SeeSpend {
        /// The spending transaction's id.
        txid: bitcoin::Txid,
        /// What it is.
        kind: SpendKind,
        /// It.
        tx: Bytes,
    },
}

/// Why a step is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The escrow has ended.
    #[error("the escrow has ended")]
    Ended,
    /// The step belongs to the other role.
    #[error("this step belongs to the contract's {0:?}")]
    WrongRole(DlcRole),
    /// The step was taken already, with other content.
    #[error("the {0} of this escrow is already known, and it is another one")]
    Differs(&'static str),
    /// The step before it is missing.
    #[error("the {0} of this escrow is missing")]
    Missing(&'static str),
    /// The time for this step is over: the funding deadline, or an earlier one for the contract's signatures.
    #[error("this step could be taken until {deadline}: it is {now}")]
    TooLate {
        /// The deadline in unix seconds.
        deadline: u64,
        /// The time in unix seconds.
        now: u64,
    },
    /// The funding deadline has not passed yet.
    #[error("the funding deadline {deadline} has not passed yet: it is {now}")]
    TooEarly {
        /// The deadline in unix seconds.
        deadline: u64,
        /// The time in unix seconds.
        now: u64,
    },
    /// The child that spends the same output already pays as much.
    #[error("a child that pays {known} sat is known, and {asked} sat are not more")]
    NotMore {
        /// What the known one pays.
        known: Sat,
        /// What the new one would pay.
        asked: Sat,
    },
    /// The coins are at stake, so the escrow cannot just be dropped.
    #[error("our signatures have left: only the chain can end this escrow")]
    AtStake,
    /// Only a funded escrow whose funding output is unspent can be closed by agreement.
    #[error("an escrow that is {} cannot be closed by agreement", .0.name())]
    NotClosable(Status),
    /// The proposal to close has expired.
    #[error("the proposal to close expired at {until}: it is {now}")]
    Expired {
        /// Its end in unix seconds.
        until: u64,
        /// The time in unix seconds.
        now: u64,
    },
    /// The proposal to close does not stand any more.
    #[error("the proposal to close was taken back")]
    Withdrawn,
    /// The peer made too many proposals.
    #[error("too many proposals to close this escrow")]
    TooManyProposals,
}

/// Whether a step is allowed now, and the event that records it.
///
/// `Ok(None)` means that the step was taken before, with the same content: a repeated message.
///
/// # Errors
/// Says why the step is not allowed. Nothing has changed then.
pub fn decide(escrow: &Escrow, command: Command, now: u64) -> Result<Option<Event>, Refusal> {
    match command {
        Command::MakeOffer { offer, coins } => {
            before_funding(escrow, DlcRole::Offerer, now)?;
            once(&escrow.offer, offer, "offer", |offer| Event::OfferMade { offer, coins })
        }
        Command::TakeOffer { offer, accept, coins, funding } => {
            before_funding(escrow, DlcRole::Accepter, now)?;
            once(&escrow.offer, offer, "offer", |offer| Event::OfferTaken { offer, accept, coins, funding })
        }
        Command::TakeAccept { accept, sign, funding } => {
            before_funding(escrow, DlcRole::Offerer, now)?;
            present(&escrow.offer, "offer")?;
            once(&escrow.accept, accept, "accept", |accept| Event::AcceptTaken { accept, sign, funding })
        }
        Command::TakeSign { sign, funding_tx } => {
            before_funding(escrow, DlcRole::Accepter, now)?;
            present(&escrow.accept, "accept")?;
            once(&escrow.sign, sign, "sign", |sign| Event::SignTaken { sign, funding_tx })
        }
        Command::SeeFunding { funding_tx } => {
            present(&escrow.accept, "accept")?;
            Ok(escrow.funding_tx.is_none().then_some(Event::FundingSeen { funding_tx }))
        }
        Command::TakeAttestation { oracle, attestation } => {
            present(&escrow.sign, "sign")?;
            let known = escrow.attestations.iter().find(|(index, _)| *index == oracle);
            once(&known.map(|(_, bytes)| bytes.clone()), attestation, "attestation", |attestation| {
                Event::Attested { oracle, attestation }
            })
        }
        Command::Oracles(step) => oracles::decide(escrow, step),
        Command::UseCet { tx } => {
            present(&escrow.sign, "sign")?;
            once(&escrow.cet, tx, "CET", |tx| Event::CetBuilt { tx })
        }
        Command::UseRefund { tx } => {
            present(&escrow.sign, "sign")?;
            once(&escrow.refund, tx, "refund", |tx| Event::RefundBuilt { tx })
        }
        Command::UseCancel { tx } => {
            cancellable(escrow, now)?;
            once(&escrow.cancel, tx, "cancel", |tx| Event::CancelBuilt { tx })
        }
        Command::Close(step) => close::decide(escrow, step, now),
        Command::RaiseCancel { tx, height } => {
            present(&escrow.cancel, "cancel")?;
            cancellable(escrow, now)?;
            Ok((escrow.cancel.as_ref() != Some(&tx)).then_some(Event::CancelRaised { tx, height }))
        }
        Command::UseBump { spends, tx, fee_sat, height } => use_bump(escrow, spends, tx, fee_sat, height),
        Command::Abandon { reason } => abandon(escrow, reason, now),
        Command::SeeSpend { txid, kind, tx } => {
            present(&escrow.accept, "accept")?;
            let known = escrow.spend.as_ref().is_some_and(|(known, ..)| *known == txid);
            Ok((!known).then_some(Event::SpendSeen { txid, kind, tx }))
        }
    }
}

fn before_funding(escrow: &Escrow, role: DlcRole, now: u64) -> Result<(), Refusal> {
    if escrow.opened.role != role {
        return Err(Refusal::WrongRole(role));
    }
    if escrow.abandoned.is_some() || escrow.cancel.is_some() {
        return Err(Refusal::Ended);
    }
    let deadline = escrow.given_up_at();
    if now >= deadline {
        return Err(Refusal::TooLate { deadline, now });
    }
    Ok(())
}

fn use_bump(
    escrow: &Escrow,
    spends: OutPoint,
    tx: Bytes,
    fee_sat: Sat,
    height: u32,
) -> Result<Option<Event>, Refusal> {
    present(&escrow.accept, "accept")?;
    match escrow.bump_of(spends) {
        Some(known) if known.tx == tx => Ok(None),
        Some(known) if known.fee_sat >= fee_sat => {
            Err(Refusal::NotMore { known: known.fee_sat, asked: fee_sat })
        }
        _ => Ok(Some(Event::BumpBuilt { spends, tx, fee_sat, height })),
    }
}

fn cancellable(escrow: &Escrow, now: u64) -> Result<(), Refusal> {
    present(&escrow.sign, "sign")?;
    let deadline = escrow.given_up_at();
    if now < deadline {
        return Err(Refusal::TooEarly { deadline, now });
    }
    Ok(())
}

/// Coins whose signatures are out are never just let go: the funding transaction could still use them, and another
/// escrow too. Whoever funds nothing has nothing to take back, but waits for the deadline.
fn abandon(escrow: &Escrow, reason: String, now: u64) -> Result<Option<Event>, Refusal> {
    if escrow.abandoned.is_some() {
        return Ok(None);
    }
    let deadline = escrow.given_up_at();
    if escrow.at_stake() && (!escrow.coins.is_empty() || now < deadline) {
        return Err(Refusal::AtStake);
    }
    Ok(Some(Event::Abandoned { reason }))
}

fn present(part: &Option<Bytes>, name: &'static str) -> Result<(), Refusal> {
    if part.is_none() { Err(Refusal::Missing(name)) } else { Ok(()) }
}

fn once(
    known: &Option<Bytes>,
    new: Bytes,
    name: &'static str,
    event: impl FnOnce(Bytes) -> Event,
) -> Result<Option<Event>, Refusal> {
    match known {
        None => Ok(Some(event(new))),
        Some(known) if *known == new => Ok(None),
        Some(_) => Err(Refusal::Differs(name)),
    }
}
