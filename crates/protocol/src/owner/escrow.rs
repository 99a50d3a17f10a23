//! One escrow with everything that belongs to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::{Agreement, EventId, Hex32, Outcome, Sat, TermsHash, UnixSeconds};

use super::deals::CloseView;
use crate::bytes::HexBytes;
use crate::oracle::LogContradiction;
use crate::schema;

/// Which side of an escrow a node is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It sells.
    Provider,
    /// It buys.
    Buyer,
}

/// What closed an escrow: which kind of transaction spent the funding output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClosingKind {
    /// A contract execution transaction: an attestation was used.
    Cet,
    /// The refund transaction.
    Refund,
    /// A cooperative close: both agreed to a split.
    Close,
    /// Something else that both signed.
    Other,
}

/// One escrow, as one side sees it: `GET /v1/escrows/{id}`; the list of `GET /v1/escrows` has the same
/// shape, with `messages`, `transactions`, `announcements`, `attestations`, `outlook` and `history` left empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscrowView {
    /// Its id at this node.
    pub id: String,
    /// Which side this node is on.
    pub role: Role,
    /// The state's name.
    pub state: String,
    /// What was agreed.
    #[schemars(with = "schema::Agreement")]
    pub agreement: Agreement,
    /// Its hash.
    #[schemars(with = "schema::Bytes32")]
    pub terms_hash: TermsHash,
    /// The measured event.
    #[schemars(with = "schema::EventId")]
    pub event_id: EventId,
    /// The other party's identity key.
    #[schemars(with = "schema::Bytes32")]
    pub counterparty: Hex32,
    /// The funding transaction, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub funding_txid: Option<Hex32>,
    /// The transaction that spent the funding output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub closing_txid: Option<Hex32>,
    /// Its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing_kind: Option<ClosingKind>,
    /// What the closing transaction pays the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Sat>")]
    pub provider_sat: Option<Sat>,
    /// What the closing transaction pays the buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Sat>")]
    pub buyer_sat: Option<Sat>,
    /// What our own bumps pay, so that the transactions of this escrow are mined: it comes out of our own payout or change.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(with = "schema::Sat")]
    pub bump_fees_sat: Sat,
    /// What was attested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Outcome>")]
    pub outcome: Option<Outcome>,
    /// What is proposed about closing it by agreement.
    #[serde(default)]
    pub close: CloseView,
    /// The escrow whose next window this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub renews: Option<Hex32>,
    /// The escrow that is this one's next window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub renewed_by: Option<Hex32>,
    /// The delegated key that began it, or published the offer; left out: the owner did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is known of the outcome from somebody else's CET, where the attestations never came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<LearnedOutcome>,
    /// What its oracles did that honest ones do not, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<Alarm>,
    /// The three DLC messages, as far as they exist.
    #[serde(default)]
    pub messages: DlcMessages,
    /// The announcements, in the order of the agreement's oracle keys: TLVs.
    #[serde(default)]
    pub announcements: Vec<HexBytes>,
    /// The attestations seen so far: TLVs.
    #[serde(default)]
    pub attestations: Vec<HexBytes>,
    /// The transactions, as far as they exist.
    #[serde(default)]
    pub transactions: EscrowTransactions,
    /// What each side gets at every outcome, as both could read it before anything locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlook: Option<super::OutlookView>,
    /// What happened, oldest first.
    #[serde(default)]
    pub history: Vec<HistoryEntry>,
}

/// What a CET gave away of an outcome: the block of values, or the level, that its oracles signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LearnedOutcome {
    /// The CET, of this escrow or of another on the same event.
    #[schemars(with = "schema::Bytes32")]
    pub txid: Hex32,
    /// The oracles whose signatures unlocked it.
    #[schemars(with = "Vec<schema::Bytes32>")]
    pub oracles: Vec<Hex32>,
    /// The first outcome that it can have been.
    #[schemars(with = "schema::Outcome")]
    pub from: Outcome,
    /// The last.
    #[schemars(with = "schema::Outcome")]
    pub to: Outcome,
}

/// What an oracle did that an honest one does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// It attested two outcomes of one event.
    Equivocation,
    /// It announced one event twice.
    ChangedAnnouncement,
    /// The funding output was spent by a transaction that is none of the contract's: both keys signed it.
    UnknownSpend,
    /// A limit of the mandate is nearly used up.
    LimitNear,
    /// The owner is asked to approve a commitment.
    ApprovalNeeded,
    /// A standing order has not found an escrow for a window, and half of its lead time has passed.
    WindowAtRisk,
    /// A window of a standing order begins without an escrow, or one of a standing offer was not offered in time.
    WindowMissed,
    /// Its public log does not go on from a checkpoint that it signed: something was changed or taken back, or it shows
    /// different logs to different readers.
    ForkedLog,
    /// A directory of the configuration has not taken our listing for so long that the last one is over there.
    NotListed,
    /// An escrow is agreed, and the wallet does not have the coins to lock it.
    CoinsMissing,
}

/// `GET /v1/alarms` lists these, newest first: something that an owner should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alarm {
    /// What happened.
    pub kind: AlarmKind,
    /// The escrow in which it was noticed; left out where it belongs to none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub escrow_id: String,
    /// What it is about, in words, where the kind does not say it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The oracle's key, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub oracle: Option<Hex32>,
    /// When it was noticed.
    #[schemars(with = "schema::UnixSeconds")]
    pub at: UnixSeconds,
    /// The two attestations, or the two announcements, that cannot both be honest: TLVs. Whoever holds two attestations
    /// can work out the oracle's key. Or the transaction that nobody knows.
    pub proof: Vec<HexBytes>,
    /// For a log: the checkpoint that was kept, the one that does not go on from it, and what shows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Box<LogContradiction>>,
}

/// The wire bytes of the three DLC messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DlcMessages {
    /// The offer message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<HexBytes>,
    /// The accept message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<HexBytes>,
    /// The sign message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<HexBytes>,
}

/// An escrow's transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscrowTransactions {
    /// The funding transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding: Option<EscrowTransaction>,
    /// The CET that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cet: Option<EscrowTransaction>,
    /// The refund transaction, once it is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<EscrowTransaction>,
    /// The cooperative close, once it is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<EscrowTransaction>,
    /// The transaction that takes our coins back, as it was last made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<EscrowTransaction>,
    /// Our children that pay for one of the others, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bumps: Vec<EscrowTransaction>,
}

/// One transaction of an escrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscrowTransaction {
    /// Its id.
    #[schemars(with = "schema::Bytes32")]
    pub txid: Hex32,
    /// Its bytes.
    pub hex: HexBytes,
    /// The height of its block; none while it is not in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// One event of an escrow's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryEntry {
    /// Its number in this escrow, ascending.
    pub seq: u64,
    /// When it was stored.
    #[schemars(with = "schema::UnixSeconds")]
    pub at: UnixSeconds,
    /// The event's name.
    pub event: String,
    /// Its data, for programs that want more than the name.
    pub detail: Value,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(value: &Sat) -> bool {
    value.0 == 0
}
