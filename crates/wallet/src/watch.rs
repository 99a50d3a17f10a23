//! Outpoints and transactions that somebody waits for, and where the current chain and mempool have them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::{Block, BlockHash, OutPoint, Transaction, Txid};

/// Where a transaction is, in the current chain and mempool. Never stored: it is asked again whenever it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxStatus {
    /// Neither in the chain (from the watched height on) nor in the mempool.
    Unseen,
    /// In the mempool.
    InMempool,
    /// In a block of the current chain.
    Confirmed {
        /// Height of the block.
        height: u32,
        /// The block.
        block_hash: BlockHash,
        /// 1 when the block is the tip.
        confirmations: u32,
    },
}

impl TxStatus {
    /// 0 unless it is in a block.
    #[must_use]
    pub fn confirmations(&self) -> u32 {
        match self {
            Self::Confirmed { confirmations, .. } => *confirmations,
            Self::Unseen | Self::InMempool => 0,
        }
    }
}

/// A transaction that spends a watched outpoint, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
    /// The whole transaction: a peer's CET carries the attestation's secret in its witness.
    pub tx: Arc<Transaction>,
    /// Its id.
    pub txid: Txid,
    /// Where it is.
    pub status: TxStatus,
}

/// A place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    height: u32,
    hash: BlockHash,
}

#[derive(Default)]
struct WatchedOutpoint {
    in_block: Option<(Place, Arc<Transaction>)>,
    in_mempool: Option<Arc<Transaction>>,
}

#[derive(Default)]
struct WatchedTx {
    in_block: Option<Place>,
    in_mempool: bool,
}

/// What is watched. [`crate::Follower`] feeds it; every block that leaves the chain takes its sightings along.
#[derive(Default)]
pub(crate) struct Watch {
    outpoints: BTreeMap<OutPoint, WatchedOutpoint>,
    txs: BTreeMap<Txid, WatchedTx>,
}

impl Watch {
    /// Whether this is new, so that old blocks have to be looked through.
    pub fn add_outpoint(&mut self, outpoint: OutPoint) -> bool {
        let new = !self.outpoints.contains_key(&outpoint);
        self.outpoints.entry(outpoint).or_default();
        new
    }

    /// Whether this is new, so that old blocks have to be looked through.
    pub fn add_tx(&mut self, txid: Txid) -> bool {
        let new = !self.txs.contains_key(&txid);
        self.txs.entry(txid).or_default();
        new
    }

    pub fn remove_outpoint(&mut self, outpoint: &OutPoint) {
        self.outpoints.remove(outpoint);
    }

    pub fn remove_tx(&mut self, txid: &Txid) {
        self.txs.remove(txid);
    }

    /// Takes note of a block of the current chain. The same block again changes nothing.
    pub fn scan(&mut self, block: &Block, height: u32, hash: BlockHash) {
        let place = Place { height, hash };
        for tx in &block.txdata {
            for input in &tx.input {
                if let Some(watched) = self.outpoints.get_mut(&input.previous_output) {
                    watched.in_block = Some((place, Arc::new(tx.clone())));
                }
            }
            if !self.txs.is_empty()
                && let Some(watched) = self.txs.get_mut(&tx.compute_txid())
            {
                watched.in_block = Some(place);
            }
        }
    }

    /// Forgets what blocks above `height` showed: they have left the chain.
    pub fn rewind_to(&mut self, height: u32) {
        for watched in self.outpoints.values_mut() {
            watched.in_block.take_if(|(place, _)| place.height > height);
        }
        for watched in self.txs.values_mut() {
            watched.in_block.take_if(|place| place.height > height);
        }
    }

    /// Outpoints that no block spends: those worth asking the mempool about.
    pub fn unspent_outpoints(&self) -> Vec<OutPoint> {
        self.outpoints.iter().filter(|(_, w)| w.in_block.is_none()).map(|(outpoint, _)| *outpoint).collect()
    }

    /// What the mempool is known to spend an outpoint with.
    pub fn mempool_spender(&self, outpoint: &OutPoint) -> Option<&Arc<Transaction>> {
        self.outpoints.get(outpoint)?.in_mempool.as_ref()
    }

    /// Replaces all that is known of the mempool.
    pub fn set_mempool(
        &mut self,
        txids: &BTreeSet<Txid>,
        mut spenders: BTreeMap<OutPoint, Arc<Transaction>>,
    ) {
        for (outpoint, watched) in &mut self.outpoints {
            watched.in_mempool = spenders.remove(outpoint);
        }
        for (txid, watched) in &mut self.txs {
            watched.in_mempool = txids.contains(txid);
        }
    }

    pub fn tx_status(&self, txid: &Txid, tip: u32) -> TxStatus {
        match self.txs.get(txid) {
            Some(WatchedTx { in_block: Some(place), .. }) => place.status(tip),
            Some(WatchedTx { in_mempool: true, .. }) => TxStatus::InMempool,
            _ => TxStatus::Unseen,
        }
    }

    pub fn spend(&self, outpoint: &OutPoint, tip: u32) -> Option<Spend> {
        let watched = self.outpoints.get(outpoint)?;
        let (tx, status) = match (&watched.in_block, &watched.in_mempool) {
            (Some((place, tx)), _) => (tx, place.status(tip)),
            (None, Some(tx)) => (tx, TxStatus::InMempool),
            (None, None) => return None,
        };
        Some(Spend { tx: Arc::clone(tx), txid: tx.compute_txid(), status })
    }
}

impl Place {
    fn status(self, tip: u32) -> TxStatus {
        let confirmations = (tip + 1).saturating_sub(self.height);
        TxStatus::Confirmed { height: self.height, block_hash: self.hash, confirmations }
    }
}
