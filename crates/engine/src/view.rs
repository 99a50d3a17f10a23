//! What the chain shows about an escrow at one moment, and the state that follows from it.

use bitcoin::Txid;
use serde::{Deserialize, Serialize};

use crate::escrow::Escrow;
use crate::event::SpendKind;

/// Where a transaction is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Neither in the mempool nor in a block of the current chain.
    #[default]
    Unknown,
    /// In the mempool.
    Mempool,
    /// In a block of the current chain.
    Confirmed {
        /// The block's height.
        height: u32,
    },
}

impl Place {
    /// How deep it is under a tip: 1 when the tip itself holds it, 0 when it is not confirmed.
    pub fn confirmations(self, tip: u32) -> u32 {
        match self {
            Self::Confirmed { height } => (tip + 1).saturating_sub(height),
            Self::Unknown | Self::Mempool => 0,
        }
    }

    /// Whether it is anywhere at all.
    pub fn is_seen(self) -> bool {
        self != Self::Unknown
    }
}

/// A spend of the funding output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpendView {
    /// The spending transaction.
    pub txid: Txid,
    /// What it is.
    pub kind: SpendKind,
    /// Where it is.
    pub place: Place,
}

/// What the chain shows about one escrow at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainView {
    /// The tip's height.
    pub height: u32,
    /// The tip's median time past, which timelocks compare.
    pub median_time_past: u64,
    /// The depth at which something counts as final.
    pub depth: u32,
    /// The funding transaction.
    pub funding: Place,
    /// A spend of its output.
    pub spend: Option<SpendView>,
    /// A transaction that the funding transaction conflicts with: ours that takes our coins back, wherever it is, or
    /// anybody's that a block holds.
    pub cancel: Place,
}

/// The state of an escrow as its owner sees it (DESIGN.md, "Life of an escrow").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Both sides agreed to the terms.
    Agreed,
    /// The offer is made.
    Offered,
    /// The offer is accepted.
    Accepted,
    /// Our signatures have left; the peer can fund.
    Signed,
    /// The funding transaction waits for confirmations.
    FundingBroadcast,
    /// Funded; the window has not started.
    Funded,
    /// Funded; the oracle measures, or has not attested yet.
    Measuring,
    /// The attestation is here.
    Attested,
    /// A CET waits for confirmations.
    CetBroadcast,
    /// The refund waits for confirmations.
    RefundBroadcast,
    /// A cooperative close waits for confirmations.
    CloseBroadcast,
    /// A spend of the funding output that we do not know.
    UnknownSpend,
    /// We take our coins back.
    Cancelling,
    /// A CET is deep enough.
    Settled,
    /// The refund is deep enough.
    Refunded,
    /// A cooperative close is deep enough.
    Closed,
    /// Ended without locking anything.
    Cancelled,
}

impl Status {
    /// Whether nothing is left to do unless the chain is reorganised.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Settled | Self::Refunded | Self::Closed | Self::Cancelled)
    }

    /// Whether the funding was deep enough for this state.
    pub fn is_locked(self) -> bool {
        match self {
            Self::Funded
            | Self::Measuring
            | Self::Attested
            | Self::CetBroadcast
            | Self::RefundBroadcast
            | Self::CloseBroadcast
            | Self::UnknownSpend
            | Self::Settled
            | Self::Refunded
            | Self::Closed => true,
            Self::Agreed
            | Self::Offered
            | Self::Accepted
            | Self::Signed
            | Self::FundingBroadcast
            | Self::Cancelling
            | Self::Cancelled => false,
        }
    }

    /// The state's name, as in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::Offered => "offered",
            Self::Accepted => "accepted",
            Self::Signed => "signed",
            Self::FundingBroadcast => "funding_broadcast",
            Self::Funded => "funded",
            Self::Measuring => "measuring",
            Self::Attested => "attested",
            Self::CetBroadcast => "cet_broadcast",
            Self::RefundBroadcast => "refund_broadcast",
            Self::CloseBroadcast => "close_broadcast",
            Self::UnknownSpend => "unknown_spend",
            Self::Cancelling => "cancelling",
            Self::Settled => "settled",
            Self::Refunded => "refunded",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The state of an escrow, from its record and what the chain shows now.
pub fn status(escrow: &Escrow, view: &ChainView, now: u64) -> Status {
    if let Some(spend) = view.spend.filter(|spend| spend.place.is_seen()) {
        return spent(spend, view);
    }
    if view.cancel.confirmations(view.height) >= view.depth {
        return Status::Cancelled;
    }
    if view.funding.confirmations(view.height) >= view.depth {
        return funded(escrow, now);
    }
    if escrow.cancel.is_some() {
        return Status::Cancelling;
    }
    if view.funding.is_seen() {
        return Status::FundingBroadcast;
    }
    if escrow.abandoned.is_some() {
        return Status::Cancelled;
    }
    unfunded(escrow)
}

/// The state to tell an owner. The last one that was noted; while messages are exchanged, the record alone tells how
/// far that is, and a note that waits for the next look at the chain would lag behind what has left.
pub fn told(escrow: &Escrow) -> Status {
    match (escrow.noted, unfunded(escrow)) {
        (Status::Agreed | Status::Offered | Status::Accepted | Status::Signed, said)
            if said != Status::FundingBroadcast =>
        {
            said
        }
        (noted, _) => noted,
    }
}

fn spent(spend: SpendView, view: &ChainView) -> Status {
    let deep = spend.place.confirmations(view.height) >= view.depth;
    match (spend.kind, deep) {
        (SpendKind::Cet { .. }, true) => Status::Settled,
        (SpendKind::Cet { .. }, false) => Status::CetBroadcast,
        (SpendKind::Refund, true) => Status::Refunded,
        (SpendKind::Refund, false) => Status::RefundBroadcast,
        (SpendKind::Close { .. }, true) => Status::Closed,
        (SpendKind::Close { .. }, false) => Status::CloseBroadcast,
        (SpendKind::Unknown, _) => Status::UnknownSpend,
    }
}

fn funded(escrow: &Escrow, now: u64) -> Status {
    if escrow.is_attested() {
        Status::Attested
    } else if now >= escrow.agreement().measurement.window.start.0 {
        Status::Measuring
    } else {
        Status::Funded
    }
}

fn unfunded(escrow: &Escrow) -> Status {
    if escrow.funding_tx.is_some() {
        Status::FundingBroadcast
    } else if escrow.sign.is_some() {
        Status::Signed
    } else if escrow.accept.is_some() {
        Status::Accepted
    } else if escrow.offer.is_some() {
        Status::Offered
    } else {
        Status::Agreed
    }
}
