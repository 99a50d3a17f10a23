//! Following the chain: blocks and mempool go to the wallet and to what is watched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bdk_wallet::chain::{BlockId, CheckPoint};
use bitcoin::{Block, BlockHash, Network, OutPoint, Transaction, Txid};

use crate::chain::MempoolSpender;
use crate::watch::Watch;
use crate::{Bitcoind, ChainError, Spend, Tip, TxStatus, Wallet};

/// Blocks held in memory at a time.
const BATCH: u32 = 16;
/// Block hashes that are remembered, which is how deep a reorg may be to make watches forget what it took back.
const REMEMBERED: usize = 10_000;
/// Mempool transactions fetched in one call of [`Follower::sync`]; the rest follows in the next ones.
const MEMPOOL_BATCH: usize = 5_000;
/// Outpoints in one question to the mempool.
const SPENDER_BATCH: usize = 500;
/// How often a chain may move under our feet before we come back later.
const ATTEMPTS: usize = 5;

/// Why following the chain stopped; the next call continues.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The node did not answer, or with an error.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The best chain changed at every attempt.
    #[error("the node's chain keeps changing")]
    Moving,
    /// The node's chain has another genesis block than the wallet, or none of the blocks since the wallet's birth.
    #[error("the node's chain is not the one that the wallet was made for")]
    WrongChain,
    /// The node is on another network than the wallet.
    #[error("bitcoind is on {node}, and this wallet on {wallet}")]
    OtherNetwork {
        /// The node's.
        node: Network,
        /// The wallet's.
        wallet: Network,
    },
    /// The wallet did not accept a block.
    #[error("the wallet does not accept block {height}")]
    Wallet {
        /// Its height.
        height: u32,
    },
}

/// What one call of [`Follower::sync`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// The node's newest block.
    pub tip: Tip,
    /// Blocks came, went, or were looked through again.
    pub chain_changed: bool,
    /// Transactions came into or left the mempool.
    pub mempool_changed: bool,
}

impl Synced {
    /// Whether anything is worth looking at.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.chain_changed || self.mempool_changed
    }
}

/// Follows one bitcoind's best chain, for one wallet. Holds nothing that needs storing: after a restart the caller
/// registers its watches again, each with the height to look back from.
pub struct Follower {
    node: Bitcoind,
    /// Blocks of the best chain that were looked at, by height.
    blocks: BTreeMap<u32, BlockHash>,
    tip: Option<Tip>,
    /// Whether all blocks up to `tip` were looked at.
    caught_up: bool,
    watch: Watch,
    /// From where blocks have to be looked through for watches that were added since.
    rescan_from: Option<u32>,
    /// Whether a watch was added since the mempool was looked at.
    watch_is_new: bool,
    mempool: BTreeSet<Txid>,
}

/// The chain moved while it was being read: begin again.
enum Step {
    Moved,
    Failed(FollowError),
}

impl<E: Into<FollowError>> From<E> for Step {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Follower {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(node: Bitcoind) -> Self {
        Self {
            node,
            blocks: BTreeMap::new(),
            tip: None,
            caught_up: false,
            watch: Watch::default(),
            rescan_from: None,
            watch_is_new: false,
            mempool: BTreeSet::new(),
        }
    }

    /// The newest block as of the last sync.
    #[must_use]
    pub fn tip(&self) -> Option<Tip> {
        self.tip
    }

    /// Watches for spends of an outpoint in the blocks from `from_height` on and in the mempool. Takes effect with
    /// the next sync.
    pub fn watch_outpoint(&mut self, outpoint: OutPoint, from_height: u32) {
        if self.watch.add_outpoint(outpoint) {
            self.look_back(from_height);
        }
    }

    /// Watches for a transaction in the blocks from `from_height` on and in the mempool. Takes effect with the next
    /// sync.
    pub fn watch_tx(&mut self, txid: Txid, from_height: u32) {
        if self.watch.add_tx(txid) {
            self.look_back(from_height);
        }
    }

    /// Stops watching an outpoint.
    pub fn unwatch_outpoint(&mut self, outpoint: &OutPoint) {
        self.watch.remove_outpoint(outpoint);
    }

    /// Stops watching a transaction.
    pub fn unwatch_tx(&mut self, txid: &Txid) {
        self.watch.remove_tx(txid);
    }

    fn look_back(&mut self, from_height: u32) {
        self.watch_is_new = true;
        // Above the blocks that were looked at, the next sync comes by anyway.
        if self.top().is_none_or(|(height, _)| from_height <= height) {
            self.caught_up = false;
            self.rescan_from = Some(self.rescan_from.map_or(from_height, |from| from.min(from_height)));
        }
    }

    /// Where a watched transaction is, as of the last sync. One that is not watched is [`TxStatus::Unseen`].
    #[must_use]
    pub fn tx_status(&self, txid: &Txid) -> TxStatus {
        self.watch.tx_status(txid, self.tip_height())
    }

    /// What spends a watched outpoint, as of the last sync; a confirmed spend before one in the mempool.
    #[must_use]
    pub fn spend(&self, outpoint: &OutPoint) -> Option<Spend> {
        self.watch.spend(outpoint, self.tip_height())
    }

    fn tip_height(&self) -> u32 {
        self.top().map_or(0, |(height, _)| height)
    }

    /// Brings wallet and watches to the node's best block and mempool. Cheap when nothing changed. `now_s` is when
    /// mempool transactions count as seen. After an error everything is in order up to some earlier block.
    ///
    /// The wallet's changes are staged, not stored.
    ///
    /// # Errors
    /// Any of [`FollowError`].
    pub fn sync(&mut self, wallet: &mut Wallet, now_s: u64) -> Result<Synced, FollowError> {
        let mut chain_changed = false;
        for _ in 0..ATTEMPTS {
            match self.sync_once(wallet, now_s, &mut chain_changed) {
                Ok((tip, mempool_changed)) => {
                    return Ok(Synced { tip, chain_changed, mempool_changed });
                }
                Err(Step::Moved) => {}
                Err(Step::Failed(error)) => return Err(error),
            }
        }
        Err(FollowError::Moving)
    }

    fn sync_once(
        &mut self,
        wallet: &mut Wallet,
        now_s: u64,
        chain_changed: &mut bool,
    ) -> Result<(Tip, bool), Step> {
        let tip = self.tip_of(wallet.network())?;
        let seen = self.caught_up && self.tip.is_some_and(|old| old.hash == tip.hash);
        if !seen {
            // Both stay when a later step fails, so that the caller hears of it and the next call begins here.
            *chain_changed = true;
            self.caught_up = false;
            self.follow_blocks(wallet, tip)?;
            self.rescan_from = None;
            self.caught_up = true;
            self.tip = Some(tip);
        }
        Ok((tip, self.follow_mempool(wallet, now_s, tip, !seen)?))
    }

    /// The node's tip. A node may be replaced by another while we run, so its network is asked for each time.
    fn tip_of(&self, wallet: Network) -> Result<Tip, FollowError> {
        let info = self.node.info()?;
        match info.network == wallet {
            true => Ok(info.tip),
            false => Err(FollowError::OtherNetwork { node: info.network, wallet }),
        }
    }

    fn follow_blocks(&mut self, wallet: &mut Wallet, tip: Tip) -> Result<(), Step> {
        self.rewind()?;
        let mut wallet_at = self.wallet_start(wallet, tip)?;
        let unseen = self.top().map_or(tip.height, |(height, _)| height + 1);
        let wanted = [wallet_at.as_ref().map(|at| at.height() + 1), self.rescan_from];
        let mut next = wanted.into_iter().flatten().fold(unseen, u32::min);
        while next <= tip.height {
            let last = tip.height.min(next.saturating_add(BATCH - 1));
            let batch = self.fetch(next, last)?;
            if let Some(at) = wallet_at {
                wallet_at = Some(feed_wallet(wallet, at, &batch)?);
            }
            for (height, hash, block) in &batch {
                self.watch.scan(block, *height, *hash);
                self.blocks.insert(*height, *hash);
            }
            while self.blocks.len() > REMEMBERED {
                self.blocks.pop_first();
            }
            next = last + 1;
        }
        match self.top() {
            Some((_, hash)) if hash == tip.hash => Ok(()),
            _ => Err(Step::Moved),
        }
    }

    /// Drops the blocks that are no longer part of the best chain, and what they showed.
    fn rewind(&mut self) -> Result<(), Step> {
        while let Some((height, hash)) = self.top() {
            if self.node.block_hash(height)? == Some(hash) {
                break;
            }
            self.blocks.remove(&height);
            self.watch.rewind_to(height.saturating_sub(1));
        }
        Ok(())
    }

    fn top(&self) -> Option<(u32, BlockHash)> {
        self.blocks.last_key_value().map(|(height, hash)| (*height, *hash))
    }

    /// The block after which the wallet has to be fed, or `None` while there is no block yet in the place of the first
    /// one that it has and the best chain has not: until then nothing says which of its blocks are replaced.
    fn wallet_start(&self, wallet: &Wallet, tip: Tip) -> Result<Option<CheckPoint>, Step> {
        let mut replaced = None;
        for checkpoint in wallet.inner.latest_checkpoint().iter() {
            if self.best_hash(checkpoint.height())? != Some(checkpoint.hash()) {
                replaced = Some(checkpoint.height());
                continue;
            }
            return match replaced {
                Some(height) if height > tip.height => Ok(None),
                Some(height) => self.not_far_below(checkpoint, height).map(Some),
                None => Ok(Some(checkpoint)),
            };
        }
        Err(FollowError::WrongChain.into())
    }

    /// Between genesis and its birth the wallet has no blocks. When the birth block itself is replaced, there is no
    /// need to begin at genesis: one batch, which then has a block for every replaced one, goes back far enough.
    fn not_far_below(&self, agreed: CheckPoint, replaced: u32) -> Result<CheckPoint, Step> {
        let height = replaced.saturating_sub(BATCH - 1);
        if height <= agreed.height() {
            return Ok(agreed);
        }
        let hash = self.best_hash(height)?.ok_or(Step::Moved)?;
        agreed.push(BlockId { height, hash }).map_err(|_| Step::Moved)
    }

    fn best_hash(&self, height: u32) -> Result<Option<BlockHash>, ChainError> {
        match self.blocks.get(&height) {
            Some(hash) => Ok(Some(*hash)),
            None => self.node.block_hash(height),
        }
    }

    /// Blocks `first..=last`, each the child of the one before.
    fn fetch(&self, first: u32, last: u32) -> Result<Vec<(u32, BlockHash, Block)>, Step> {
        let mut parent = match first.checked_sub(1) {
            Some(height) => self.best_hash(height)?,
            None => None,
        };
        let mut batch = Vec::with_capacity((last - first + 1) as usize);
        for height in first..=last {
            let hash = self.node.block_hash(height)?.ok_or(Step::Moved)?;
            let block = self.node.block(&hash)?;
            if parent.is_some_and(|parent| parent != block.header.prev_blockhash) {
                return Err(Step::Moved);
            }
            parent = Some(hash);
            batch.push((height, hash, block));
        }
        Ok(batch)
    }

    fn follow_mempool(
        &mut self,
        wallet: &mut Wallet,
        now_s: u64,
        tip: Tip,
        chain_changed: bool,
    ) -> Result<bool, Step> {
        let txids: BTreeSet<Txid> = self.node.mempool()?.into_iter().collect();
        if txids == self.mempool && !chain_changed && !self.watch_is_new {
            return Ok(false);
        }
        let arrived = self.fetch_arrived(&txids)?;
        let spenders = self.watched_spenders()?;
        // A block in between would make its transactions look evicted.
        if self.node.tip()?.hash != tip.hash {
            return Err(Step::Moved);
        }
        let known = self.mempool.iter().copied().chain(arrived.iter().map(|tx| tx.compute_txid()));
        let known: BTreeSet<Txid> = known.filter(|txid| txids.contains(txid)).collect();
        let changed = known != self.mempool || self.watch_is_new;
        wallet.follow_mempool(&arrived, &txids, now_s);
        self.watch.set_mempool(&txids, spenders);
        self.mempool = known;
        self.watch_is_new = false;
        Ok(changed)
    }

    fn fetch_arrived(&self, txids: &BTreeSet<Txid>) -> Result<Vec<Arc<Transaction>>, ChainError> {
        let new = txids.difference(&self.mempool).take(MEMPOOL_BATCH);
        // One that is gone again by now is none.
        let fetched = new.filter_map(|txid| self.node.mempool_transaction(txid).transpose());
        fetched.map(|tx| tx.map(Arc::new)).collect()
    }

    fn watched_spenders(&self) -> Result<BTreeMap<OutPoint, Arc<Transaction>>, ChainError> {
        let mut found = BTreeMap::new();
        for asked in self.watch.unspent_outpoints().chunks(SPENDER_BATCH) {
            for MempoolSpender { outpoint, spender } in self.node.mempool_spenders(asked)? {
                let Some(txid) = spender else { continue };
                let known = self.watch.mempool_spender(&outpoint).filter(|tx| tx.compute_txid() == txid);
                let tx = match known {
                    Some(tx) => Some(Arc::clone(tx)),
                    None => self.node.mempool_transaction(&txid)?.map(Arc::new),
                };
                found.extend(tx.map(|tx| (outpoint, tx)));
            }
        }
        Ok(found)
    }
}

/// Gives the wallet those blocks that come after `checkpoint`, and returns the new one. The chain goes first, as a
/// whole: only so are replaced blocks named without ambiguity.
fn feed_wallet(
    wallet: &mut Wallet,
    checkpoint: CheckPoint,
    batch: &[(u32, BlockHash, Block)],
) -> Result<CheckPoint, Step> {
    let refused = |height| Step::Failed(FollowError::Wallet { height });
    let new: Vec<_> = batch.iter().filter(|(height, ..)| *height > checkpoint.height()).collect();
    let Some((top, ..)) = new.last() else { return Ok(checkpoint) };
    let ids = new.iter().map(|(height, hash, _)| BlockId { height: *height, hash: *hash });
    let extended = checkpoint.extend(ids).map_err(|_| refused(*top))?;
    wallet.apply_chain(extended.clone()).map_err(|_| refused(*top))?;
    for (height, _, block) in &new {
        wallet.apply_block(block, *height).map_err(|_| refused(*height))?;
    }
    Ok(extended)
}
