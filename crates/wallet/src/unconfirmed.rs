//! Transactions that no block has: which of them count.
//!
//! bdk decides by time: of two that conflict the one seen last counts, and one counts no longer when it left the
//! mempool at or after the second in which it was last seen. Seconds are too coarse for that, in simulated time above
//! all, so times are moved on where two things happen within one.

use std::collections::BTreeSet;
use std::sync::Arc;

use bdk_wallet::Update;
use bdk_wallet::chain::TxUpdate;
use bitcoin::{Amount, Transaction, Txid};

use crate::Wallet;

impl Wallet {
    /// A transaction of ours that is signed and about to be broadcast: its coins count as spent from here on.
    pub fn insert_unconfirmed(&mut self, tx: Arc<Transaction>, now_s: u64) {
        let seen_at = self.seen_at(tx.compute_txid(), now_s);
        self.inner.apply_unconfirmed_txs([(tx, seen_at)]);
    }

    /// A transaction that left, or never reached, the mempool and is not going to be sent again: its coins return.
    pub fn forget_unconfirmed(&mut self, txid: Txid, now_s: u64) {
        self.evict(&BTreeSet::from([txid]), now_s);
    }

    /// Takes over what the mempool has: `arrived` since the last time, and `txids` altogether.
    ///
    /// A payment to us that left the mempool is gone. A payment of ours that left it can still come back and confirm,
    /// so its coins stay spent until a conflicting transaction appears or the caller forgets it.
    pub(crate) fn follow_mempool(
        &mut self,
        arrived: &[Arc<Transaction>],
        txids: &BTreeSet<Txid>,
        now_s: u64,
    ) {
        let seen: Vec<_> =
            arrived.iter().map(|tx| (Arc::clone(tx), self.seen_at(tx.compute_txid(), now_s))).collect();
        self.inner.apply_unconfirmed_txs(seen);
        let gone: BTreeSet<Txid> =
            self.replaced_by(arrived).chain(self.unpaid()).filter(|txid| !txids.contains(txid)).collect();
        self.evict(&gone, now_s);
    }

    fn replaced_by<'a>(&'a self, arrived: &'a [Arc<Transaction>]) -> impl Iterator<Item = Txid> + 'a {
        let graph = self.inner.tx_graph();
        arrived.iter().flat_map(|tx| graph.direct_conflicts(tx)).map(|(_, txid)| txid)
    }

    /// What counts, is in no block, and spends nothing of ours.
    fn unpaid(&self) -> impl Iterator<Item = Txid> {
        let unconfirmed = self.inner.transactions().filter(|found| found.chain_position.is_unconfirmed());
        let unpaid =
            unconfirmed.filter(|found| self.inner.sent_and_received(&found.tx_node.tx).0 == Amount::ZERO);
        unpaid.map(|found| found.tx_node.txid)
    }

    fn seen_at(&self, txid: Txid, now_s: u64) -> u64 {
        let evicted = self.inner.tx_graph().get_last_evicted(txid);
        evicted.map_or(now_s, |evicted| now_s.max(evicted.saturating_add(1)))
    }

    /// `bdk_wallet`'s own way of doing this, `apply_evicted_txs`, passes over those that do not count at the moment;
    /// of several that were replaced within one second the next would then count instead.
    fn evict(&mut self, gone: &BTreeSet<Txid>, now_s: u64) {
        let graph = self.inner.tx_graph();
        let known = gone.iter().filter_map(|txid| graph.get_tx_node(*txid));
        let evicted_ats = known.map(|node| (node.txid, node.last_seen.map_or(now_s, |seen| seen.max(now_s))));
        let mut tx_update = TxUpdate::default();
        tx_update.evicted_ats = evicted_ats.collect();
        let update = Update { tx_update, ..Update::default() };
        self.inner.apply_update(update).expect("only an update of the chain can fail to connect");
    }
}
