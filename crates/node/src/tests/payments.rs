//! The owner's payments: paid once, whatever happens in between.

use std::sync::Arc;

use bitcoin::{Amount, FeeRate, Txid};
use protocol::owner::WithdrawalRequest;
use terms::{Hex32, Sat};
use testbed::Bitcoind;
use wallet::Payment;

use super::{World, elsewhere};
use crate::core::Change;
use crate::error::NodeError;
use crate::node::Node;
use crate::ticket::Ticket;

fn request(sat: u64) -> WithdrawalRequest {
    WithdrawalRequest {
        address: elsewhere().to_string(),
        amount_sat: Some(Sat(sat)),
        sweep: false,
        fee_rate_sat_vb: Some(5),
    }
}

fn ticket() -> Ticket {
    Ticket::new("key".into(), Hex32([1; 32]))
}

async fn available(node: &Node) -> u64 {
    node.core.lock().await.balance().available_sat.0
}

/// Does what a withdrawal does, and stops before the broadcast.
async fn cut_off(node: &Node) -> Txid {
    let mut core = node.core.lock().await;
    let rate = FeeRate::from_sat_per_vb_u32(5);
    let to = elsewhere().into_unchecked();
    let payment = Payment::Amount(Amount::from_sat(40_000));
    let reserved = core.reserved_coins();
    let tx = core.wallet.pay(&to, &payment, rate, &reserved).unwrap().tx;
    let txid = tx.compute_txid();
    core.wallet.insert_unconfirmed(Arc::new(tx.clone()), node.now());
    let stored = Some((txid.to_string(), bitcoin::consensus::serialize(&tx)));
    core.commit(Change { payment: stored, ..Change::default() }, node.now()).await.unwrap();
    core.payments.insert(txid, tx);
    txid
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_stored_and_not_sent_is_sent_after_the_restart() {
    let world = World::begin();
    let node = world.rich(100_000).await;
    let txid = cut_off(&node).await;
    drop(node);
    assert_eq!(world.bitcoind.mempool().unwrap(), []);
    let node = world.open().await;
    world.look(&node).await;
    assert_eq!(world.bitcoind.mempool().unwrap(), [txid]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_left_the_mempool_is_sent_again_at_the_next_block() {
    let world = World::begin();
    let node = world.rich(100_000).await;
    let txid = cut_off(&node).await;
    world.bitcoind.mine_block_of(&[]).unwrap();
    world.look(&node).await;
    assert_eq!(world.bitcoind.mempool().unwrap(), [txid]);
    world.bitcoind.mine(1).unwrap();
    world.look(&node).await;
    assert_eq!(world.bitcoind.height_of(txid).unwrap(), world.bitcoind.height().ok());
    world.bitcoind.mine(200).unwrap();
    world.look(&node).await;
    assert!(node.core.lock().await.payments.is_empty(), "buried, and forgotten");
    assert_eq!(node.core.lock().await.store.payments().await.unwrap(), [[0u8; 0]; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_made_while_the_bitcoin_node_is_away_is_kept_and_sent_later() {
    let world = World::begin();
    let node = world.rich(100_000).await;
    world.bitcoind.stop().unwrap();
    let paid = node.core.lock().await.withdraw(&request(40_000), &ticket(), node.now()).await.unwrap();
    let stored = node.core.lock().await.store.answer("key").await.unwrap().unwrap();
    assert_eq!(stored.body, serde_json::to_string(&paid).unwrap());
    world.bitcoind.start_again().unwrap();
    world.look(&node).await;
    let sent: Vec<Hex32> = world.bitcoind.mempool().unwrap().into_iter().map(crate::views::shown).collect();
    assert_eq!(sent, [paid.txid]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_the_bitcoin_node_refuses_frees_its_coins_and_its_key() {
    let dear = Bitcoind::builder().arg("-minrelaytxfee=0.0005").start().unwrap();
    let world = World::with(dear);
    let node = world.open().await;
    let address = node.core.lock().await.wallet.new_address();
    world.bitcoind.mine_to(&address, 1).unwrap();
    world.bitcoind.mine(100).unwrap();
    world.look(&node).await;
    let before = available(&node).await;
    assert!(before > 0);
    let refused = node.core.lock().await.withdraw(&request(40_000), &ticket(), node.now()).await;
    assert!(matches!(refused, Err(NodeError::Broadcast(_))), "{refused:?}");
    assert_eq!(available(&node).await, before);
    assert_eq!(node.core.lock().await.store.answer("key").await.unwrap(), None);

    let dearer = WithdrawalRequest { fee_rate_sat_vb: Some(60), ..request(40_000) };
    node.core.lock().await.withdraw(&dearer, &ticket(), node.now()).await.unwrap();
    assert_eq!(world.bitcoind.mempool().unwrap().len(), 1);
}
