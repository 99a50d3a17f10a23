//! What the node says, as types.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use std::collections::BTreeSet;
use std::sync::Arc;

use bitcoin::OutPoint;
use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::serialize;
use common::{Party, connect, rate, sat, spend, unchecked};
use testbed::Bitcoind;
use wallet::chain::View;
use wallet::{BroadcastError, Broadcasted, ChainError, Payment, RpcAuth};

#[test]
fn broadcasting_twice_is_as_good_as_once_and_after_a_block_too() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    party.funded(&node, &[100_000]);
    let to = party.address();
    let tx = party.pay(&to, &Payment::Amount(sat(30_000))).tx;
    assert_eq!(party.chain.broadcast(&tx).unwrap(), Broadcasted::InMempool);
    assert_eq!(party.chain.broadcast(&tx).unwrap(), Broadcasted::InMempool);
    assert!(party.chain.in_mempool(&tx.compute_txid()).unwrap());
    assert_eq!(party.chain.mempool_transaction(&tx.compute_txid()).unwrap(), Some(tx.clone()));
    node.mine(1).unwrap();
    assert_eq!(party.chain.broadcast(&tx).unwrap(), Broadcasted::Confirmed);
    assert!(!party.chain.in_mempool(&tx.compute_txid()).unwrap());
}

#[test]
fn each_reason_to_refuse_a_transaction_has_its_own_name() {
    let node = Bitcoind::builder().arg("-minrelaytxfee=0.00003").start().unwrap();
    let mut party = Party::new(&node);
    let coin = party.funded(&node, &[100_000])[0];
    let mut twin = party.restarted(&node);
    let to = unchecked(&party.address());
    let script = party.address().script_pubkey();
    let none = BTreeSet::new();
    let payment = Payment::Amount(sat(30_000));

    let cheap = party.wallet.pay(&to, &payment, rate(1), &none).unwrap().tx;
    assert!(matches!(party.chain.broadcast(&cheap), Err(BroadcastError::FeeTooLow(_))));

    let later = LockTime::from_height(node.height().unwrap() + 5).unwrap();
    let mut early = spend(&[coin], script.clone(), sat(90_000), later);
    party.wallet.sign_own_inputs(&mut early, &[coin]).unwrap();
    let early = early.extract_tx_unchecked_fee_rate();
    assert!(matches!(party.chain.broadcast(&early), Err(BroadcastError::NotFinal(_))));

    let mut forged = twin.wallet.pay(&to, &payment, rate(5), &none).unwrap().tx;
    forged.output[0].value -= sat(1);
    assert!(matches!(party.chain.broadcast(&forged), Err(BroadcastError::Refused(_))));

    let paid = party.wallet.pay(&to, &payment, rate(5), &none).unwrap().tx;
    party.chain.broadcast(&paid).unwrap();
    let rival = twin.wallet.pay(&to, &Payment::Amount(sat(20_000)), rate(5), &none).unwrap().tx;
    assert!(matches!(party.chain.broadcast(&rival), Err(BroadcastError::Conflict(_))));
    node.mine(1).unwrap();
    assert!(matches!(party.chain.broadcast(&rival), Err(BroadcastError::MissingInputs(_))));
}

#[test]
fn an_output_is_seen_with_and_without_the_mempool() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    let coin = party.funded(&node, &[100_000])[0];
    let found = party.chain.utxo(&coin, View::Chain).unwrap().unwrap();
    assert_eq!((found.value, found.confirmations, found.coinbase), (sat(100_000), 1, false));
    assert!(found.is_mature());
    assert!(party.wallet.is_mine(&found.script_pubkey));

    let to = party.address();
    let signed = party.send(&to, 30_000);
    assert!(party.chain.utxo(&coin, View::Chain).unwrap().is_some(), "no block has spent it yet");
    assert!(party.chain.utxo(&coin, View::Mempool).unwrap().is_none());
    let spender = party.chain.mempool_spenders(&[coin]).unwrap();
    assert_eq!(spender[0].spender, Some(signed.tx.compute_txid()));
    let new = OutPoint::new(signed.tx.compute_txid(), 0);
    assert!(party.chain.utxo(&new, View::Chain).unwrap().is_none());
    let new = party.chain.utxo(&new, View::Mempool).unwrap().unwrap();
    assert_eq!(new.confirmations, 0);
    assert!(!new.is_mature());
    assert!(party.chain.mempool_spenders(&[]).unwrap().is_empty());
}

#[test]
fn a_parent_and_its_child_go_in_as_a_package() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    party.funded(&node, &[100_000]);
    let to = party.address();
    let parent = party.pay(&to, &Payment::Amount(sat(30_000))).tx;
    party.wallet.insert_unconfirmed(Arc::new(parent.clone()), 0);
    let coin = OutPoint::new(parent.compute_txid(), 0);
    let script = party.address().script_pubkey();
    let mut child = spend(&[coin], script, parent.output[0].value - sat(2_000), LockTime::ZERO);
    party.wallet.sign_own_inputs(&mut child, &[coin]).unwrap();
    let child = child.extract_tx_unchecked_fee_rate();
    let result = party.chain.submit_package(&[parent.clone(), child.clone()]).unwrap();
    assert_eq!(result.message, "success");
    assert_eq!(result.transactions.len(), 2);
    assert!(party.chain.in_mempool(&child.compute_txid()).unwrap());
    let again = party.chain.submit_package(&[parent, child]).unwrap();
    assert_eq!(again.message, "success");
}

#[test]
fn the_fee_rate_has_a_floor_and_a_fallback() {
    let node = Bitcoind::builder().arg("-minrelaytxfee=0.00007").start().unwrap();
    let chain = connect(&node);
    assert_eq!(chain.least_fee_rate().unwrap(), rate(7));
    assert_eq!(chain.fee_rate(6, rate(2)).unwrap(), rate(7), "a young regtest node has no estimate");
    assert_eq!(chain.fee_rate(6, rate(9)).unwrap(), rate(9));
}

#[test]
fn tip_blocks_and_network_are_told() {
    let node = Bitcoind::start().unwrap();
    let chain = connect(&node);
    node.mine(12).unwrap();
    let info = chain.info().unwrap();
    assert_eq!(info.network, bitcoin::Network::Regtest);
    let tip = chain.tip().unwrap();
    assert_eq!(tip.height, node.height().unwrap());
    assert!(tip.median_time_s <= tip.time_s, "median time past trails the clock");
    assert_eq!(chain.block_hash(tip.height).unwrap(), Some(tip.hash));
    assert_eq!(chain.block_hash(tip.height + 1).unwrap(), None);
    let block = chain.block(&tip.hash).unwrap();
    assert_eq!(block.block_hash(), tip.hash);
    assert!(!serialize(&block).is_empty());
}

#[test]
fn a_wrong_password_a_missing_cookie_and_a_dead_node_are_told_apart() {
    let node = Bitcoind::start().unwrap();
    let wrong = RpcAuth::UserPassword("somebody".into(), "guess".into());
    let wrong = wallet::Bitcoind::new(&node.rpc_url(), wrong).unwrap();
    assert!(matches!(wrong.tip(), Err(ChainError::Unauthorized)));
    assert!(!format!("{wrong:?}").contains("guess"), "a password is not for logs");
    let missing = RpcAuth::Cookie(node.folder().join("no-such-cookie"));
    let missing = wallet::Bitcoind::new(&node.rpc_url(), missing).unwrap();
    assert!(matches!(missing.tip(), Err(ChainError::Cookie { .. })));
    let chain = connect(&node);
    let nonsense: Result<String, _> = chain.call("nosuchmethod", &[]);
    assert!(matches!(nonsense, Err(ChainError::Rpc { code: -32601, .. })));
    node.kill();
    let dead = chain.tip().unwrap_err();
    assert!(dead.is_temporary(), "{dead:?}");
    assert!(wallet::Bitcoind::new("not a url", RpcAuth::UserPassword(String::new(), String::new())).is_err());
}

#[tokio::test]
async fn async_code_calls_the_node_without_blocking_its_threads() {
    let node = Bitcoind::start().unwrap();
    let chain = connect(&node);
    let height = chain.run(|chain| Ok::<_, ChainError>(chain.tip()?.height)).await.unwrap();
    assert_eq!(height, node.height().unwrap());
}

#[test]
fn a_block_has_a_place_while_it_is_in_the_best_chain() {
    let node = Bitcoind::start().unwrap();
    let chain = connect(&node);
    let old = node.mine(3).unwrap();
    let place = chain.block_place(&old[0]).unwrap().unwrap();
    assert_eq!((place.height + 2, place.depth), (node.height().unwrap(), Some(3)));
    node.reorg(3).unwrap();
    let place = chain.block_place(&old[0]).unwrap().unwrap();
    assert_eq!(place.depth, None, "it is known, and counts for nothing");
    let nowhere = bitcoin::hashes::Hash::from_byte_array([7; 32]);
    assert_eq!(chain.block_place(&nowhere).unwrap(), None);
}
