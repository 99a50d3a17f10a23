//! Handing transactions to the network. Doing it twice is as good as once.

use std::collections::BTreeMap;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Transaction, Txid};
use serde::Deserialize;
use serde_json::json;

use super::{Bitcoind, ChainError};

/// Codes of Bitcoin Core's `src/rpc/protocol.h`.
const VERIFY_ERROR: i32 = -25;
const VERIFY_REJECTED: i32 = -26;
const VERIFY_ALREADY_IN_UTXO_SET: i32 = -27;

/// The node has the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broadcasted {
    /// It is in the mempool, now or since earlier.
    InMempool,
    /// It is in a block already.
    Confirmed,
}

/// Why the node did not take a transaction.
#[derive(Debug, thiserror::Error)]
pub enum BroadcastError {
    /// An input does not exist, or a block has spent it; also when the transaction itself is confirmed and all its
    /// outputs are spent.
    #[error("inputs missing or spent: {0}")]
    MissingInputs(String),
    /// The mempool has a conflicting transaction, and this one does not replace it.
    #[error("conflict in the mempool: {0}")]
    Conflict(String),
    /// The fee is below what the node takes at present.
    #[error("fee too low: {0}")]
    FeeTooLow(String),
    /// A timelock has not passed: its median time past, its height, or the age of an input.
    #[error("not final yet: {0}")]
    NotFinal(String),
    /// Refused for another reason.
    #[error("refused: {0}")]
    Refused(String),
    /// The node gave no answer about it.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// What the node did with a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageResult {
    /// Its verdict, `success` when all are in the mempool.
    pub message: String,
    /// One entry for each transaction.
    pub transactions: Vec<PackageTx>,
}

/// What the node did with one transaction of a package.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PackageTx {
    /// Which.
    pub txid: Txid,
    /// Why it was not taken.
    #[serde(default)]
    pub error: Option<String>,
}

#[derive(Deserialize)]
struct PackageAnswer {
    package_msg: String,
    #[serde(rename = "tx-results")]
    results: BTreeMap<String, PackageTx>,
}

impl Bitcoind {
    /// Broadcasts a transaction; success when the node knows it already.
    ///
    /// # Errors
    /// Any of [`BroadcastError`].
    pub fn broadcast(&self, tx: &Transaction) -> Result<Broadcasted, BroadcastError> {
        let sent: Result<Txid, ChainError> = self.call("sendrawtransaction", &[json!(serialize_hex(tx))]);
        match sent {
            Ok(_) => Ok(Broadcasted::InMempool),
            Err(ChainError::Rpc { code, message, .. }) if is_verdict(code) => judge(code, message),
            Err(error) => Err(error.into()),
        }
    }

    /// Broadcasts a parent below the mempool's minimum together with the child that pays for it (`submitpackage`).
    ///
    /// # Errors
    /// Any of [`ChainError`]; a refused package is an answer, see [`PackageResult::message`].
    pub fn submit_package(&self, package: &[Transaction]) -> Result<PackageResult, ChainError> {
        let hex: Vec<_> = package.iter().map(serialize_hex).collect();
        let answer: PackageAnswer = self.call("submitpackage", &[json!(hex)])?;
        Ok(PackageResult {
            message: answer.package_msg,
            transactions: answer.results.into_values().collect(),
        })
    }
}

fn is_verdict(code: i32) -> bool {
    [VERIFY_ERROR, VERIFY_REJECTED, VERIFY_ALREADY_IN_UTXO_SET].contains(&code)
}

/// Bitcoin Core's reject reasons are stable words, followed by details that are not.
fn judge(code: i32, message: String) -> Result<Broadcasted, BroadcastError> {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if code == VERIFY_ALREADY_IN_UTXO_SET || says(&["txn-already-known"]) {
        Ok(Broadcasted::Confirmed)
    } else if says(&["txn-already-in-mempool", "txn-same-nonwitness-data-in-mempool"]) {
        Ok(Broadcasted::InMempool)
    } else if says(&["bad-txns-inputs-missingorspent", "missing-inputs", "Missing inputs"]) {
        Err(BroadcastError::MissingInputs(message))
    } else if says(&[
        "txn-mempool-conflict",
        "insufficient fee",
        "bad-txns-spends-conflicting-tx",
        "replacement",
    ]) {
        Err(BroadcastError::Conflict(message))
    } else if says(&["min relay fee not met", "mempool min fee not met", "mempool full"]) {
        Err(BroadcastError::FeeTooLow(message))
    } else if says(&["non-final", "non-BIP68-final"]) {
        Err(BroadcastError::NotFinal(message))
    } else {
        Err(BroadcastError::Refused(message))
    }
}
