//! What happened to an escrow, as it is stored for ever.

use bitcoin::{OutPoint, Txid};
use serde::{Deserialize, Serialize};
use terms::{Agreement, Hex32, Sat, Side};

use crate::Status;
use crate::bytes::Bytes;

/// Which DLC message a party starts with (dlcspecs, "Contract Negotiation").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DlcRole {
    /// Sends the offer, and later signs.
    Offerer,
    /// Accepts, and later completes and broadcasts the funding transaction.
    Accepter,
}

/// A coin of our own that an escrow spends, with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coin {
    /// Where it is.
    pub outpoint: OutPoint,
    /// What it is worth.
    pub value_sat: Sat,
}

/// Everything that is fixed when both sides have agreed to the terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The escrow's id: the id of the session that negotiated it.
    pub id: Hex32,
    /// What we are in the agreement.
    pub side: Side,
    /// What we are in the contract.
    pub role: DlcRole,
    /// What was agreed.
    pub agreement: Agreement,
    /// The oracles' announcements, in the agreement's order.
    pub announcements: Vec<Bytes>,
    /// The latest maturity among them, in unix seconds.
    pub maturity: u64,
    /// The earliest one. Older events do not have it, and their oracles are asked from the latest on.
    #[serde(default)]
    pub first_maturity: Option<u64>,
    /// The contract's temporary id, from which our contract key follows.
    pub temporary_id: Hex32,
    /// The chain's height then: nothing of this escrow is in an earlier block.
    pub height: u32,
    /// The escrow whose next window this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews: Option<Hex32>,
    /// The moment at which our coins are let go when the contract is not signed, in unix seconds; the funding deadline
    /// where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_by: Option<u64>,
}

/// What a spend of the funding output turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendKind {
    /// A contract execution transaction.
    Cet {
        /// What it pays the provider.
        provider_sat: Sat,
        /// What it pays the buyer.
        buyer_sat: Sat,
    },
    /// The refund transaction.
    Refund,
    /// A cooperative close: both sides signed a split of their own.
    Close {
        /// What it pays the provider.
        provider_sat: Sat,
        /// What it pays the buyer.
        buyer_sat: Sat,
    },
    /// None that we know.
    Unknown,
}

/// One thing that happened. Stored in order, never changed; old ones stay readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Both sides agreed to the terms.
    Opened(Box<Opened>),
    /// We made the offer, and reserved the coins that it spends.
    OfferMade {
        /// The message.
        offer: Bytes,
        /// Our coins in it.
        coins: Vec<Coin>,
    },
    /// The peer's offer passed the gate, and we accepted it.
    OfferTaken {
        /// The peer's message.
        offer: Bytes,
        /// Ours.
        accept: Bytes,
        /// Our coins in it.
        coins: Vec<Coin>,
        /// The output that the contract locks.
        funding: OutPoint,
    },
    /// The peer's accept passed the gate, and we signed.
    AcceptTaken {
        /// The peer's message.
        accept: Bytes,
        /// Ours; once it has left, the peer alone can fund.
        sign: Bytes,
        /// The output that the contract locks.
        funding: OutPoint,
    },
    /// The peer's signatures passed the gate, and the funding transaction is complete.
    SignTaken {
        /// The peer's message.
        sign: Bytes,
        /// The funding transaction, ready to broadcast.
        funding_tx: Bytes,
    },
    /// The offerer saw the complete funding transaction, which only the accepter could make.
    FundingSeen {
        /// It.
        funding_tx: Bytes,
    },
    /// An oracle's attestation passed the gate.
    Attested {
        /// The oracle's place in the agreement.
        oracle: usize,
        /// The message.
        attestation: Bytes,
    },
    /// An oracle attested two outcomes of one event. The two are the proof.
    Equivocated {
        /// The oracle's place in the agreement.
        oracle: usize,
        /// The one that we had first, and another.
        attestations: [Bytes; 2],
    },
    /// An oracle signed another announcement of the event than the one agreed. It is never used.
    AnnouncementChanged {
        /// The oracle's place in the agreement.
        oracle: usize,
        /// The other announcement.
        announcement: Bytes,
    },
    /// A CET that others made gave away what its oracles signed about one block of outcomes.
    SecretLearned {
        /// The CET, of this escrow or another.
        txid: Txid,
        /// The oracles, by their places in this agreement.
        oracles: Vec<usize>,
        /// What the first of them signed, as far as it is known: the digits of a block's prefix, or a level.
        words: Vec<String>,
        /// The sum of their signatures; 32 bytes. It unlocks this block and nothing else.
        secret: Bytes,
    },
    /// We built the CET that the attestations unlock.
    CetBuilt {
        /// It.
        tx: Bytes,
    },
    /// We built the refund.
    RefundBuilt {
        /// It.
        tx: Bytes,
    },
    /// We built a transaction that spends a coin of ours which the funding transaction needs.
    CancelBuilt {
        /// It.
        tx: Bytes,
    },
    /// We propose to close at a split. Nothing is signed by that.
    CloseProposed {
        /// The proposal's session.
        session: Hex32,
        /// What the provider would get.
        provider_sat: Sat,
        /// From this moment on we complete it no more, in unix seconds.
        until: u64,
        /// What the attestations paid us when our owner gave its word, if they were there.
        due_sat: Option<Sat>,
    },
    /// The peer proposes to close at a split.
    CloseOffered {
        /// The proposal's session.
        session: Hex32,
        /// What the provider would get.
        provider_sat: Sat,
        /// From this moment on it can't be agreed to, in unix seconds.
        until: u64,
        /// Why, in the peer's words.
        reason: String,
    },
    /// We signed the close that the peer proposed; from now on it can broadcast it.
    CloseSigned {
        /// The proposal's session.
        session: Hex32,
    },
    /// We refused the close that the peer proposed.
    CloseRefused {
        /// The proposal's session.
        session: Hex32,
    },
    /// Nothing comes of our own proposal: the peer refused it, or our owner took it back.
    CloseDropped {
        /// The proposal's session.
        session: Hex32,
        /// Why, in words for the owner.
        reason: String,
    },
    /// The peer signed the close that we proposed, and we completed it.
    CloseBuilt {
        /// The proposal's session.
        session: Hex32,
        /// The transaction, ready to broadcast.
        tx: Bytes,
    },
    /// We built that transaction again, at a higher fee.
    CancelRaised {
        /// It.
        tx: Bytes,
        /// The chain's height at that moment.
        height: u32,
    },
    /// We built a child that pays for a transaction which waits for a block.
    BumpBuilt {
        /// The own output that it spends.
        spends: OutPoint,
        /// It.
        tx: Bytes,
        /// What it pays.
        fee_sat: Sat,
        /// The chain's height at that moment.
        height: u32,
    },
    /// The escrow ended before our coins were at stake; they are free again.
    Abandoned {
        /// Why, in words for the owner.
        reason: String,
    },
    /// Someone spent the funding output.
    SpendSeen {
        /// The spending transaction.
        txid: Txid,
        /// What it is.
        kind: SpendKind,
        /// It, for the record.
        tx: Bytes,
    },
    /// The state that the owner sees changed.
    Observed {
        /// The new state.
        status: Status,
        /// The chain's height at that moment.
        height: u32,
    },
}

impl Event {
    /// The event's name as it is stored and shown.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::OfferMade { .. } => "offer_made",
            Self::OfferTaken { .. } => "offer_taken",
            Self::AcceptTaken { .. } => "accept_taken",
            Self::SignTaken { .. } => "sign_taken",
            Self::FundingSeen { .. } => "funding_seen",
            Self::Attested { .. } => "attested",
            Self::Equivocated { .. } => "equivocated",
            Self::AnnouncementChanged { .. } => "announcement_changed",
            Self::SecretLearned { .. } => "secret_learned",
            Self::CetBuilt { .. } => "cet_built",
            Self::RefundBuilt { .. } => "refund_built",
            Self::CancelBuilt { .. } => "cancel_built",
            Self::CloseProposed { .. } => "close_proposed",
            Self::CloseOffered { .. } => "close_offered",
            Self::CloseSigned { .. } => "close_signed",
            Self::CloseRefused { .. } => "close_refused",
            Self::CloseDropped { .. } => "close_dropped",
            Self::CloseBuilt { .. } => "close_built",
            Self::CancelRaised { .. } => "cancel_raised",
            Self::BumpBuilt { .. } => "bump_built",
            Self::Abandoned { .. } => "abandoned",
            Self::SpendSeen { .. } => "spend_seen",
            Self::Observed { .. } => "observed",
        }
    }
}
