//! Each party takes its money without asking the other.

use axum::http::StatusCode;
use blackbox::proxy::Verdict;
use blackbox::witness::{self, Witness};
use blackbox::{Party, Proxy, World};
use terms::{Outcome, OutcomeValue, Sat};
use testbed::Phase;

/// What a party has in its wallet from the transaction that closed an escrow.
async fn won(party: &Party, id: &str) -> u64 {
    let closing = party.escrow(id).await.closing_txid.expect("the escrow is closed");
    let transactions = party.owner.transactions().await.unwrap();
    transactions.iter().find(|entry| entry.txid == closing).map_or(0, |entry| entry.received_sat.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buyer_settles_with_the_provider_gone_for_good() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.kill("provider").await;
    world.pass_until(times.start + 60).await;
    world.target.set(Phase::Down);
    world.buyer_reaches(&id, "settled").await;

    // Down for 54 of 60 probes: all of the price and the bond.
    assert_eq!(won(&world.buyer, &id).await, 150_000);
    Witness::call(&world, &world.buyer.escrow(&id).await).pays(&world, vec![0, 150_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_settles_with_the_buyer_gone_for_good() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    world.kill("buyer").await;
    world.provider_reaches(&id, "settled").await;

    assert_eq!(won(&world.provider, &id).await, 150_000);
    Witness::call(&world, &world.provider.escrow(&id).await).pays(&world, vec![150_000, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buyer_gets_its_price_back_with_provider_and_oracle_gone_for_good() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    world.kill("provider").await;
    world.kill("oracle").await;
    world.buyer_reaches(&id, "refunded").await;

    assert_eq!(won(&world.buyer, &id).await, 100_000);
    Witness::call(&world, &world.buyer.escrow(&id).await).pays(&world, vec![50_000, 100_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_gets_its_bond_back_with_buyer_and_oracle_gone_for_good() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    world.kill("buyer").await;
    world.kill("oracle").await;
    world.provider_reaches(&id, "refunded").await;

    assert_eq!(won(&world.provider, &id).await, 50_000);
    Witness::call(&world, &world.provider.escrow(&id).await).pays(&world, vec![50_000, 100_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_after_the_other_has_settled_finds_its_money() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.kill("provider").await;
    world.pass_until(times.start).await;
    world.target.set(Phase::Down);
    world.pass_until(times.start + 60).await;
    world.target.set(Phase::Up);
    world.buyer_reaches(&id, "settled").await;

    world.start("provider").await;
    world.provider_reaches(&id, "settled").await;
    witness::paid_out(&world, &id, 100_000, 50_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_hears_from_the_oracle_learns_the_outcome_from_the_others_transaction() {
    let mut world = World::begin().await;
    let proxy = Proxy::before(world.oracle.addr).await;
    world.stop("buyer").await;
    world.buyer.use_oracle(&proxy.url());
    world.start("buyer").await;
    // The provider does not pass the attestation on either.
    let peer = Proxy::before(world.provider.peer_addr()).await;
    peer.rule(|seen| match seen.path {
        "/v1/attestations" => Verdict::Answer(StatusCode::NOT_FOUND, b"{}".to_vec()),
        _ => Verdict::Pass,
    });
    let times = world.times();
    let offer = world.publish(&world.draft()).await;
    let id = world.buyer.purchase(&peer.url(), offer.id).await.expect("the purchase works");
    world.both_reach(&id, "funded").await;
    proxy.rule(|_| Verdict::Answer(StatusCode::NOT_FOUND, b"{}".to_vec()));
    world.pass_until(times.start).await;
    world.target.set(Phase::Down);
    world.pass_until(times.start + 60).await;
    world.target.set(Phase::Up);
    world.both_reach(&id, "settled").await;

    witness::paid_out(&world, &id, 100_000, 50_000).await;
    let view = world.buyer.escrow(&id).await;
    assert!(view.attestations.is_empty(), "it really did not hear from the oracle");
    assert_eq!((view.provider_sat, view.buyer_sat), (Some(Sat(100_000)), Some(Sat(50_000))));
    let learned = view.learned.expect("the CET told");
    // 100,000 ppm, in the block of the step from 50,001 on that shares a signature.
    let value = |value| Outcome::Value(OutcomeValue(value));
    assert_eq!((learned.from, learned.to), (value(65_536), value(131_071)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oracle_that_speaks_after_the_refund_changes_nothing() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.kill("oracle").await;
    world.pass_until(times.refund).await;
    world.both_reach(&id, "refunded").await;
    world.start("oracle").await;
    world.pass(300).await;
    assert!(world.attested(&world.buyer.escrow(&id).await.event_id).await, "it signs, late as it is");
    world.both_reach(&id, "refunded").await;
    witness::paid_out(&world, &id, 50_000, 100_000).await;
}
