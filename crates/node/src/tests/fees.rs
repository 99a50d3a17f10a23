//! What is paid where the owner names no fee rate.

use protocol::owner::WithdrawalRequest;
use terms::Sat;
use testbed::Bitcoind;

use super::{World, elsewhere};
use crate::{Config, Node};

async fn rate_of(config: Config) -> u64 {
    let node = Node::open(config, clock::Clock::system()).await.unwrap();
    let core = node.core.lock().await;
    core.going_rate_sat_vb().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_estimate_the_floor_is_paid() {
    let world = World::begin();
    assert_eq!(rate_of(world.config()).await, 2);
    let mut dearer = world.config();
    dearer.fees.floor_sat_vb = 9;
    assert_eq!(rate_of(dearer).await, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_less_is_paid_than_the_mempool_takes_and_no_more_than_the_mandate_allows() {
    let world = World::with(Bitcoind::builder().arg("-minrelaytxfee=0.00007001").start().unwrap());
    assert_eq!(rate_of(world.config()).await, 8, "7.001 sat/vB, rounded up");
    let mut bounded = world.config();
    bounded.mandate.max_fee_rate_sat_vb = Some(5);
    assert_eq!(rate_of(bounded).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bump_goes_to_what_the_mempool_takes_whatever_the_floor_and_stops_at_the_ceiling() {
    let world = World::with(Bitcoind::builder().arg("-minrelaytxfee=0.00007").start().unwrap());
    let mut config = world.config();
    config.fees.floor_sat_vb = 50;
    let node = Node::open(config, clock::Clock::system()).await.unwrap();
    let mut core = node.core.lock().await;
    assert_eq!(core.bump_rate().unwrap().to_sat_per_vb_ceil(), 7);
    core.config.fees.ceiling_sat_vb = 4;
    assert_eq!(core.bump_rate().unwrap().to_sat_per_vb_ceil(), 4);
    core.config.mandate.max_fee_rate_sat_vb = Some(3);
    assert_eq!(core.bump_rate().unwrap().to_sat_per_vb_ceil(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_names_no_fee_rate_pays_the_going_one() {
    let world = World::with(Bitcoind::builder().arg("-minrelaytxfee=0.00003").start().unwrap());
    let node = world.rich(100_000).await;
    let request = WithdrawalRequest {
        address: elsewhere().to_string(),
        amount_sat: Some(Sat(40_000)),
        sweep: false,
        fee_rate_sat_vb: None,
    };
    let ticket = crate::ticket::Ticket::default();
    node.core.lock().await.withdraw(&request, &ticket, node.now()).await.unwrap();
    let sent = node.core.lock().await.wallet.transactions();
    let fee = sent[0].fee.unwrap().to_sat();
    let vsize = sent[0].tx.vsize() as u64;
    assert!((vsize * 3..=vsize * 3 + 3).contains(&fee), "3 sat/vB: {fee} for {vsize} vB");
}
