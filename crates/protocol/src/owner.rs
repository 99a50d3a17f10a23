//! The shapes of a node's owner API: JSON over loopback, with the owner's bearer token.
//!
//! Requests refuse unknown fields; answers may gain fields, so readers ignore what they do not know.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::{Agreement, DocumentError, EventId, Hex32, Outcome, Sat, TermsHash, UnixSeconds};

use crate::bytes::HexBytes;
use crate::text::{check_text, check_url};

/// The header that makes a repeated POST harmless: the same key and body give the same answer.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The largest request body that the owner API reads, in bytes.
pub const MAX_REQUEST_BYTES: usize = terms::canonical::MAX_DOCUMENT_BYTES;

/// `GET /v1/info`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The program's version.
    pub version: String,
    /// The node's identity key (x-only).
    pub key: Hex32,
    /// The chain.
    pub network: String,
    /// The height of the chain's tip, as the wallet knows it.
    pub height: u32,
    /// The node's time.
    pub now: UnixSeconds,
    /// Whether that time is simulated.
    pub simulated_time: bool,
    /// How the backup of the escrows stands.
    #[serde(default)]
    pub backup: BackupStatus,
}

/// How the backup of the escrows stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupStatus {
    /// In one word.
    pub state: BackupState,
    /// Escrows of which the target lacks something.
    pub escrows_behind: usize,
    /// Escrows whose funding signature waits for the target.
    pub escrows_held: usize,
    /// Why the target did not acknowledge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How the backup of the escrows stands, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupState {
    /// No target is configured.
    #[default]
    Off,
    /// The target has everything.
    Current,
    /// The target lacks something.
    Behind,
}

/// `POST /v1/identity-rotations` and `POST /v1/token-rotations`, with `{}`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationRequest {}

/// The answer to an identity rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityRotation {
    /// The identity key of the card and of new sessions.
    pub key: Hex32,
    /// The key before it, under which open sessions and escrows go on.
    pub former: Hex32,
    /// The new key's index on its branch of the seed.
    pub index: u32,
}

/// The answer to a token rotation: the new token is in its file and nowhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRotation {}

/// `GET /v1/balance`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Confirmed and free to spend.
    pub available_sat: Sat,
    /// Confirmed, but reserved for an escrow that is not funded yet.
    pub reserved_sat: Sat,
    /// On its way in, or change that is not confirmed.
    pub pending_sat: Sat,
    /// The own part of what is locked in live escrows.
    pub locked_sat: Sat,
}

/// `POST /v1/addresses` with `{}`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressRequest {}

/// The answer: an address that was not given out before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The address, of the node's network.
    pub address: String,
}

/// `POST /v1/withdrawals`: an amount, or everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalRequest {
    /// Where to; an address of the node's network.
    pub address: String,
    /// How much arrives. Not together with `sweep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_sat: Option<Sat>,
    /// Everything that is available, fees taken from it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sweep: bool,
    /// The fee rate; the node's own choice when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_rate_sat_vb: Option<u64>,
}

/// How much a withdrawal takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithdrawalAmount {
    /// This much arrives.
    Exactly(Sat),
    /// Everything that is available.
    Sweep,
}

impl WithdrawalRequest {
    /// The one way in which the request says how much.
    ///
    /// # Errors
    /// When it says it twice or not at all.
    pub fn amount(&self) -> Result<WithdrawalAmount, DocumentError> {
        match (self.amount_sat, self.sweep) {
            (Some(amount), false) => Ok(WithdrawalAmount::Exactly(amount)),
            (None, true) => Ok(WithdrawalAmount::Sweep),
            (Some(_), true) => Err(DocumentError::new("sweep", "cannot stand beside amount_sat")),
            (None, false) => Err(DocumentError::new("amount_sat", "must be given, unless sweep is true")),
        }
    }
}

/// The answer to a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The transaction that was broadcast, as explorers show it.
    pub txid: Hex32,
}

/// One line of `GET /v1/transactions`, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionView {
    /// The transaction.
    pub txid: Hex32,
    /// The block's height; none while unconfirmed.
    pub height: Option<u32>,
    /// What it pays to this wallet.
    pub received_sat: Sat,
    /// What it spends of this wallet.
    pub sent_sat: Sat,
    /// Its fee, where every input is known.
    pub fee_sat: Option<Sat>,
    /// What an own payment was for: `withdrawal`, `sweep` or `split`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// `GET /v1/supply`: the confirmed coins that are kept ready for escrows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyView {
    /// How many there should be.
    pub wanted: u64,
    /// It is filled up when fewer than this are ready or on their way.
    pub refill_below: u64,
    /// Confirmed, free, and large enough.
    pub ready: u64,
    /// On their way to a block.
    pub pending: u64,
    /// What each must be worth; none without a configured size and an open offer.
    pub coin_sat: Option<Sat>,
    /// What filling it up waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// `GET /v1/sweep`: the schedule of sweeps to the cold address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepView {
    /// Where to.
    pub address: String,
    /// The schedule's next moment.
    pub next_at: UnixSeconds,
    /// What stays.
    pub keep_sat: Sat,
    /// The least that must arrive.
    pub min_sat: Sat,
    /// What became of the last moment.
    pub last: Option<SweepRun>,
    /// What the sweep that is due waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// What became of one moment of the schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepRun {
    /// The moment.
    pub due_at: UnixSeconds,
    /// When the node came to it.
    pub at: UnixSeconds,
    /// The transaction, where there was something to sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txid: Option<Hex32>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl SweepRun {
    /// A run that swept nothing, and why.
    #[must_use]
    pub fn because(self, note: &str) -> Self {
        Self { txid: None, note: Some(note.to_owned()), ..self }
    }
}

/// `POST /v1/purchases`: take a provider's published offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurchaseRequest {
    /// The provider's base URL, where its card is.
    pub provider_url: String,
    /// The offer's id on that card.
    pub offer_id: Hex32,
}

impl PurchaseRequest {
    /// Checks what the types alone do not.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check(&self) -> Result<(), DocumentError> {
        check_url("provider_url", &self.provider_url)
    }
}

/// The answer to a purchase: an escrow has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The escrow's id at this node.
    pub escrow_id: String,
    /// What both parties accepted.
    pub terms_hash: TermsHash,
}

/// `POST /v1/escrows/{id}/close`: propose to close it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// What the provider would get; the buyer gets the rest. Left out: what the attestations pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_sat: Option<Sat>,
    /// How long the proposal stands, in seconds; a day when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_s: Option<u64>,
    /// Why, for the other owner to read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// How long a proposal to close stands, in seconds: a minute to a week, and what it is when left out.
const CLOSE_VALID_S: std::ops::RangeInclusive<u64> = 60..=7 * 86_400;
const CLOSE_VALID_USUALLY_S: u64 = 86_400;

impl CloseRequest {
    /// Checks what the types alone do not, and says how long the proposal stands.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check(&self) -> Result<u64, DocumentError> {
        check_text("reason", &self.reason)?;
        let valid_s = self.valid_s.unwrap_or(CLOSE_VALID_USUALLY_S);
        if CLOSE_VALID_S.contains(&valid_s) {
            return Ok(valid_s);
        }
        Err(DocumentError::new("valid_s", "must be from 60 to 604800 (a minute to a week)"))
    }
}

/// `POST /v1/escrows/{id}/close/approve`, `.../refuse` and `.../withdraw`: the owner's word about one proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalRequest {
    /// The proposal's id, as the escrow shows it: another one is not meant.
    pub proposal: Hex32,
}

/// `POST /v1/escrows/{id}/renew` with `{}`. The answer is a [`Purchase`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewalRequest {}

/// Where a proposal to close stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// It waits for an answer.
    Open,
    /// Its time has passed.
    Expired,
    /// Who it was made to has signed. When it was made to us, the peer can broadcast the close.
    Signed,
    /// It was refused, or taken back.
    Dropped,
}

/// A proposal to close an escrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalView {
    /// Its id.
    pub proposal: Hex32,
    /// What the provider would get.
    pub provider_sat: Sat,
    /// What the buyer would get.
    pub buyer_sat: Sat,
    /// When it ends.
    pub until: UnixSeconds,
    /// Where it stands.
    pub state: ProposalState,
    /// Why it was made, in the peer's words, or why nothing comes of our own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What is known about closing an escrow by agreement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseView {
    /// Our last proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<ProposalView>,
    /// The peer's last proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<ProposalView>,
}

/// Which side of an escrow a node is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It sells.
    Provider,
    /// It buys.
    Buyer,
}

/// What closed an escrow: which kind of transaction spent the funding output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
/// shape, with `messages`, `transactions`, `announcements`, `attestations` and `history` left empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscrowView {
    /// Its id at this node.
    pub id: String,
    /// Which side this node is on.
    pub role: Role,
    /// The state's name.
    pub state: String,
    /// What was agreed.
    pub agreement: Agreement,
    /// Its hash.
    pub terms_hash: TermsHash,
    /// The measured event.
    pub event_id: EventId,
    /// The other party's identity key.
    pub counterparty: Hex32,
    /// The funding transaction, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding_txid: Option<Hex32>,
    /// The transaction that spent the funding output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing_txid: Option<Hex32>,
    /// Its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing_kind: Option<ClosingKind>,
    /// What the closing transaction pays the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_sat: Option<Sat>,
    /// What the closing transaction pays the buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer_sat: Option<Sat>,
    /// What our own bumps pay, so that the transactions of this escrow are mined: it comes out of our own payout or change.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bump_fees_sat: Sat,
    /// What was attested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What is proposed about closing it by agreement.
    #[serde(default)]
    pub close: CloseView,
    /// The escrow whose next window this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews: Option<Hex32>,
    /// The escrow that is this one's next window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed_by: Option<Hex32>,
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
    /// What happened, oldest first.
    #[serde(default)]
    pub history: Vec<HistoryEntry>,
}

/// What a CET gave away of an outcome: the block of values, or the level, that its oracles signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedOutcome {
    /// The CET, of this escrow or of another on the same event.
    pub txid: Hex32,
    /// The oracles whose signatures unlocked it.
    pub oracles: Vec<Hex32>,
    /// The first outcome that it can have been.
    pub from: Outcome,
    /// The last.
    pub to: Outcome,
}

/// What an oracle did that an honest one does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// It attested two outcomes of one event.
    Equivocation,
    /// It announced one event twice.
    ChangedAnnouncement,
    /// The funding output was spent by a transaction that is none of the contract's: both keys signed it.
    UnknownSpend,
}

/// `GET /v1/alarms` lists these, newest first: something that an owner should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What happened.
    pub kind: AlarmKind,
    /// The escrow in which it was noticed.
    pub escrow_id: String,
    /// The oracle's key, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oracle: Option<Hex32>,
    /// When it was noticed.
    pub at: UnixSeconds,
    /// The two attestations, or the two announcements, that cannot both be honest: TLVs. Whoever holds two attestations
    /// can work out the oracle's key. Or the transaction that nobody knows.
    pub proof: Vec<HexBytes>,
}

/// The wire bytes of the three DLC messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscrowTransaction {
    /// Its id.
    pub txid: Hex32,
    /// Its bytes.
    pub hex: HexBytes,
    /// The height of its block; none while it is not in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// One event of an escrow's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Its number in this escrow, ascending.
    pub seq: u64,
    /// When it was stored.
    pub at: UnixSeconds,
    /// The event's name.
    pub event: String,
    /// Its data, for programs that want more than the name.
    pub detail: Value,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(value: &Sat) -> bool {
    value.0 == 0
}
