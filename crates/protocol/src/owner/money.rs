//! The wallet: balance, addresses, withdrawals, transactions, the supply of coins and the scheduled sweep.

use crate::schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::{DocumentError, Hex32, Sat, UnixSeconds};

/// `GET /v1/balance`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Balance {
    /// Confirmed and free to spend.
    #[schemars(with = "schema::Sat")]
    pub available_sat: Sat,
    /// Confirmed, but reserved for an escrow that is not funded yet.
    #[schemars(with = "schema::Sat")]
    pub reserved_sat: Sat,
    /// On its way in, or change that is not confirmed.
    #[schemars(with = "schema::Sat")]
    pub pending_sat: Sat,
    /// The own part of what is locked in live escrows.
    #[schemars(with = "schema::Sat")]
    pub locked_sat: Sat,
}

/// `POST /v1/addresses` with `{}`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressRequest {}

/// The answer: an address that was not given out before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// The address, of the node's network.
    pub address: String,
}

/// `POST /v1/withdrawals`: an amount, or everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalRequest {
    /// Where to; an address of the node's network.
    pub address: String,
    /// How much arrives. Not together with `sweep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Sat>")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Withdrawal {
    /// The transaction that was broadcast, as explorers show it.
    #[schemars(with = "schema::Bytes32")]
    pub txid: Hex32,
}

/// One line of `GET /v1/transactions`, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransactionView {
    /// The transaction.
    #[schemars(with = "schema::Bytes32")]
    pub txid: Hex32,
    /// The block's height; none while unconfirmed.
    pub height: Option<u32>,
    /// What it pays to this wallet.
    #[schemars(with = "schema::Sat")]
    pub received_sat: Sat,
    /// What it spends of this wallet.
    #[schemars(with = "schema::Sat")]
    pub sent_sat: Sat,
    /// Its fee, where every input is known.
    #[schemars(with = "Option<schema::Sat>")]
    pub fee_sat: Option<Sat>,
    /// What an own payment was for: `withdrawal`, `sweep` or `split`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// `GET /v1/supply`: the confirmed coins that are kept ready for escrows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    #[schemars(with = "Option<schema::Sat>")]
    pub coin_sat: Option<Sat>,
    /// What filling it up waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// `GET /v1/sweep`: the schedule of sweeps to the cold address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SweepView {
    /// Where to.
    pub address: String,
    /// The schedule's next moment.
    #[schemars(with = "schema::UnixSeconds")]
    pub next_at: UnixSeconds,
    /// What stays.
    #[schemars(with = "schema::Sat")]
    pub keep_sat: Sat,
    /// The least that must arrive.
    #[schemars(with = "schema::Sat")]
    pub min_sat: Sat,
    /// What became of the last moment.
    pub last: Option<SweepRun>,
    /// What the sweep that is due waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// What became of one moment of the schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SweepRun {
    /// The moment.
    #[schemars(with = "schema::UnixSeconds")]
    pub due_at: UnixSeconds,
    /// When the node came to it.
    #[schemars(with = "schema::UnixSeconds")]
    pub at: UnixSeconds,
    /// The transaction, where there was something to sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
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

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}
