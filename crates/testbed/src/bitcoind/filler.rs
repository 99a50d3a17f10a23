//! A mempool so full that it takes nothing cheap any more.

use std::sync::PoisonError;

use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, WPubkeyHash};
use serde::Deserialize;

use super::{Bitcoind, BitcoindError, RpcError};

/// Outputs of one of the large transactions, which then has some 93,000 vB: below the 100,000 that are relayed.
const OUTPUTS: u64 = 3_000;
/// What a P2WPKH output must hold at least is 294 sat.
const OUTPUT_SAT: u64 = 330;
/// Overhead, one P2WPKH input, and the outputs, in vB, rounded up.
const SIZE_VB: u64 = 11 + 69 + 31 * OUTPUTS;
/// More than a `-maxmempool=5` holds.
const TRANSACTIONS: usize = 48;

/// Large transactions that others want mined; see [`Bitcoind::prepare_rush`].
#[derive(Debug)]
pub struct Rush {
    rate_sat_vb: u64,
    transactions: Vec<Transaction>,
}

impl Bitcoind {
    /// Large transactions that pay `rate_sat_vb`, enough to fill the mempool of a node that runs with `-maxmempool=5` (the
    /// least that it allows). Mines a block with the coins for them, so it comes before what shall not be in one.
    ///
    /// # Errors
    /// When a call fails.
    pub fn prepare_rush(&self, rate_sat_vb: u64) -> Result<Rush, BitcoindError> {
        let value = Amount::from_sat(OUTPUTS * OUTPUT_SAT + rate_sat_vb * SIZE_VB);
        let mut funder = self.funder.lock().unwrap_or_else(PoisonError::into_inner);
        let transactions = funder.large(self, value, &vec![crumb(); OUTPUTS as usize])?;
        Ok(Rush { rate_sat_vb, transactions })
    }

    /// Fills the mempool until cheaper transactions are thrown out and no more let in. Returns its minimum then, in sat for
    /// each 1,000 vB.
    ///
    /// # Errors
    /// When a call fails, or the mempool takes all of it.
    pub fn rush(&self, rush: &Rush) -> Result<u64, BitcoindError> {
        for transaction in &rush.transactions {
            match self.send(transaction) {
                Ok(_) => {}
                // It is full: what comes now is below the minimum itself.
                Err(RpcError::Refused { message, .. }) if message.contains("mempool") => break,
                Err(error) => return Err(error.into()),
            }
        }
        let least = self.mempool_minimum_sat_kvb()?;
        if least <= rush.rate_sat_vb * 1_000 {
            return Err(BitcoindError::NotFull { least_sat_kvb: least });
        }
        Ok(least)
    }

    /// The lowest rate that the mempool takes now, in sat for each 1,000 vB.
    ///
    /// # Errors
    /// When the call fails, or the answer is none.
    pub fn mempool_minimum_sat_kvb(&self) -> Result<u64, RpcError> {
        #[derive(Deserialize)]
        struct Info {
            #[serde(with = "bitcoin::amount::serde::as_btc")]
            mempoolminfee: Amount,
        }
        let info: Info = self.call("getmempoolinfo", &[])?;
        Ok(info.mempoolminfee.to_sat())
    }

    /// The node's version, as it calls itself.
    ///
    /// # Errors
    /// When the call fails.
    pub fn version(&self) -> Result<String, RpcError> {
        #[derive(Deserialize)]
        struct Info {
            version: u64,
            subversion: String,
        }
        let info: Info = self.call("getnetworkinfo", &[])?;
        Ok(format!("{} {}", info.subversion, info.version))
    }
}

impl super::Funder {
    /// Signed transactions, each from a confirmed coin of its own of this value, all with these outputs.
    fn large(
        &mut self,
        node: &Bitcoind,
        value: Amount,
        outputs: &[TxOut],
    ) -> Result<Vec<Transaction>, BitcoindError> {
        let own = TxOut { value, script_pubkey: self.script() };
        let txid = self.pay(node, vec![own; TRANSACTIONS])?;
        node.mine(1)?;
        let coins = (0..TRANSACTIONS as u32).map(|vout| (OutPoint::new(txid, vout), value));
        Ok(coins.map(|coin| self.signed(&[coin], outputs.to_vec())).collect())
    }
}

/// An output that nobody can spend, which takes its place all the same.
fn crumb() -> TxOut {
    let script_pubkey = ScriptBuf::new_p2wpkh(&WPubkeyHash::all_zeros());
    TxOut { value: Amount::from_sat(OUTPUT_SAT), script_pubkey }
}
