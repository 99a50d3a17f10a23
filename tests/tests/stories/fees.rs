//! Fees that rise: what waits is paid for, whoever else wants the same block. Each says on which Bitcoin node it ran.

use std::io::Write as _;

use bitcoin::{Amount, Transaction};
use blackbox::{Party, Setting, World, witness};
use protocol::owner::EscrowView;
use serde::Deserialize;
use serde_json::json;
use terms::Sat;
use testbed::Rush;

/// What all coins of both parties are worth together.
const ALL_SAT: u64 = 1_400_000;
/// What large transactions pay that nobody here has made.
const RUSH_SAT_VB: u64 = 9;

/// A world whose mempool is the smallest that bitcoind allows. The static minimum is set because Knots' is ten times
/// Core's, and Knots takes no package below it.
async fn with_small_mempool() -> World {
    let bitcoind = ["-maxmempool=5", "-minrelaytxfee=0.00001"].map(str::to_owned).to_vec();
    let world = World::with(Setting { bitcoind, ..Setting::default() }).await;
    // The test harness swallows what a test that passes prints, but not this.
    let _ = writeln!(std::io::stdout(), "policy of {}", world.bitcoind.version().unwrap());
    world
}

/// Others get ready to fill the mempool; a block is mined.
fn prepare(world: &World, rate_sat_vb: u64) -> Rush {
    world.bitcoind.set_mock_time(world.now()).unwrap();
    world.bitcoind.prepare_rush(rate_sat_vb).unwrap()
}

/// They do, and everything cheaper is thrown out.
fn begin(world: &World, rush: &Rush) {
    let least = world.bitcoind.rush(rush).unwrap();
    println!("the mempool's minimum is {least} sat/kvB");
}

/// Fee and size of a transaction of the mempool with all its ancestors there.
fn package(world: &World, tx: &Transaction) -> (u64, u64) {
    #[derive(Deserialize)]
    struct Entry {
        ancestorsize: u64,
        fees: Fees,
    }
    #[derive(Deserialize)]
    struct Fees {
        #[serde(with = "bitcoin::amount::serde::as_btc")]
        ancestor: Amount,
    }
    let entry: Entry = world.bitcoind.call("getmempoolentry", &[json!(tx.compute_txid())]).unwrap();
    (entry.fees.ancestor.to_sat(), entry.ancestorsize)
}

fn newest_bump(view: &EscrowView) -> Transaction {
    let bump = view.transactions.bumps.last().expect("there is a bump");
    bitcoin::consensus::encode::deserialize(&bump.hex.0).unwrap()
}

async fn both_have(world: &World) -> u64 {
    world.provider.available_sat().await + world.buyer.available_sat().await
}

/// Insists that a bump pays only to its owner, and that its package pays more than the rush.
async fn outbids_the_rush(world: &World, party: &Party, id: &str) -> EscrowView {
    let view = party.escrow(id).await;
    let child = newest_bump(&view);
    assert_eq!((child.input.len(), child.output.len()), (1, 1), "one own output, to itself");
    let (fee, size) = package(world, &child);
    println!("parent and child pay {fee} sat for {size} vB, the child {}", view.bump_fees_sat.0);
    assert!(fee > RUSH_SAT_VB * size, "{fee} sat for {size} vB");
    assert!(fee < 2 * (RUSH_SAT_VB + 2) * size, "and not absurdly more");
    view
}

/// Everybody's money is somewhere, less the fees of these transactions.
async fn conserved(world: &World, id: &str, bumps: u64) {
    let seen = witness::Witness::call(world, &world.provider.escrow(id).await);
    let fees = seen.funding_fee(world) + seen.closing_fee();
    assert_eq!(both_have(world).await + fees.to_sat() + bumps, ALL_SAT, "every satoshi is somewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cet_below_the_mempools_minimum_goes_in_with_a_child_that_pays_for_both() {
    let mut world = with_small_mempool().await;
    let (id, times) = world.lock().await;
    world.pass_until(times.end - 60).await;
    world.mine_by_hand();
    world.both_reach(&id, "attested").await;
    world.bitcoind.mine_until_median_time(times.end + 1).unwrap();
    let rush = prepare(&world, RUSH_SAT_VB);
    begin(&world, &rush);
    world.both_reach(&id, "cet_broadcast").await;

    let view = outbids_the_rush(&world, &world.provider, &id).await;
    assert!(view.bump_fees_sat.0 * 2 <= 150_000, "at most half of what it rescues");
    assert!(world.provider.history(&id).await.contains(&"bump_built".to_owned()));
    assert_eq!(world.buyer.escrow(&id).await.bump_fees_sat, Sat(0), "who is paid nothing pays nothing");
    // One block has room for a fifth of the rush.
    world.mine(1);
    world.mine_every_minute();
    world.both_reach(&id, "settled").await;
    conserved(&world, &id, view.bump_fees_sat.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn funding_that_a_rush_throws_out_of_the_mempool_comes_back_with_a_child_in_time() {
    let mut world = with_small_mempool().await;
    let rush = prepare(&world, RUSH_SAT_VB);
    let offer = world.publish(&world.draft()).await;
    world.mine_by_hand();
    let id = world.buy(&offer).await;
    world.both_reach(&id, "funding_broadcast").await;
    let funding = witness::read(world.buyer.escrow(&id).await.funding_txid.unwrap());
    begin(&world, &rush);
    assert!(!world.bitcoind.mempool().unwrap().contains(&funding), "nobody wants it at 2 sat/vB");
    world
        .until("the funding transaction to come back", async |world| {
            world.bitcoind.mempool().unwrap().contains(&funding)
        })
        .await;

    world.mine(1);
    assert!(world.bitcoind.height_of(funding).unwrap().is_some(), "the first block has it");
    assert!(world.now() < offer.funding_deadline.0);
    world.mine_every_minute();
    world.both_reach(&id, "settled").await;
    // The rush is still there when the CET is due, so that may have a child as well.
    let [provider, buyer] = [world.provider.escrow(&id).await, world.buyer.escrow(&id).await];
    let bumps = provider.bump_fees_sat.0 + buyer.bump_fees_sat.0;
    assert!(bumps > 0);
    conserved(&world, &id, bumps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_a_rush_throws_out_is_made_again_at_a_higher_fee() {
    let mut world = with_small_mempool().await;
    let rush = prepare(&world, 2 * RUSH_SAT_VB);
    let offer = world.publish(&world.draft()).await;
    world.mine_by_hand();
    let id = world.buy(&offer).await;
    world.both_reach(&id, "funding_broadcast").await;
    world.kill("provider").await;
    world.pass_until(offer.funding_deadline.0).await;
    world.look().await;
    let first = cancel_of(&world, &id).await;
    assert!(world.bitcoind.mempool().unwrap().contains(&first.compute_txid()));
    begin(&world, &rush);
    assert!(!world.bitcoind.mempool().unwrap().contains(&first.compute_txid()), "thrown out");

    world
        .until("a second cancel", async |world| {
            world.buyer.history(&id).await.contains(&"cancel_raised".to_owned())
        })
        .await;
    world.look().await;
    let second = cancel_of(&world, &id).await;
    let (fee, size) = package(&world, &second);
    println!("the second cancel pays {fee} sat for {size} vB");
    assert!(fee > 2 * RUSH_SAT_VB * size && fee < 4 * RUSH_SAT_VB * size);
    world.mine(1);
    world.mine_every_minute();
    world.buyer_reaches(&id, "cancelled").await;
    assert_eq!(world.buyer.available_sat().await, 700_000 - fee);
}

async fn cancel_of(world: &World, id: &str) -> Transaction {
    let cancel = world.buyer.escrow(id).await.transactions.cancel.expect("there is a cancel");
    bitcoin::consensus::encode::deserialize(&cancel.hex.0).unwrap()
}
