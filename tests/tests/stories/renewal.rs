//! The next window: agreed and funded before the one before it ends.

use bitcoin::Amount;
use blackbox::witness::Witness;
use blackbox::{Party, Setting, World, fresh_key};
use protocol::owner::{EscrowView, Purchase};
use terms::Sat;
use testbed::Phase;

const MANDATE: &str =
    "max_contract_sat = 1_000_000\nmax_locked_sat = 1_000_000\nmax_per_counterparty_sat = 1_000_000\n";

/// A world whose provider renews what its mandate allows, with coins for several windows on both sides.
async fn renewing(provider_mandate: &str) -> World {
    let coins = vec![Amount::from_sat(200_000); 4];
    World::with(Setting {
        provider_mandate: format!("{provider_mandate}\n[renewal]\naccept = true\n"),
        provider_coins: coins.clone(),
        buyer_coins: coins,
        ..Setting::default()
    })
    .await
}

async fn renew(party: &Party, id: &str) -> Result<Purchase, client::ClientError> {
    party.owner.renew(id, &fresh_key()).await
}

fn paid(world: &World, view: &EscrowView, provider_sat: u64, buyer_sat: u64) {
    Witness::call(world, view).pays(world, vec![provider_sat, buyer_sat]);
    assert_eq!((view.provider_sat, view.buyer_sat), (Some(Sat(provider_sat)), Some(Sat(buyer_sat))));
}

/// Three windows in a row; the second has an outage.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_escrow_is_renewed_twice_without_a_pause_while_the_first_settles() {
    let mut world = renewing(MANDATE).await;
    let (first, times) = world.lock().await;
    let second = renew(&world.buyer, &first).await.unwrap().escrow_id;
    world.both_reach(&second, "funded").await;
    assert!(world.now() < times.end, "before the first window ends");
    let (before, after) = (world.buyer.escrow(&first).await, world.buyer.escrow(&second).await);
    assert_eq!(after.agreement.measurement.window.start, before.agreement.measurement.window.end);
    assert_eq!(after.renews.map(|id| id.to_string()), Some(first.clone()));
    assert_eq!(before.renewed_by.map(|id| id.to_string()), Some(second.clone()));
    assert_eq!(world.provider.escrow(&second).await.renews, after.renews, "both know the link");

    world.pass_until(times.end + 30).await;
    assert_eq!(world.buyer.escrow(&second).await.state, "measuring", "no pause");
    world.target.set(Phase::Down);
    world.pass_until(times.end + 90).await;
    world.target.set(Phase::Up);
    let third = renew(&world.buyer, &second).await.unwrap().escrow_id;
    world.both_reach(&third, "funded").await;
    world.both_reach(&first, "settled").await;
    paid(&world, &world.provider.escrow(&first).await, 150_000, 0);
    world.both_reach(&second, "settled").await;
    paid(&world, &world.provider.escrow(&second).await, 100_000, 50_000);
    world.both_reach(&third, "settled").await;
    paid(&world, &world.provider.escrow(&third).await, 150_000, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_twice_or_at_once_or_after_a_crash_there_is_one_renewal() {
    let mut world = renewing(MANDATE).await;
    let (first, _) = world.lock().await;
    let (one, other) = tokio::join!(renew(&world.buyer, &first), renew(&world.buyer, &first));
    let renewed = one.unwrap();
    assert_eq!(other.unwrap(), renewed);
    world.restart("buyer").await;
    world.restart("provider").await;
    assert_eq!(renew(&world.buyer, &first).await.unwrap(), renewed);
    let printed = world.buyer.cli(&["renew", &first, "--json"]);
    let printed: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(printed["escrow_id"], renewed.escrow_id.as_str());
    world.both_reach(&renewed.escrow_id, "funded").await;
    assert_eq!(world.buyer.owner.escrows().await.unwrap().len(), 2);
    assert_eq!(world.provider.owner.escrows().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_mandate_has_no_room_for_two_windows_refuses_and_the_first_goes_on() {
    let narrow =
        "max_contract_sat = 1_000_000\nmax_locked_sat = 60_000\nmax_per_counterparty_sat = 1_000_000\n";
    let mut world = renewing(narrow).await;
    let (first, _) = world.lock().await;
    let refused = renew(&world.buyer, &first).await.unwrap_err();
    assert!(refused.to_string().contains("owner does not allow it"), "{refused}");
    assert_eq!(world.provider.owner.escrows().await.unwrap().len(), 1);
    assert_eq!(world.buyer.owner.escrows().await.unwrap().len(), 1);
    world.both_reach(&first, "settled").await;
    paid(&world, &world.provider.escrow(&first).await, 150_000, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_was_not_told_to_renew_says_so_and_neither_side_renews_too_late() {
    let mut world = World::begin().await;
    let (first, times) = world.lock().await;
    let refused = renew(&world.buyer, &first).await.unwrap_err();
    assert!(refused.to_string().contains("has not allowed it to renew"), "{refused}");
    let others = renew(&world.provider, &first).await.unwrap_err();
    assert_eq!(others.status(), Some(409), "renewing is the buyer's: {others}");
    world.pass_until(times.end - 119).await;
    let late = renew(&world.buyer, &first).await.unwrap_err();
    assert_eq!(late.status(), Some(409), "the next window's funding deadline has passed: {late}");
    world.both_reach(&first, "settled").await;
    let ended = renew(&world.buyer, &first).await.unwrap_err();
    assert!(ended.to_string().contains("settled"), "{ended}");
}
