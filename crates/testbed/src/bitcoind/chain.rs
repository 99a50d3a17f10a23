//! What tests do with the chain.

use std::sync::atomic::Ordering;

use bitcoin::consensus::encode;
use bitcoin::{Address, Amount, BlockHash, OutPoint, Transaction, Txid};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Bitcoind, RpcError};

/// The last block of the active chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Tip {
    /// The number of blocks before it.
    #[serde(rename = "blocks")]
    pub height: u32,
    /// Its hash.
    #[serde(rename = "bestblockhash")]
    pub hash: BlockHash,
    /// The median time past that holds for the next block, in unix seconds: timelocks compare
    /// with it.
    #[serde(rename = "mediantime")]
    pub median_time_s: u64,
}

impl Bitcoind {
    /// The last block and its median time past.
    ///
    /// # Errors
    /// When the call fails.
    pub fn tip(&self) -> Result<Tip, RpcError> {
        self.call("getblockchaininfo", &[])
    }

    /// The height of the last block.
    ///
    /// # Errors
    /// When the call fails.
    pub fn height(&self) -> Result<u32, RpcError> {
        self.call("getblockcount", &[])
    }

    /// Mines blocks that pay nobody; they confirm what is in the mempool.
    ///
    /// # Errors
    /// When the call fails.
    pub fn mine(&self, blocks: u32) -> Result<Vec<BlockHash>, RpcError> {
        self.call("generatetodescriptor", &[json!(blocks), json!(self.burn())])
    }

    /// An output that nobody can spend, as a descriptor: `OP_RETURN` and a number that is
    /// another each time. Without it a block that replaces an invalidated one of the same mock
    /// time would be that very block, and refused.
    fn burn(&self) -> String {
        let number = self.burnt.fetch_add(1, Ordering::Relaxed);
        format!("raw(6a04{number:08x})")
    }

    /// Mines blocks that pay `address`; each pays after 100 more.
    ///
    /// # Errors
    /// When the call fails.
    pub fn mine_to(&self, address: &Address, blocks: u32) -> Result<Vec<BlockHash>, RpcError> {
        let params = [json!(blocks), json!(address.to_string())];
        self.call("generatetoaddress", &params)
    }

    /// Mines one block of exactly these transactions, whatever is in the mempool.
    ///
    /// # Errors
    /// When the call fails, as it does for an invalid transaction.
    pub fn mine_block_of(&self, transactions: &[Transaction]) -> Result<BlockHash, RpcError> {
        #[derive(Deserialize)]
        struct Mined {
            hash: BlockHash,
        }
        let hexes: Vec<String> = transactions.iter().map(encode::serialize_hex).collect();
        let mined: Mined = self.call("generateblock", &[json!(self.burn()), json!(hexes)])?;
        Ok(mined.hash)
    }

    /// Mines until the median time past is `unix_s` or more, with the node's clock moved there.
    /// Eleven blocks do, since the median is of eleven.
    ///
    /// # Errors
    /// When a call fails; refused too is a time before the chain's own.
    pub fn mine_until_median_time(&self, unix_s: u64) -> Result<Tip, RpcError> {
        let mut tip = self.tip()?;
        while tip.median_time_s < unix_s {
            self.set_mock_time(unix_s)?;
            self.mine(1)?;
            tip = self.tip()?;
        }
        Ok(tip)
    }

    /// Sets the node's clock, in unix seconds; it stands still from then on. Blocks that are
    /// mined get this time, or one second more than the median time past where that is later.
    ///
    /// # Errors
    /// When the call fails.
    pub fn set_mock_time(&self, unix_s: u64) -> Result<(), RpcError> {
        *self.mock_time_s() = Some(unix_s);
        self.call("setmocktime", &[json!(unix_s)])
    }

    /// What waits to be mined.
    ///
    /// # Errors
    /// When the call fails.
    pub fn mempool(&self) -> Result<Vec<Txid>, RpcError> {
        self.call("getrawmempool", &[])
    }

    /// Hands the node a transaction.
    ///
    /// # Errors
    /// When the mempool refuses it; [`RpcError::refusal`] says why.
    pub fn send(&self, transaction: &Transaction) -> Result<Txid, RpcError> {
        let hex = encode::serialize_hex(transaction);
        self.call("sendrawtransaction", &[json!(hex)])
    }

    /// Whether the mempool would take a transaction, and if not why.
    ///
    /// # Errors
    /// When the call itself fails.
    pub fn would_accept(&self, transaction: &Transaction) -> Result<Option<String>, RpcError> {
        #[derive(Deserialize)]
        struct Verdict {
            allowed: bool,
            #[serde(rename = "reject-reason")]
            reason: Option<String>,
        }
        let hex = encode::serialize_hex(transaction);
        let verdicts: Vec<Verdict> = self.call("testmempoolaccept", &[json!([hex])])?;
        let refused = verdicts.into_iter().find(|verdict| !verdict.allowed);
        Ok(refused.map(|verdict| verdict.reason.unwrap_or_default()))
    }

    /// The height of the block that has this transaction; `None` where none has. Looks at
    /// every block from the tip down, since the nodes keep no index of transactions.
    ///
    /// # Errors
    /// When a call fails.
    pub fn height_of(&self, txid: Txid) -> Result<Option<u32>, RpcError> {
        #[derive(Deserialize)]
        struct Block {
            height: u32,
            tx: Vec<Txid>,
            previousblockhash: Option<BlockHash>,
        }
        let mut next = Some(self.tip()?.hash);
        while let Some(hash) = next {
            let block: Block = self.call("getblock", &[json!(hash)])?;
            if block.tx.contains(&txid) {
                return Ok(Some(block.height));
            }
            next = block.previousblockhash;
        }
        Ok(None)
    }

    /// A transaction from the mempool or from the chain; `None` where the node has none of this id.
    ///
    /// # Errors
    /// When a call fails, or the node gives something that is no transaction.
    pub fn transaction(&self, txid: Txid) -> Result<Option<Transaction>, RpcError> {
        let mut params = vec![json!(txid), json!(false)];
        if let Some(height) = self.height_of(txid)? {
            params.push(self.call("getblockhash", &[json!(height)])?);
        }
        match self.call::<TransactionHex>("getrawtransaction", &params) {
            Ok(TransactionHex(transaction)) => Ok(Some(transaction)),
            Err(RpcError::Refused { code: -5, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The value of a coin, unless it is spent, by the mempool's transactions too, or never was.
    ///
    /// # Errors
    /// When the call fails.
    pub fn unspent(&self, coin: OutPoint) -> Result<Option<Amount>, RpcError> {
        #[derive(Deserialize)]
        struct Coin {
            #[serde(with = "bitcoin::amount::serde::as_btc")]
            value: Amount,
        }
        let params = [json!(coin.txid), json!(coin.vout), json!(true)];
        let coin: Option<Coin> = self.call("gettxout", &params)?;
        Ok(coin.map(|coin| coin.value))
    }

    /// Takes a block and all after it out of the active chain; their transactions return to
    /// the mempool where it still takes them.
    ///
    /// # Errors
    /// When the call fails.
    pub fn invalidate(&self, block: BlockHash) -> Result<(), RpcError> {
        self.call("invalidateblock", &[json!(block)])
    }

    /// Undoes [`Bitcoind::invalidate`].
    ///
    /// # Errors
    /// When the call fails.
    pub fn reconsider(&self, block: BlockHash) -> Result<(), RpcError> {
        self.call("reconsiderblock", &[json!(block)])
    }

    /// Replaces the last `depth` blocks by `depth + 1` blocks without transactions. What the
    /// old ones had confirmed is in the mempool again, except what came from their coinbases.
    /// Returns the first of the blocks replaced, for [`Bitcoind::reconsider`].
    ///
    /// # Errors
    /// When a call fails, as it does for a depth above the height.
    pub fn reorg(&self, depth: u32) -> Result<BlockHash, RpcError> {
        self.reorg_with(depth, &[])
    }

    /// The same with a branch whose first block holds exactly these transactions, though they conflict with what is in
    /// the mempool or was confirmed.
    ///
    /// # Errors
    /// As [`Bitcoind::reorg`], and when one of the transactions is not valid there.
    pub fn reorg_with(&self, depth: u32, transactions: &[Transaction]) -> Result<BlockHash, RpcError> {
        let first = self.height()?.saturating_sub(depth.saturating_sub(1));
        let replaced: BlockHash = self.call("getblockhash", &[json!(first)])?;
        self.invalidate(replaced)?;
        self.mine_block_of(transactions)?;
        for _ in 0..depth {
            self.mine_block_of(&[])?;
        }
        Ok(replaced)
    }
}

/// A transaction as the node writes it.
struct TransactionHex(Transaction);

impl<'de> Deserialize<'de> for TransactionHex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = Value::deserialize(deserializer)?;
        let hex = hex.as_str().unwrap_or_default();
        let transaction = encode::deserialize_hex(hex);
        transaction.map(Self).map_err(serde::de::Error::custom)
    }
}
