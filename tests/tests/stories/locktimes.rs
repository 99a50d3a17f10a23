//! Timelocks: a node refuses a transaction while median time past equals its locktime, and takes it one second later.

use bitcoin::Transaction;
use bitcoin::consensus::encode;
use blackbox::{World, witness};
use protocol::owner::EscrowTransaction;
use terms::Hex32;

fn decode(part: &EscrowTransaction) -> Transaction {
    encode::deserialize(&part.hex.0).expect("the API tells whole transactions")
}

/// What the Bitcoin node says to a transaction when median time past is `median_time`.
fn verdict_at(world: &World, median_time: u64, tx: &Transaction) -> Option<String> {
    let tip = world.bitcoind.mine_until_median_time(median_time).expect("the node mines");
    assert_eq!(tip.median_time_s, median_time, "the test has the chain's time in its hand");
    world.bitcoind.would_accept(tx).expect("the node judges")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cet_is_refused_until_one_second_after_the_windows_end() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.pass_until(times.end - 60).await;
    world.mine_by_hand();
    world.both_reach(&id, "attested").await;
    assert!(world.bitcoind.mempool().unwrap().is_empty(), "nobody broadcasts what would be refused");

    for party in [&world.provider, &world.buyer] {
        let cet = decode(party.escrow(&id).await.transactions.cet.as_ref().expect("the CET is built"));
        assert_eq!(u64::from(cet.lock_time.to_consensus_u32()), times.end);
    }
    let cet = decode(world.buyer.escrow(&id).await.transactions.cet.as_ref().unwrap());
    assert_eq!(verdict_at(&world, times.end - 1, &cet).as_deref(), Some("non-final"));
    assert_eq!(verdict_at(&world, times.end, &cet).as_deref(), Some("non-final"));
    let refused = world.bitcoind.send(&cet).unwrap_err();
    assert!(refused.refusal().is_some_and(|why| why.contains("non-final")), "{refused}");
    assert_eq!(verdict_at(&world, times.end + 1, &cet), None);

    // Both nodes come to the same: nothing while the median time equals the locktime, then the CET.
    world.calm().await;
    world.look().await;
    assert_eq!(world.bitcoind.mempool().unwrap(), [cet.compute_txid()]);
    world.mine_every_minute();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_oracle_ends_in_a_refund_one_second_after_its_locktime() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.kill("oracle").await;
    world.pass_until(times.refund - 60).await;
    world.mine_by_hand();
    world.pass_until(times.refund + 60).await;

    for too_early in [times.refund - 1, times.refund] {
        world.bitcoind.mine_until_median_time(too_early).unwrap();
        world.look().await;
        assert!(world.bitcoind.mempool().unwrap().is_empty(), "nothing is broadcast at {too_early}");
        assert_eq!(world.buyer.escrow(&id).await.state, "measuring");
    }
    world.bitcoind.mine_until_median_time(times.refund + 1).unwrap();
    world.both_reach(&id, "refund_broadcast").await;

    // Both nodes off, the chain is taken back by a second, and the very same refund is refused.
    let refund =
        decode(world.buyer.escrow(&id).await.transactions.refund.as_ref().expect("the refund is built"));
    assert_eq!(u64::from(refund.lock_time.to_consensus_u32()), times.refund);
    world.kill("provider").await;
    world.kill("buyer").await;
    while world.bitcoind.tip().unwrap().median_time_s > times.refund {
        let tip = world.bitcoind.tip().unwrap();
        world.bitcoind.invalidate(tip.hash).unwrap();
    }
    assert_eq!(verdict_at(&world, times.refund, &refund).as_deref(), Some("non-final"));
    let refused = world.bitcoind.send(&refund).unwrap_err();
    assert!(refused.refusal().is_some_and(|why| why.contains("non-final")), "{refused}");
    assert_eq!(verdict_at(&world, times.refund + 1, &refund), None);

    world.start("provider").await;
    world.start("buyer").await;
    world.mine_every_minute();
    world.both_reach(&id, "refunded").await;
    // Everybody has what they put in, the bond and the price.
    witness::paid_out(&world, &id, 50_000, 100_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_that_comes_before_the_refund_settles_though_the_oracle_was_late() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.pass_until(times.end + 10).await;
    world.kill("oracle").await;
    world.pass_until(times.refund - 120).await;
    assert_eq!(world.buyer.escrow(&id).await.state, "measuring");
    world.start("oracle").await;
    world.both_reach(&id, "settled").await;
    let view = world.buyer.escrow(&id).await;
    assert_eq!(
        view.closing_txid.map(|txid| witness::on_chain(&world, txid).lock_time.to_consensus_u32()),
        Some(u32::try_from(times.end).unwrap())
    );
    assert_ne!(view.closing_txid, None::<Hex32>);
}

/// Both transactions spend the same output and pay the same fee, so a node keeps whichever it saw first; miners choose.
#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_that_comes_while_the_refund_waits_is_offered_to_the_miners_who_choose() {
    for miners_take_the_cet in [false, true] {
        let mut world = World::begin().await;
        let (id, times) = world.lock().await;
        world.pass_until(times.end + 10).await;
        world.kill("oracle").await;
        world.pass_until(times.refund - 60).await;
        world.mine_by_hand();
        world.pass_until(times.refund + 60).await;
        world.bitcoind.mine_until_median_time(times.refund + 1).unwrap();
        world.both_reach(&id, "refund_broadcast").await;
        let waiting = world.bitcoind.mempool().unwrap();

        world.start("oracle").await;
        world
            .until("both to have the CET", async |world| {
                let views = [world.provider.escrow(&id).await, world.buyer.escrow(&id).await];
                views.iter().all(|view| view.transactions.cet.is_some())
            })
            .await;
        world.look().await;
        assert_eq!(world.bitcoind.mempool().unwrap(), waiting, "the refund was first, and pays as much");
        let log = world.buyer.service.log();
        assert!(log.contains("cet transaction not taken"), "the CET was offered: {log}");
        let cet = decode(world.buyer.escrow(&id).await.transactions.cet.as_ref().unwrap());

        if miners_take_the_cet {
            world.bitcoind.mine_block_of(&[cet]).unwrap();
        }
        world.mine_every_minute();
        let (state, paid) = match miners_take_the_cet {
            true => ("settled", (150_000, 0)),
            false => ("refunded", (50_000, 100_000)),
        };
        world.both_reach(&id, state).await;
        witness::paid_out(&world, &id, paid.0, paid.1).await;
    }
}
