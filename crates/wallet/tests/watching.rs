//! Spends that somebody else made, wherever the chain puts them.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use bitcoin::absolute::LockTime;
use bitcoin::{OutPoint, Txid};
use common::{Party, sat, spend};
use testbed::Bitcoind;
use wallet::{Follower, Payment, TxStatus};

/// Somebody with a coin, and a node that watches that coin from outside.
fn somebody(node: &Bitcoind) -> (Party, Party, OutPoint) {
    let mut somebody = Party::new(node);
    let coin = somebody.funded(node, &[100_000])[0];
    let mut watcher = Party::new(node);
    watcher.follower.watch_outpoint(coin, 0);
    watcher.sync();
    (somebody, watcher, coin)
}

#[test]
fn a_spend_made_by_somebody_else_is_seen_in_the_mempool_then_in_a_block_then_reorged_away() {
    let node = Bitcoind::start().unwrap();
    let (mut somebody, mut watcher, coin) = somebody(&node);
    assert_eq!(watcher.follower.spend(&coin), None);
    let to = watcher.address();

    let mut twin = somebody.restarted(&node);
    let tx = somebody.pay(&to, &Payment::Amount(sat(30_000))).tx;
    somebody.chain.broadcast(&tx).unwrap();
    assert!(watcher.sync().mempool_changed);
    let seen = watcher.follower.spend(&coin).unwrap();
    assert_eq!((seen.txid, seen.status), (tx.compute_txid(), TxStatus::InMempool));
    assert_eq!(*seen.tx, tx, "with its witness");

    let first = node.mine(1).unwrap()[0];
    node.mine(2).unwrap();
    watcher.sync();
    let seen = watcher.follower.spend(&coin).unwrap().status;
    assert_eq!(seen.confirmations(), 3);
    assert!(matches!(seen, TxStatus::Confirmed { block_hash, .. } if block_hash == first));

    // Six blocks come without it, and with another spend of the same coin.
    node.invalidate(first).unwrap();
    let other = twin.pay(&to, &Payment::Amount(sat(5_000))).tx;
    node.mine_block_of(std::slice::from_ref(&other)).unwrap();
    node.mine(5).unwrap();
    watcher.sync();
    let seen = watcher.follower.spend(&coin).unwrap();
    assert_eq!((seen.txid, seen.status.confirmations()), (other.compute_txid(), 6));
}

#[test]
fn a_reorg_without_a_conflict_makes_a_confirmed_transaction_wait_again() {
    let node = Bitcoind::start().unwrap();
    let (mut somebody, mut watcher, coin) = somebody(&node);
    let tx = somebody.pay(&watcher.address(), &Payment::Amount(sat(30_000))).tx;
    watcher.follower.watch_tx(tx.compute_txid(), node.height().unwrap());
    watcher.sync();
    assert_eq!(watcher.follower.tx_status(&tx.compute_txid()), TxStatus::Unseen);
    somebody.chain.broadcast(&tx).unwrap();
    node.mine(6).unwrap();
    watcher.sync();
    assert_eq!(watcher.follower.tx_status(&tx.compute_txid()).confirmations(), 6);
    node.reorg(6).unwrap();
    watcher.sync();
    assert_eq!(watcher.follower.tx_status(&tx.compute_txid()), TxStatus::InMempool);
    assert_eq!(watcher.follower.spend(&coin).unwrap().status, TxStatus::InMempool);
    node.mine(1).unwrap();
    watcher.sync();
    assert_eq!(watcher.follower.tx_status(&tx.compute_txid()).confirmations(), 1);
}

#[test]
fn the_chain_losing_blocks_without_gaining_any_unconfirms_what_they_held() {
    let node = Bitcoind::start().unwrap();
    let (mut somebody, mut watcher, coin) = somebody(&node);
    let tx = somebody.pay(&watcher.address(), &Payment::Amount(sat(30_000))).tx;
    somebody.chain.broadcast(&tx).unwrap();
    let block = node.mine(1).unwrap()[0];
    node.mine(1).unwrap();
    watcher.sync();
    assert_eq!(watcher.follower.spend(&coin).unwrap().status.confirmations(), 2);
    node.invalidate(block).unwrap();
    watcher.sync();
    assert_eq!(watcher.follower.spend(&coin).unwrap().status, TxStatus::InMempool);
    node.reconsider(block).unwrap();
    watcher.sync();
    assert_eq!(watcher.follower.spend(&coin).unwrap().status.confirmations(), 2);
}

#[test]
fn a_watch_that_comes_late_or_after_a_restart_finds_what_happened_before() {
    let node = Bitcoind::start().unwrap();
    let (mut somebody, mut watcher, coin) = somebody(&node);
    let begin = node.height().unwrap();
    let tx = somebody.pay(&watcher.address(), &Payment::Amount(sat(30_000))).tx;
    somebody.chain.broadcast(&tx).unwrap();
    node.mine(30).unwrap();
    watcher.sync();
    let late = tx.compute_txid();
    assert_eq!(watcher.follower.tx_status(&late), TxStatus::Unseen, "nobody asked for it");
    watcher.follower.watch_tx(late, begin);
    watcher.sync();
    assert_eq!(watcher.follower.tx_status(&late).confirmations(), 30);

    let mut again = watcher.restarted(&node);
    again.follower.watch_outpoint(coin, begin);
    again.follower.watch_tx(late, begin);
    again.sync();
    assert_eq!(again.follower.spend(&coin).unwrap().status.confirmations(), 30);
    assert_eq!(again.follower.tx_status(&late).confirmations(), 30);
    assert!(!again.sync().changed());
}

#[test]
fn a_watch_that_comes_while_the_spend_waits_in_the_mempool_finds_it_there() {
    let node = Bitcoind::start().unwrap();
    let (mut somebody, mut watcher, coin) = somebody(&node);
    let tx = somebody.pay(&watcher.address(), &Payment::Amount(sat(30_000))).tx;
    somebody.chain.broadcast(&tx).unwrap();
    watcher.sync();
    let mut other = Follower::new(watcher.chain.clone());
    other.sync(&mut watcher.wallet, 0).unwrap();
    let above = node.height().unwrap() + 1;
    other.watch_outpoint(coin, above);
    other.watch_tx(tx.compute_txid(), above);
    assert!(other.sync(&mut watcher.wallet, 0).unwrap().mempool_changed);
    assert_eq!(other.spend(&coin).unwrap().status, TxStatus::InMempool);
    assert_eq!(other.tx_status(&tx.compute_txid()), TxStatus::InMempool);
}

#[test]
fn what_is_no_longer_watched_is_forgotten() {
    let node = Bitcoind::start().unwrap();
    let (mut somebody, mut watcher, coin) = somebody(&node);
    somebody.send(&watcher.address(), 30_000);
    node.mine(1).unwrap();
    watcher.sync();
    assert!(watcher.follower.spend(&coin).is_some());
    watcher.follower.unwatch_outpoint(&coin);
    assert_eq!(watcher.follower.spend(&coin), None);
}

#[test]
fn a_node_that_was_restarted_with_a_new_cookie_is_followed_on() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    let address = party.address();
    node.stop().unwrap();
    assert!(
        party.follower.sync(&mut party.wallet, 0).is_err(),
        "a node that is away is an error, not a panic"
    );
    node.start_again().unwrap();
    node.fund(&address, &[sat(60_000)]).unwrap();
    party.sync();
    assert_eq!(party.confirmed(), 60_000);
}

#[test]
fn a_month_of_blocks_at_once_is_followed() {
    let node = Bitcoind::start().unwrap();
    let (somebody, mut watcher, coin) = somebody(&node);
    let psbt_to = watcher.address().script_pubkey();
    let mut psbt = spend(&[coin], psbt_to, sat(99_000), LockTime::ZERO);
    somebody.wallet.sign_own_inputs(&mut psbt, &[coin]).unwrap();
    let tx = psbt.extract_tx_unchecked_fee_rate();
    somebody.chain.broadcast(&tx).unwrap();
    node.mine(720).unwrap();
    watcher.sync();
    assert_eq!(watcher.follower.spend(&coin).unwrap().status.confirmations(), 720);
    assert_eq!(watcher.confirmed(), 99_000);
    let unknown: Txid = "00".repeat(32).parse().unwrap();
    assert_eq!(watcher.follower.tx_status(&unknown), TxStatus::Unseen);
}
