//! The chain as the witness: every transaction of every block, and where the parties' coins went.

use std::collections::BTreeMap;

use anyhow::Context as _;
use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Amount, Block, OutPoint, Txid};
use terms::{Hex32, UnixSeconds};
use testbed::Bitcoind;

use super::funds::Coins;
use crate::run::transactions::Placed;

/// All blocks from the first to the tip.
#[derive(Debug)]
pub(super) struct Chain {
    /// Every transaction but the coinbases, in the chain's order.
    placed: Vec<(Txid, Placed)>,
    /// The height of the last block.
    pub height: u32,
    /// The node's name and version.
    pub bitcoind: String,
}

/// Where coins went.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    /// So many transactions spent any of them, or of what came of them.
    pub transactions: u64,
    /// What these paid to miners.
    pub fees: Amount,
    /// What is unspent of them.
    pub unspent: Amount,
}

impl Chain {
    /// Reads it, block by block.
    pub(super) fn read(node: &Bitcoind) -> anyhow::Result<Self> {
        let height = node.height()?;
        let mut placed = Vec::new();
        for at in 1..=height {
            let hash: String = node.call("getblockhash", &[at.into()])?;
            let hex: String = node.call("getblock", &[hash.clone().into(), 0.into()])?;
            let block: Block = deserialize_hex(&hex).context("a block")?;
            let time = Some(UnixSeconds(block.header.time.into()));
            let (height, block_hash) = (Some(at), Some(hash));
            for transaction in block.txdata.into_iter().skip(1) {
                let block = block_hash.clone();
                placed.push((transaction.compute_txid(), Placed { transaction, height, block, time }));
            }
        }
        let network: serde_json::Value = node.call("getnetworkinfo", &[])?;
        let version = network.get("subversion").and_then(serde_json::Value::as_str).unwrap_or_default();
        Ok(Self { placed, height, bitcoind: version.trim_matches('/').to_owned() })
    }

    /// A transaction that is in a block.
    pub(super) fn find(&self, txid: Hex32) -> Option<&Placed> {
        let txid: Txid = txid.to_string().parse().ok()?;
        self.placed.iter().find(|(id, _)| *id == txid).map(|(_, placed)| placed)
    }

    /// Follows coins through every transaction that spends them.
    pub(super) fn follow(&self, coins: &Coins) -> Trail {
        let mut unspent: BTreeMap<OutPoint, Amount> = coins.clone();
        let mut trail = Trail::default();
        for (txid, placed) in &self.placed {
            let inputs = placed.transaction.input.iter();
            let spent: Vec<Amount> =
                inputs.filter_map(|input| unspent.remove(&input.previous_output)).collect();
            if spent.is_empty() {
                continue;
            }
            let outputs = (0u32..).zip(&placed.transaction.output);
            unspent.extend(outputs.map(|(vout, output)| (OutPoint::new(*txid, vout), output.value)));
            let paid: Amount = placed.transaction.output.iter().map(|output| output.value).sum();
            let came: Amount = spent.into_iter().sum();
            trail.transactions += 1;
            trail.fees += came.checked_sub(paid).unwrap_or_default();
        }
        trail.unspent = unspent.into_values().sum();
        trail
    }
}
