//! Coins: enough of them or not, held by one escrow at a time, and free again when it ends.

use bitcoin::Amount;
use blackbox::{Setting, World, fresh_key, witness};
use client::Rehearsed;
use protocol::owner::{AlarmKind, NegotiationRequest, PurchaseRequest};
use protocol::{BuyerStrategy, Concession};
use terms::Sat;

fn coins(values: &[u64]) -> Vec<Amount> {
    values.iter().copied().map(Amount::from_sat).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_without_enough_coins_locks_nothing_and_holds_up_nobody() {
    let buyer_coins = coins(&[60_000, 30_000]);
    let mut world = World::with(Setting { buyer_coins, ..Setting::default() }).await;
    let offer = world.publish(&world.draft()).await;
    let (provider_url, offer_id) = (world.provider.peer_url(), offer.id);
    let request = PurchaseRequest { provider_url: provider_url.clone(), offer_id };
    let foreseen = world.buyer.owner.dry_run(&Rehearsed::Purchase(&request)).await.unwrap_err();
    let refused = world.buyer.owner.purchase(&request, &fresh_key()).await.unwrap_err();
    assert_eq!((refused.status(), refused.to_string()), (Some(422), foreseen.to_string()), "the same words");
    // Words that lock nothing yet are said without coins, and their dry run warns.
    let strategy = BuyerStrategy {
        opening_sat: None,
        maximum_sat: Sat(100_000),
        concession: Concession::Fixed,
        rounds: None,
        seed: None,
    };
    let request = NegotiationRequest { provider_url, offer_id, strategy: Some(strategy) };
    let plan = world.buyer.owner.dry_run(&Rehearsed::Negotiation(&request)).await.unwrap();
    assert!(plan.coins.is_none() && plan.note.starts_with("free coins are missing"), "{plan:?}");
    assert_eq!(world.provider.owner.negotiations().await.unwrap(), [], "nobody was asked for anything");
    world.look().await;
    assert_eq!(world.buyer.available_sat().await, 90_000);
    assert_eq!(world.provider.available_sat().await, 700_000);
    assert!(world.bitcoind.mempool().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_enough_coins_locks_nothing_and_the_buyers_are_free_again() {
    let provider_coins = coins(&[20_000]);
    let mut world = World::with(Setting { provider_coins, ..Setting::default() }).await;
    let offer = world.publish(&world.draft()).await;
    let id = world.buy(&offer).await;
    world.look().await;
    let alarms = world.provider.owner.alarms().await.unwrap();
    let missing =
        alarms.iter().filter(|alarm| alarm.kind == AlarmKind::CoinsMissing && alarm.detail.contains(&id));
    assert_eq!(missing.count(), 1, "its owner is told while there is time: {alarms:?}");
    world.buyer_reaches(&id, "cancelled").await;
    assert_eq!(world.buyer.available_sat().await, 700_000);
    assert_eq!(world.provider.available_sat().await, 20_000);
    assert!(world.bitcoind.mempool().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_small_coins_lock_together() {
    let buyer_coins = coins(&[40_000, 40_000, 40_000]);
    let mut world = World::with(Setting { buyer_coins, ..Setting::default() }).await;
    let (id, _) = world.lock().await;
    world.both_reach(&id, "settled").await;
    let witness = witness::paid_out(&world, &id, 150_000, 0).await;
    assert_eq!(witness.funding.input.len(), 4, "three of the buyer and one of the provider");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_coin_serves_one_escrow_after_the_other() {
    let one = coins(&[400_000]);
    let mut world =
        World::with(Setting { provider_coins: one.clone(), buyer_coins: one, ..Setting::default() }).await;
    let (first, _) = world.lock().await;
    // The change of the first is a coin for the second, once it is confirmed.
    let (second, _) = world.lock().await;
    world.both_reach(&second, "settled").await;
    world.both_reach(&first, "settled").await;
    let paid = world.provider.owner.balance().await.unwrap();
    assert_eq!((paid.locked_sat, paid.reserved_sat), (Sat(0), Sat(0)));
    let all = world.provider.available_sat().await + world.buyer.available_sat().await;
    let fees: u64 = {
        let mut sum = 0;
        for id in [&first, &second] {
            let seen = witness::Witness::call(&world, &world.buyer.escrow(id).await);
            sum += seen.funding_fee(&world).to_sat() + seen.closing_fee().to_sat();
        }
        sum
    };
    assert_eq!(all + fees, 800_000, "every satoshi is somewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_offer_taken_twice_is_two_escrows_that_one_attestation_settles() {
    let mut world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    let first = world.buy(&offer).await;
    let second = world.buy(&offer).await;
    assert_ne!(first, second);
    for id in [&first, &second] {
        world.both_reach(id, "settled").await;
    }
    let [one, other] = [world.buyer.escrow(&first).await, world.buyer.escrow(&second).await];
    assert_eq!(one.attestations, other.attestations);
    assert_ne!(one.funding_txid, other.funding_txid);
    for view in [&one, &other] {
        witness::Witness::call(&world, view).pays(&world, vec![150_000, 0]);
    }
}
