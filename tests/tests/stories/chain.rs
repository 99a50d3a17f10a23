//! A chain that changes its mind, and a Bitcoin node that goes away.

use blackbox::{World, witness};

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_that_a_reorganisation_takes_back_is_broadcast_again() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    world.both_reach(&id, "settled").await;
    let view = world.buyer.escrow(&id).await;
    let closing = witness::read(view.closing_txid.unwrap());
    let height = world.bitcoind.height_of(closing).unwrap().expect("it is in a block");
    world.mine_by_hand();
    world.bitcoind.reorg(world.bitcoind.height().unwrap() - height + 1).unwrap();
    world.both_reach(&id, "cet_broadcast").await;

    world.mine_every_minute();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bitcoin_node_that_goes_away_for_a_while_delays_and_loses_nothing() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.pass_until(times.start + 30).await;
    world.mine_by_hand();
    world.bitcoind.stop().unwrap();
    world.pass_until(times.maturity + 60).await;
    world.bitcoind.start_again().unwrap();
    world.mine_every_minute();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_while_the_bitcoin_node_is_away_waits_for_it() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.pass_until(times.start + 30).await;
    world.mine_by_hand();
    world.kill("buyer").await;
    world.bitcoind.kill();
    let time = world.barrier.addr();
    world.buyer.service.start_unready(time).unwrap();
    world.barrier.wait_for(&["buyer"]).await;
    world.pass(120).await;
    assert!(!world.buyer.owner.ready().await, "it is there, and not ready");
    world.bitcoind.start_again().unwrap();
    world.pass(60).await;
    world.buyer.service.wait_ready().await.unwrap();
    world.mine_every_minute();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

/// A reorganisation deeper than the depth that the nodes count as final takes the funding back in the middle of the
/// window. It confirms again with the next block, and nobody has made anything irrevocable of the moment between.
#[tokio::test(flavor = "multi_thread")]
async fn funding_that_a_deep_reorganisation_takes_back_during_the_window_confirms_again() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.mine_by_hand();
    world.pass_until(times.start + 30).await;
    let funding = witness::read(world.buyer.escrow(&id).await.funding_txid.unwrap());
    let height = world.bitcoind.height_of(funding).unwrap().expect("it is in a block");
    world.bitcoind.reorg(world.bitcoind.height().unwrap() - height + 1).unwrap();
    assert!(world.bitcoind.mempool().unwrap().contains(&funding));
    world.look().await;
    world.mine_every_minute();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}
