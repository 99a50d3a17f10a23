//! Receipts are written with what moved the money: also through crashes, refusals and reorganisations.

use bitcoin::{Amount, FeeRate};
use protocol::owner::WithdrawalRequest;
use receipts::{Batch, Movement, Purpose, Record, verify};
use terms::Sat;
use testbed::Bitcoind;
use wallet::Payment;

use super::{World, elsewhere};
use crate::core::Change;
use crate::error::NodeError;
use crate::money::spend;
use crate::node::Node;
use crate::ticket::Ticket;

const NOON: u64 = 1_767_268_800;

fn request(sat: u64) -> WithdrawalRequest {
    WithdrawalRequest {
        address: elsewhere().to_string(),
        amount_sat: Some(Sat(sat)),
        sweep: false,
        fee_rate_sat_vb: Some(2),
    }
}

/// What is exported: it verifies, whenever it is asked for.
async fn movements(node: &Node) -> Vec<Movement> {
    let core = node.core.lock().await;
    let text = core.export_receipts(NOON).await.unwrap();
    assert_eq!(verify(&text, &[core.keys.public()]).findings, []);
    let lines = text.lines().filter_map(|line| match Record::parse(line).unwrap() {
        Record::Receipt(line) => line.opening.map(|opening| opening.movement),
        _ => None,
    });
    lines.collect()
}

fn told(movements: &[Movement]) -> Vec<(Purpose, u64, Option<u64>)> {
    movements.iter().map(|line| (line.purpose, line.sat.0, line.corrects)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_stored_has_its_lines_also_when_the_process_dies_before_it_is_sent() {
    let world = World::begin();
    let node = world.rich(100_000).await;
    {
        // All that a withdrawal does before the broadcast.
        let mut core = node.core.lock().await;
        let (to, rate) = (elsewhere().into_unchecked(), FeeRate::from_sat_per_vb_u32(2));
        let reserved = core.reserved_coins();
        let tx =
            core.wallet.pay(&to, &Payment::Amount(Amount::from_sat(40_000)), rate, &reserved).unwrap().tx;
        core.write_off(tx, spend::Purpose::Withdrawal, Change::default(), NOON).await.unwrap();
    }
    let before = movements(&node).await;
    drop(node);
    let node = world.open().await;
    world.look(&node).await;
    let lines = movements(&node).await;
    assert_eq!(lines, before, "it is sent now, and is told once");
    assert_eq!((lines[0].purpose, lines[0].sat), (Purpose::Withdrawal, Sat(40_000)));
    assert_eq!(lines[1].purpose, Purpose::Fee);
    assert_eq!(world.bitcoind.mempool().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_the_bitcoin_node_refuses_is_taken_back_line_by_line() {
    let dear = Bitcoind::builder().arg("-minrelaytxfee=0.0005").start().unwrap();
    let world = World::with(dear);
    let node = world.open().await;
    let address = node.core.lock().await.wallet.new_address();
    world.bitcoind.mine_to(&address, 1).unwrap();
    world.bitcoind.mine(100).unwrap();
    world.look(&node).await;
    let refused = node.core.lock().await.withdraw(&request(40_000), &Ticket::default(), NOON).await;
    assert!(matches!(refused, Err(NodeError::Broadcast(_))), "{refused:?}");
    let lines = told(&movements(&node).await);
    assert_eq!((lines.len(), lines[0].2, lines[2].2, lines[3].2), (4, None, Some(0), Some(1)), "{lines:?}");
    assert_eq!((lines[0].1, lines[1].1), (lines[2].1, lines[3].1));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_become_a_signed_batch_after_ten_minutes_through_restarts_and_roots_are_told_only_when_public()
{
    let world = World::begin();
    let node = world.rich(300_000).await;
    let mut core = node.core.lock().await;
    core.withdraw(&request(30_000), &Ticket::default(), NOON).await.unwrap();
    core.tend_receipts(NOON + 599).await.unwrap();
    assert_eq!(core.store.receipt_batches(9).await.unwrap().len(), 0);
    assert_eq!(core.next_batch(), Some(NOON + 600));
    drop(core);
    drop(node);
    let node = world.open().await;
    let mut core = node.core.lock().await;
    for now in [NOON + 600, NOON + 601] {
        core.tend_receipts(now).await.unwrap();
    }
    assert_eq!(core.store.receipt_batches(9).await.unwrap().len(), 1, "nothing new, no other batch");
    assert!(matches!(core.receipt_roots().await, Err(NodeError::NotFound { .. })), "private by default");
    drop(core);
    drop(node);
    world.bitcoind.mine(1).unwrap();
    let world = World { more: "[receipts]\npublic = true\n".to_owned(), ..world };
    let node = world.open().await;
    world.look(&node).await;
    let mut core = node.core.lock().await;
    core.withdraw(&request(20_000), &Ticket::default(), NOON + 700).await.unwrap();
    core.tend_receipts(NOON + 1_300).await.unwrap();
    let roots = core.receipt_roots().await.unwrap();
    let spans: Vec<_> = roots.iter().map(|root| (root.batch.first, root.batch.count)).collect();
    assert_eq!(spans, [(0, 2), (2, 2)]);
    assert_eq!(roots[1].batch.prev, roots[0].hash());
    assert!(roots.iter().all(Batch::is_signed));
    drop(core);
    assert_eq!(movements(&node).await.len(), 4);
}
