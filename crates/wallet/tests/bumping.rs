//! What the Bitcoin node does with children that pay for their parents, and with a peer that stands in the way.
//!
//! Policy differs between Bitcoin Core and Knots and between versions, so each test says on which it ran. The static
//! minimum is set, because Knots' own is ten times Core's.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use std::io::Write as _;
use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, WPubkeyHash};
use common::{Party, sat, spend};
use testbed::Bitcoind;

const STATIC_MINIMUM: &str = "-minrelaytxfee=0.00001";
/// What may hang together by the usual limits: 101,000 vB, and 25 transactions.
const FAMILY_VB: usize = 101_000;
const CHAIN: usize = 24;
/// Most outputs of a transaction that is relayed: one of 100,000 vB is not.
const LARGE_OUTPUTS: usize = 3_190;
/// A P2WPKH output, a transaction with one of them and one input, and the same with room for larger counts.
const CRUMB_VB: usize = 31;
const CHILD_VB: usize = 110;
const SMALL_VB: usize = 120;

fn node(more: &[&str]) -> Bitcoind {
    let builder = more.iter().fold(Bitcoind::builder().arg(STATIC_MINIMUM), |builder, arg| builder.arg(*arg));
    let node = builder.start().unwrap();
    // The test harness swallows what a test that passes prints, but not this.
    let _ = writeln!(std::io::stdout(), "policy of {}", node.version().unwrap());
    node
}

/// Two parties, and a transaction that pays both, as a CET or a funding transaction does: our output first.
struct Shared {
    node: Bitcoind,
    us: Party,
    peer: Party,
    tx: Transaction,
    coin: OutPoint,
    fee: Amount,
}

impl Shared {
    /// The transaction spends a coin of ours and pays `fee`; nobody has it yet.
    fn new(node: Bitcoind, fee: u64) -> Self {
        let (mut us, mut peer) = (Party::new(&node), Party::new(&node));
        let coin = us.funded(&node, &[5_000_000])[0];
        peer.sync();
        let to_us = us.address().script_pubkey();
        let mut psbt = spend(&[coin], to_us, sat(200_000), LockTime::ZERO);
        let rest = sat(5_000_000 - 200_000 - fee);
        psbt.unsigned_tx.output.push(TxOut { value: rest, script_pubkey: peer.address().script_pubkey() });
        psbt.outputs.push(bitcoin::psbt::Output::default());
        us.wallet.sign_own_inputs(&mut psbt, &[coin]).unwrap();
        let tx = psbt.extract_tx_unchecked_fee_rate();
        Self { node, us, peer, tx, coin, fee: sat(fee) }
    }

    fn output(&self, vout: u32) -> (OutPoint, TxOut) {
        (OutPoint::new(self.tx.compute_txid(), vout), self.tx.output[vout as usize].clone())
    }

    /// Our child, with a fee.
    fn child(&mut self, fee: u64) -> Transaction {
        let own = self.output(0);
        self.us.wallet.gather(&[own], sat(fee)).unwrap().tx
    }

    /// The rate at which a miner sees the shared transaction, in sat for each 1,000 vB.
    fn seen(&self) -> Option<u64> {
        self.us.chain.mempool_entry(&self.tx.compute_txid()).unwrap().map(|entry| entry.seen_sat_kvb)
    }

    /// The peer's child of its own output, as large as is relayed, and one of that, so that nothing of ours has room beside
    /// them; at 1 sat/vB.
    fn large_children(&mut self) -> [Transaction; 2] {
        self.peer.wallet.insert_unconfirmed(Arc::new(self.tx.clone()), 0);
        let first = self.padded(self.output(1), LARGE_OUTPUTS);
        self.peer.wallet.insert_unconfirmed(Arc::new(first.clone()), 0);
        let room = FAMILY_VB - self.tx.vsize() - first.vsize() - CHILD_VB;
        let output = (OutPoint::new(first.compute_txid(), 0), first.output[0].clone());
        let second = self.padded(output, room / CRUMB_VB);
        [first, second]
    }

    fn padded(&mut self, (outpoint, output): (OutPoint, TxOut), crumbs: usize) -> Transaction {
        let crumb =
            TxOut { value: sat(330), script_pubkey: ScriptBuf::new_p2wpkh(&WPubkeyHash::all_zeros()) };
        let mut psbt = spend(&[outpoint], self.peer.address().script_pubkey(), sat(0), LockTime::ZERO);
        psbt.unsigned_tx.output.extend(vec![crumb; crumbs]);
        let paid = 330 * crumbs + SMALL_VB + CRUMB_VB * crumbs;
        psbt.unsigned_tx.output[0].value = output.value - sat(paid as u64);
        psbt.outputs.resize(crumbs + 1, bitcoin::psbt::Output::default());
        self.peer.wallet.sign_own_inputs(&mut psbt, &[outpoint]).unwrap();
        psbt.extract_tx_unchecked_fee_rate()
    }

    /// The peer's chain of small children, each of the one before.
    fn chain_of_children(&mut self) {
        let mut last = self.output(1);
        for _ in 0..CHAIN {
            let child = self.peer.wallet.gather(&[last], sat(150)).unwrap().tx;
            if self.us.chain.broadcast(&child).is_err() {
                return;
            }
            last = (OutPoint::new(child.compute_txid(), 0), child.output[0].clone());
        }
    }
}

#[test]
fn below_the_dynamic_minimum_a_parent_goes_in_only_with_a_child_that_pays_for_both() {
    let mut shared = Shared::new(node(&["-maxmempool=5"]), 150);
    let rush = shared.node.prepare_rush(5).unwrap();
    let least = shared.node.rush(&rush).unwrap();
    println!("the mempool's minimum is {least} sat/kvB");
    assert!(matches!(shared.us.chain.broadcast(&shared.tx), Err(wallet::BroadcastError::FeeTooLow(_))));
    let poor = shared.child(200);
    let refused = shared.us.chain.submit_package(&[shared.tx.clone(), poor]).unwrap();
    assert_ne!(refused.message, "success");
    assert_eq!(shared.seen(), None);

    let size = shared.tx.vsize() as u64 + 110;
    let child = shared.child((least * size).div_ceil(1_000) + 500);
    let taken = shared.us.chain.submit_package(&[shared.tx.clone(), child.clone()]).unwrap();
    assert_eq!(taken.message, "success", "{taken:?}");
    assert!(shared.seen().unwrap() >= least);
    // The fillers take some 90 % of a block each ten; ours pays better than they do.
    shared.node.mine(1).unwrap();
    assert!(shared.node.height_of(child.compute_txid()).unwrap().is_some());
}

#[test]
fn a_child_is_replaced_by_a_dearer_one_and_the_rate_that_a_miner_sees_follows() {
    let mut shared = Shared::new(node(&[]), 300);
    shared.us.chain.broadcast(&shared.tx).unwrap();
    let alone = shared.seen().unwrap();
    assert_eq!(alone, 300 * 1_000 / shared.tx.vsize() as u64);
    let first = shared.child(1_000);
    shared.us.chain.broadcast(&first).unwrap();
    let bumped = shared.seen().unwrap();
    assert_eq!(bumped, 1_300 * 1_000 / (shared.tx.vsize() as u64 + first.vsize() as u64));
    let too_little = shared.child(1_050);
    assert!(matches!(shared.us.chain.broadcast(&too_little), Err(wallet::BroadcastError::Conflict(_))));
    let second = shared.child(2_000);
    shared.us.chain.broadcast(&second).unwrap();
    assert!(shared.seen().unwrap() > bumped);
    assert!(!shared.us.chain.in_mempool(&first.compute_txid()).unwrap());
}

#[test]
fn a_large_child_of_the_peer_does_not_keep_ours_out_nor_its_replacement() {
    let mut shared = Shared::new(node(&[]), 300);
    shared.us.chain.broadcast(&shared.tx).unwrap();
    let pins = shared.large_children();
    for pin in &pins {
        shared.us.chain.broadcast(pin).unwrap();
    }
    let family = shared.tx.vsize() + pins[0].vsize() + pins[1].vsize();
    println!("pinned with {} vB", family - shared.tx.vsize());
    assert!(family + CHILD_VB > FAMILY_VB, "there is no room left but for the one that is always let in");
    for fee in [3_000, 6_000] {
        let child = shared.child(fee);
        shared.us.chain.broadcast(&child).unwrap();
        assert!(shared.us.chain.in_mempool(&child.compute_txid()).unwrap());
        assert!(shared.seen().unwrap() > 10_000, "the peer's child is no part of our package");
    }
}

#[test]
fn a_long_chain_of_the_peers_children_does_not_keep_ours_out() {
    let mut shared = Shared::new(node(&[]), 300);
    shared.us.chain.broadcast(&shared.tx).unwrap();
    shared.chain_of_children();
    println!("pinned with {} descendants", shared.node.mempool().unwrap().len() - 1);
    assert!(shared.node.mempool().unwrap().len() >= CHAIN, "the limit is reached");
    for fee in [3_000, 6_000] {
        let child = shared.child(fee);
        shared.us.chain.broadcast(&child).unwrap();
        assert!(shared.us.chain.in_mempool(&child.compute_txid()).unwrap());
    }
}

#[test]
fn a_cancel_outbids_a_large_child_only_by_paying_for_it() {
    let mut shared = Shared::new(node(&[]), 300);
    shared.us.chain.broadcast(&shared.tx).unwrap();
    let pins = shared.large_children();
    for pin in &pins {
        shared.us.chain.broadcast(pin).unwrap();
    }
    let entry = shared.us.chain.mempool_entry(&shared.tx.compute_txid()).unwrap().unwrap();
    assert_eq!(entry.fee, shared.fee);
    assert!(entry.with_descendants > sat(100_000), "at 1 sat/vB: {}", entry.with_descendants);

    let coin = (shared.coin, shared.us.wallet.own_output(&shared.coin).unwrap());
    let mut cancel = |fee: u64| shared.us.wallet.gather(std::slice::from_ref(&coin), sat(fee)).unwrap().tx;
    let dear = cancel(50_000);
    let dearer = cancel(entry.with_descendants.to_sat() + 110);
    assert!(matches!(shared.us.chain.broadcast(&dear), Err(wallet::BroadcastError::Conflict(_))));
    shared.us.chain.broadcast(&dearer).unwrap();
    assert_eq!(shared.node.mempool().unwrap(), [dearer.compute_txid()]);
}

#[test]
fn what_is_not_ours_is_not_spent_and_dust_is_not_left() {
    let mut shared = Shared::new(node(&[]), 300);
    let foreign = shared.output(1);
    let refused = shared.us.wallet.gather(&[foreign], sat(500)).unwrap_err();
    assert!(matches!(refused, wallet::SpendError::Sign(wallet::SignError::NotOurs(_))), "{refused:?}");
    let own = shared.output(0);
    let dust = shared.us.wallet.gather(&[own], sat(199_800)).unwrap_err();
    assert!(matches!(dust, wallet::SpendError::Dust { .. }), "{dust:?}");
}
