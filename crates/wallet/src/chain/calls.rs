//! Reading the chain and the mempool.

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Amount, Block, BlockHash, FeeRate, Network, OutPoint, ScriptBuf, Transaction, Txid};
use serde::Deserialize;
use serde_json::json;

use super::{Bitcoind, ChainError, btc};

/// Codes of Bitcoin Core's `src/rpc/protocol.h`.
pub(super) const INVALID_ADDRESS_OR_KEY: i32 = -5;
const INVALID_PARAMETER: i32 = -8;

/// The newest block of the node's best chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Height; genesis is 0.
    pub height: u32,
    /// Its hash.
    pub hash: BlockHash,
    /// Median time past, unix seconds: what timelocks are compared with.
    pub median_time_s: u64,
    /// The header's own time, unix seconds.
    pub time_s: u64,
}

/// The node and the state of its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainInfo {
    /// Which network the node is on.
    pub network: Network,
    /// Its newest block.
    pub tip: Tip,
    /// Still catching up: what it says about the chain is old.
    pub initial_download: bool,
    /// Old blocks may be gone.
    pub pruned: bool,
}

/// Whether the mempool counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Blocks only.
    Chain,
    /// Blocks and mempool: outputs that the mempool spends are gone, outputs that it makes are there.
    Mempool,
}

/// Where a block is that the node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockPlace {
    /// Its height.
    pub height: u32,
    /// How many blocks of the best chain end with it, itself included; `None` when it is not in the best chain.
    pub depth: Option<u32>,
    /// Median time past with this block, unix seconds.
    pub median_time_s: u64,
}

/// An unspent output, as the node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utxo {
    /// Its value.
    pub value: Amount,
    /// Its script.
    pub script_pubkey: ScriptBuf,
    /// 0 when only the mempool has it.
    pub confirmations: u32,
    /// Whether a coinbase made it.
    pub coinbase: bool,
}

impl Utxo {
    /// Whether the consensus rules let it be spent in the next block.
    #[must_use]
    pub fn is_mature(&self) -> bool {
        self.confirmations > 0
            && (!self.coinbase || self.confirmations >= bitcoin::constants::COINBASE_MATURITY)
    }
}

/// Who spends an outpoint in the mempool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MempoolSpender {
    /// The outpoint that was asked for.
    pub outpoint: OutPoint,
    /// The mempool transaction that spends it.
    pub spender: Option<Txid>,
}

#[derive(Deserialize)]
struct BlockchainInfo {
    chain: String,
    blocks: u32,
    bestblockhash: BlockHash,
    mediantime: u64,
    time: u64,
    initialblockdownload: bool,
    #[serde(default)]
    pruned: bool,
}

#[derive(Deserialize)]
struct HeaderAnswer {
    height: u32,
    /// -1 for a block that is not in the best chain.
    confirmations: i64,
    mediantime: u64,
}

#[derive(Deserialize)]
struct TxOutAnswer {
    confirmations: u32,
    #[serde(deserialize_with = "btc::deserialize")]
    value: Amount,
    #[serde(rename = "scriptPubKey")]
    script: ScriptAnswer,
    coinbase: bool,
}

#[derive(Deserialize)]
struct ScriptAnswer {
    hex: ScriptBuf,
}

#[derive(Deserialize)]
struct SpendingAnswer {
    txid: Txid,
    vout: u32,
    #[serde(default)]
    spendingtxid: Option<Txid>,
}

#[derive(Deserialize)]
struct FeeAnswer {
    #[serde(default, deserialize_with = "btc::opt::deserialize")]
    feerate: Option<Amount>,
}

#[derive(Deserialize)]
struct MempoolAnswer {
    #[serde(deserialize_with = "btc::deserialize")]
    mempoolminfee: Amount,
    #[serde(deserialize_with = "btc::deserialize")]
    minrelaytxfee: Amount,
    #[serde(deserialize_with = "btc::deserialize")]
    incrementalrelayfee: Amount,
}

impl Bitcoind {
    /// Network, tip, and whether the node is in a state to be believed.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn info(&self) -> Result<ChainInfo, ChainError> {
        const METHOD: &str = "getblockchaininfo";
        let answer: BlockchainInfo = self.call(METHOD, &[])?;
        let network = Network::from_core_arg(&answer.chain)
            .map_err(|error| ChainError::Malformed { method: METHOD, detail: error.to_string() })?;
        let tip = Tip {
            height: answer.blocks,
            hash: answer.bestblockhash,
            median_time_s: answer.mediantime,
            time_s: answer.time,
        };
        Ok(ChainInfo { network, tip, initial_download: answer.initialblockdownload, pruned: answer.pruned })
    }

    /// The newest block.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn tip(&self) -> Result<Tip, ChainError> {
        Ok(self.info()?.tip)
    }

    /// The hash of the best chain's block at a height, or `None` above the tip.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn block_hash(&self, height: u32) -> Result<Option<BlockHash>, ChainError> {
        absent_if(INVALID_PARAMETER, self.call("getblockhash", &[json!(height)]))
    }

    /// A whole block.
    ///
    /// # Errors
    /// Any of [`ChainError`]; code -1 when the node has pruned it.
    pub fn block(&self, hash: &BlockHash) -> Result<Block, ChainError> {
        const METHOD: &str = "getblock";
        let hex: String = self.call(METHOD, &[json!(hash), json!(0)])?;
        deserialize_hex(&hex)
            .map_err(|error| ChainError::Malformed { method: METHOD, detail: error.to_string() })
    }

    /// Where a block is, or `None` when the node knows none of this hash.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn block_place(&self, hash: &BlockHash) -> Result<Option<BlockPlace>, ChainError> {
        let answer: Option<HeaderAnswer> =
            absent_if(INVALID_ADDRESS_OR_KEY, self.call("getblockheader", &[json!(hash)]))?;
        Ok(answer.map(|found| BlockPlace {
            height: found.height,
            depth: u32::try_from(found.confirmations).ok().filter(|depth| *depth > 0),
            median_time_s: found.mediantime,
        }))
    }

    /// An unspent output, or `None` when it was spent or never existed.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn utxo(&self, outpoint: &OutPoint, view: View) -> Result<Option<Utxo>, ChainError> {
        let params = [json!(outpoint.txid), json!(outpoint.vout), json!(view == View::Mempool)];
        let answer: Option<TxOutAnswer> = self.call("gettxout", &params)?;
        Ok(answer.map(|found| Utxo {
            value: found.value,
            script_pubkey: found.script.hex,
            confirmations: found.confirmations,
            coinbase: found.coinbase,
        }))
    }

    /// The ids of all mempool transactions.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn mempool(&self) -> Result<Vec<Txid>, ChainError> {
        self.call("getrawmempool", &[])
    }

    /// A transaction of the mempool, or `None` when it is not there (any more). With `-txindex` the node also finds
    /// confirmed ones; nothing here relies on that.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn mempool_transaction(&self, txid: &Txid) -> Result<Option<Transaction>, ChainError> {
        const METHOD: &str = "getrawtransaction";
        let hex: Option<String> = absent_if(INVALID_ADDRESS_OR_KEY, self.call(METHOD, &[json!(txid)]))?;
        let decoded = hex.map(|hex| deserialize_hex(&hex)).transpose();
        decoded.map_err(|error| ChainError::Malformed { method: METHOD, detail: error.to_string() })
    }

    /// Whether a transaction is in the mempool now.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn in_mempool(&self, txid: &Txid) -> Result<bool, ChainError> {
        let entry: Option<serde_json::Value> =
            absent_if(INVALID_ADDRESS_OR_KEY, self.call("getmempoolentry", &[json!(txid)]))?;
        Ok(entry.is_some())
    }

    /// Which mempool transactions spend these outpoints, in one call.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn mempool_spenders(&self, outpoints: &[OutPoint]) -> Result<Vec<MempoolSpender>, ChainError> {
        if outpoints.is_empty() {
            return Ok(Vec::new());
        }
        let asked: Vec<_> = outpoints.iter().map(|o| json!({"txid": o.txid, "vout": o.vout})).collect();
        // The one argument means the same to every version; a later one adds options and confirmed spends.
        let answers: Vec<SpendingAnswer> = self.call("gettxspendingprevout", &[json!(asked)])?;
        Ok(answers
            .into_iter()
            .map(|a| MempoolSpender { outpoint: OutPoint::new(a.txid, a.vout), spender: a.spendingtxid })
            .collect())
    }

    /// A fee rate to be confirmed within `blocks`: the node's estimate, or `fallback` where it has none (as on
    /// regtest), and never below what its mempool takes or 1 sat/vB.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn fee_rate(&self, blocks: u16, fallback: FeeRate) -> Result<FeeRate, ChainError> {
        let estimate: FeeAnswer = self.call("estimatesmartfee", &[json!(blocks)])?;
        Ok(estimate.feerate.map_or(fallback, per_kvb).max(self.least_fee_rate()?))
    }

    /// The lowest fee rate that the node's mempool takes at present, at least 1 sat/vB.
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn least_fee_rate(&self) -> Result<FeeRate, ChainError> {
        let mempool = self.mempool_info()?;
        let least = mempool.mempoolminfee.max(mempool.minrelaytxfee);
        Ok(per_kvb(least).max(FeeRate::BROADCAST_MIN))
    }

    /// What a replacement must pay for its own size beyond all that it replaces (BIP125, rule 4).
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn replacement_fee_rate(&self) -> Result<FeeRate, ChainError> {
        Ok(per_kvb(self.mempool_info()?.incrementalrelayfee))
    }

    fn mempool_info(&self) -> Result<MempoolAnswer, ChainError> {
        self.call("getmempoolinfo", &[])
    }
}

/// From an amount per 1,000 vB, rounded up.
fn per_kvb(amount: Amount) -> FeeRate {
    FeeRate::from_sat_per_kwu(amount.to_sat().div_ceil(4))
}

pub(super) fn absent_if<T>(absent: i32, result: Result<T, ChainError>) -> Result<Option<T>, ChainError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(ChainError::Rpc { code, .. }) if code == absent => Ok(None),
        Err(error) => Err(error),
    }
}
