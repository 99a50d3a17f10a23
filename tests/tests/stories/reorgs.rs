//! Reorganisations to depth six: the state follows the chain, whatever the new branch holds.

use axum::http::StatusCode;
use bitcoin::{Transaction, Txid};
use blackbox::proxy::Verdict;
use blackbox::{Proxy, Setting, World, witness};
use protocol::OfferDraft;
use protocol::owner::EscrowTransaction;

use crate::rogue::Rogue;

/// At this depth the nodes of these stories count something as final.
const FINAL: u32 = 6;

fn deep() -> Setting {
    Setting { confirmations: FINAL, ..Setting::default() }
}

/// The usual offer, with so many seconds more before the funding deadline and the window.
fn later(world: &World, seconds: u64) -> OfferDraft {
    let mut draft = world.draft();
    for moment in [
        &mut draft.measurement.window.start,
        &mut draft.measurement.window.end,
        &mut draft.funding_deadline,
        &mut draft.expires,
    ] {
        moment.0 += seconds;
    }
    draft
}

async fn both_are(world: &World, id: &str, state: &str, what: &str) {
    for party in [&world.provider, &world.buyer] {
        assert_eq!(party.escrow(id).await.state, state, "{what}");
    }
}

/// Lets a transaction that waits in the mempool be mined and taken back at each depth up to the final one; the new branch
/// is empty. In between it is lost from the mempool as well, so that only the nodes can bring it back.
async fn taken_back_at_every_depth(world: &mut World, id: &str, txid: Txid, [waiting, over]: [&str; 2]) {
    for depth in 1..=FINAL {
        let what = format!("{depth} blocks");
        world.mine(depth);
        world.look().await;
        both_are(world, id, if depth < FINAL { waiting } else { over }, &what).await;
        world.bitcoind.reorg(depth).unwrap();
        if depth % 3 == 0 {
            forget_the_mempool(world);
        }
        world.look().await;
        world.both_reach(id, waiting).await;
        let mempool = world.bitcoind.mempool().unwrap();
        assert!(mempool.contains(&txid), "{what} taken back: it waits to be mined again");
    }
}

fn forget_the_mempool(world: &World) {
    world.bitcoind.stop().unwrap();
    std::fs::remove_file(world.bitcoind.folder().join("regtest/mempool.dat")).unwrap();
    world.bitcoind.start_again().unwrap();
    assert!(world.bitcoind.mempool().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn funding_and_settlement_taken_back_to_any_depth_are_broadcast_again_and_final_only_at_depth() {
    let mut world = World::with(deep()).await;
    let draft = later(&world, 900);
    let offer = world.publish(&draft).await;
    world.mine_by_hand();
    let id = world.buy(&offer).await;
    world.both_reach(&id, "funding_broadcast").await;
    let funding = witness::read(world.buyer.escrow(&id).await.funding_txid.unwrap());
    taken_back_at_every_depth(&mut world, &id, funding, ["funding_broadcast", "funded"]).await;

    world.mine_every_minute();
    world.both_reach(&id, "cet_broadcast").await;
    world.mine_by_hand();
    let closing = witness::read(world.buyer.escrow(&id).await.closing_txid.unwrap());
    let height = world.bitcoind.height_of(closing).unwrap();
    if let Some(height) = height {
        world.bitcoind.reorg(world.bitcoind.height().unwrap() - height + 1).unwrap();
    }
    taken_back_at_every_depth(&mut world, &id, closing, ["cet_broadcast", "settled"]).await;

    world.mine(FINAL);
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_taken_back_to_any_depth_is_broadcast_again_and_final_only_at_depth() {
    let mut world = World::with(deep()).await;
    let (id, times) = world.lock().await;
    world.kill("oracle").await;
    world.pass_until(times.refund).await;
    world.mine_by_hand();
    world.bitcoind.mine_until_median_time(times.refund + 1).unwrap();
    world.both_reach(&id, "refund_broadcast").await;
    let refund = witness::read(world.buyer.escrow(&id).await.closing_txid.unwrap());
    taken_back_at_every_depth(&mut world, &id, refund, ["refund_broadcast", "refunded"]).await;

    world.mine(FINAL);
    world.both_reach(&id, "refunded").await;
    witness::paid_out(&world, &id, 50_000, 100_000).await;
    // The refund was final once, and then it was not: its two lines were taken back, and written again.
    crate::receipts::tell_of_a_refund_that_was_taken_back(&world.buyer, &id);
}

/// An escrow whose funding missed the deadline, so that both have taken their coins back in the mempool; with the
/// funding transaction, which a miner may still hold.
async fn cancelling(world: &mut World) -> (String, Transaction) {
    let offer = world.publish(&world.draft()).await;
    world.mine_by_hand();
    let id = world.buy(&offer).await;
    world.both_reach(&id, "funding_broadcast").await;
    let funding = witness::on_chain(world, world.buyer.escrow(&id).await.funding_txid.unwrap());
    world.pass_until(offer.funding_deadline.0).await;
    world.both_reach(&id, "cancelling").await;
    world.look().await;
    (id, funding)
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_taken_back_are_free_only_at_depth_and_taken_back_again_after_a_reorganisation() {
    let mut world = World::with(deep()).await;
    let (id, _) = cancelling(&mut world).await;
    let cancels = world.bitcoind.mempool().unwrap();
    assert_eq!(cancels.len(), 2, "one of each side");
    taken_back_at_every_depth(&mut world, &id, cancels[0], ["cancelling", "cancelled"]).await;
    assert_eq!(world.bitcoind.mempool().unwrap().len(), 2, "both are there again");

    world.mine(FINAL);
    world.both_reach(&id, "cancelled").await;
    for party in [&world.provider, &world.buyer] {
        let fee = 700_000 - party.available_sat().await;
        assert!((1..5_000).contains(&fee), "all but {fee} sat came back");
    }
}

/// A miner that kept the funding transaction finds a longer branch with it: then the escrow is live after all.
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_with_the_funding_instead_of_the_cancel_makes_the_escrow_live() {
    let mut world = World::begin().await;
    let (id, funding) = cancelling(&mut world).await;
    world.mine(3);
    world.both_reach(&id, "cancelled").await;
    world.bitcoind.reorg_with(3, &[funding]).unwrap();
    assert!(world.bitcoind.mempool().unwrap().is_empty(), "the cancels conflict with it");

    world.mine_every_minute();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
    for party in [&world.provider, &world.buyer] {
        let balance = party.owner.balance().await.unwrap();
        assert_eq!((balance.locked_sat.0, balance.reserved_sat.0, balance.pending_sat.0), (0, 0, 0));
    }
}

/// Where an input of the funding is spent elsewhere, deep in the chain, the funding can never be: nobody waits for a
/// deadline, and the victim pays no fee to be free of it. Once before the funding was deep, once after.
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_in_which_the_peer_double_spends_its_input_cancels_the_escrow_and_costs_the_other_nothing() {
    let mut world = World::begin().await;
    for depth in [1, 3] {
        let before = world.provider.available_sat().await;
        let draft = later(&world, 600);
        let offer = world.publish(&draft).await;
        world.mine_by_hand();
        let id = world.buy(&offer).await;
        world.both_reach(&id, "funding_broadcast").await;
        let funding = witness::on_chain(&world, world.buyer.escrow(&id).await.funding_txid.unwrap());
        world.mine(depth);
        world.look().await;
        both_are(&world, &id, if depth < 2 { "funding_broadcast" } else { "funded" }, "mined").await;

        let theirs =
            |coin: &&bitcoin::OutPoint| funding.input.iter().any(|input| input.previous_output == **coin);
        let coin = *world.buyer.coins.iter().find(theirs).expect("the buyer put a coin in");
        let theft = Rogue::of(&world.buyer).spend(&world, &[coin], 1_000);
        world.bitcoind.reorg_with(depth, &[theft]).unwrap();
        world.both_reach(&id, "cancelled").await;
        assert!(world.now() < offer.funding_deadline.0, "nobody waited for the deadline");
        assert_eq!(world.provider.available_sat().await, before, "not even a fee");
        assert!(world.bitcoind.mempool().unwrap().is_empty());
        world.mine_every_minute();
    }
}

fn decode(part: Option<EscrowTransaction>) -> Transaction {
    bitcoin::consensus::deserialize(&part.expect("it is built").hex.0).unwrap()
}

/// One side has the attestation and its CET, the other only the refund, and both are valid. Whichever a branch holds, that
/// is what was paid.
#[tokio::test(flavor = "multi_thread")]
async fn branches_with_the_refund_instead_of_the_cet_and_the_other_way_round_are_followed() {
    let mut world = World::begin().await;
    // The buyer hears neither from the oracle nor, through its peer, of what the oracle said.
    let nowhere = testbed::free_addr().unwrap();
    let peer = Proxy::before(world.provider.peer_addr()).await;
    peer.rule(|seen| match seen.path {
        "/v1/attestations" => Verdict::Answer(StatusCode::NOT_FOUND, b"{}".to_vec()),
        _ => Verdict::Pass,
    });
    let times = world.times();
    let offer = world.publish(&world.draft()).await;
    let id = world.buyer.purchase(&peer.url(), offer.id).await.unwrap();
    world.both_reach(&id, "funded").await;
    world.stop("buyer").await;
    world.buyer.use_oracle(&format!("http://{nowhere}"));
    world.start("buyer").await;
    world.pass_until(times.end - 60).await;
    world.mine_by_hand();
    world.provider_reaches(&id, "attested").await;
    let cet = decode(world.provider.escrow(&id).await.transactions.cet);
    world.kill("provider").await;
    world.pass_until(times.refund + 60).await;
    world.bitcoind.mine_until_median_time(times.refund + 1).unwrap();
    world.buyer_reaches(&id, "refund_broadcast").await;
    let refund = decode(world.buyer.escrow(&id).await.transactions.refund);
    world.start("provider").await;
    world.mine(2);
    world.both_reach(&id, "refunded").await;

    world.bitcoind.reorg_with(2, std::slice::from_ref(&cet)).unwrap();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
    world.bitcoind.reorg_with(3, &[refund]).unwrap();
    world.both_reach(&id, "refunded").await;
    witness::paid_out(&world, &id, 50_000, 100_000).await;
    world.bitcoind.reorg_with(4, &[cet]).unwrap();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}
