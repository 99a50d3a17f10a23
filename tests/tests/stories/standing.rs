//! Window after window: a provider's standing offer, and a buyer's standing order.

use bitcoin::Amount;
use blackbox::witness::Witness;
use blackbox::{Party, Setting, World, fresh_key};
use client::OwnerClient;
use protocol::OfferDraft;
use protocol::owner::{
    AlarmKind, Hindrance, KeyRequest, OrderRequest, OrderState, OrderView, Scope, StandingOfferState,
    WindowState,
};
use serde_json::Value;
use terms::{Hex32, Sat, UnixSeconds};
use testbed::Phase;

const GENEROUS: &str =
    "max_contract_sat = 1_000_000\nmax_locked_sat = 1_000_000\nmax_per_counterparty_sat = 1_000_000\n";

/// A world with coins for several windows on both sides.
async fn world(buyer_mandate: &str) -> World {
    let coins = vec![Amount::from_sat(200_000); 4];
    World::with(Setting {
        buyer_mandate: format!("{GENEROUS}{buyer_mandate}"),
        provider_coins: coins.clone(),
        buyer_coins: coins,
        ..Setting::default()
    })
    .await
}

fn json(party: &Party, arguments: &[&str]) -> Value {
    let output = party.cli(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The same offer about a later window, at another price.
fn later(draft: &OfferDraft, seconds: u64, price_sat: u64) -> OfferDraft {
    let mut later = OfferDraft { price_sat: Sat(price_sat), ..draft.clone() };
    let window = &mut later.measurement.window;
    for moment in [&mut window.start, &mut window.end, &mut later.funding_deadline, &mut later.expires] {
        moment.0 += seconds;
    }
    later
}

/// Two windows at 100,000 sat at most, looked for eight minutes ahead.
pub fn two_windows(world: &World, offer_id: Hex32) -> OrderRequest {
    OrderRequest {
        provider_urls: vec![world.provider.peer_url()],
        escrow: None,
        offer_id: Some(offer_id),
        max_price_sat: Sat(100_000),
        haggle: None,
        windows: Some(2),
        until: None,
        lead_s: 480,
        max_excluded_ppm: None,
    }
}

async fn told(world: &World, id: &str) -> OrderView {
    world.buyer.owner.order(id).await.unwrap().expect("the node knows the order")
}

/// Lets time pass until the newest window of an order is as it is waited for.
async fn window_is(world: &mut World, id: &str, state: WindowState, why: Option<Hindrance>) {
    let what = format!("a window to be {state:?}, {why:?}");
    world
        .until(&what, async |world| {
            let newest = told(world, id).await.windows.into_iter().next();
            newest.is_some_and(|window| (window.state, window.why) == (state, why))
        })
        .await;
}

async fn has_ended(world: &mut World, id: &str, state: OrderState) {
    world
        .until(&format!("the order to be {state:?}"), async |world| told(world, id).await.state == state)
        .await;
}

async fn alarms(world: &World, kind: AlarmKind) -> usize {
    let alarms = world.buyer.owner.alarms().await.unwrap();
    alarms.iter().filter(|alarm| alarm.kind == kind).count()
}

/// Nobody is asked anything after the two commands, and both nodes die on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_standing_offer_and_a_standing_order_trade_three_windows_by_themselves_through_restarts() {
    let mut world = world("").await;
    let template = world.draft();
    let file = world.provider.service.folder().join("template.json");
    std::fs::write(&file, serde_json::to_vec(&template).unwrap()).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let stands = ["standing-offer", "create", &file, "--ahead", "15m", "--windows", "3"];
    let series = json(&world.provider, &stands)["id"].as_str().unwrap().to_owned();
    world
        .until("the first offer", async |world| !world.provider.owner.offers().await.unwrap().is_empty())
        .await;
    let first = world.provider.owner.offers().await.unwrap()[0].id.to_string();
    let url = world.provider.peer_url();
    let ordered = json(
        &world.buyer,
        &[
            "order",
            "create",
            "--offer",
            &first,
            "--provider",
            &url,
            "--max-price",
            "100000",
            "--windows",
            "3",
            "--lead",
            "10m",
        ],
    );
    let order = ordered["id"].as_str().unwrap().to_owned();
    assert!(ordered["outlook"]["text"].as_str().unwrap().contains("refund"), "{ordered}");
    for bought in 1..=3 {
        world.until("the next window", async |world| told(world, &order).await.bought == bought).await;
        world.restart("buyer").await;
        world.restart("provider").await;
    }
    has_ended(&mut world, &order, OrderState::Done).await;
    let mut windows = told(&world, &order).await.windows;
    windows.reverse();
    for (before, after) in windows.iter().zip(windows.iter().skip(1)) {
        assert_eq!(before.end, Some(after.start), "without a pause in between");
    }
    // The last window has an outage; the others are measured or ahead by now.
    let ids: Vec<String> = windows.iter().map(|window| window.escrow_id.unwrap().to_string()).collect();
    let last = windows[2].start.0;
    world.pass_until(last + 30).await;
    world.target.set(Phase::Down);
    world.pass_until(last + 90).await;
    world.target.set(Phase::Up);
    for (id, paid) in ids.iter().zip([(150_000, 0), (150_000, 0), (100_000, 50_000)]) {
        world.both_reach(id, "settled").await;
        let witness = Witness::call(&world, &world.provider.escrow(id).await);
        witness.pays(&world, vec![paid.0, paid.1]);
    }
    for party in [&world.provider, &world.buyer] {
        assert_eq!(party.owner.escrows().await.unwrap().len(), 3, "each window once");
        assert_eq!(party.owner.alarms().await.unwrap(), [], "and nothing to look at");
    }
    let series = world.provider.owner.standing_offer(&series).await.unwrap().unwrap();
    assert_eq!((series.state, series.published.len()), (StandingOfferState::Done, 3));
    assert_eq!(world.provider.owner.offers().await.unwrap().len(), 3);
}

/// The word of the owner, the price, the pause, and a window that nobody sells in time.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_of_a_window_is_told_and_alarmed_and_the_order_goes_on_after_it() {
    let mut world = world("approve_above_sat = 100_000\n").await;
    let draft = world.draft();
    let offer = world.publish(&draft).await;
    let request = two_windows(&world, offer.id);
    let order = world.buyer.owner.create_order(&request, &fresh_key()).await.unwrap().id.to_string();
    window_is(&mut world, &order, WindowState::Open, Some(Hindrance::Approval)).await;
    let asked = world.buyer.owner.approvals().await.unwrap();
    let outlook = asked[0].outlook.as_ref().expect("it says what the escrow may pay");
    assert!(outlook.text.contains("also for service that was delivered"), "{}", outlook.text);
    assert_eq!(outlook.figures["cases"][1]["buyer_sat"][0], 10_000, "{}", outlook.figures);
    let terms = asked[0].terms_hash.to_string();
    world.buyer.owner.decide(&terms, "approve", &fresh_key()).await.unwrap();
    window_is(&mut world, &order, WindowState::Bought, None).await;

    let second = draft.measurement.window.end.0;
    world.publish(&later(&draft, 600, 130_000)).await;
    window_is(&mut world, &order, WindowState::Open, Some(Hindrance::TooDear)).await;
    assert_eq!(told(&world, &order).await.windows[0].start.0, second);
    world.buyer.owner.pause(true, &fresh_key()).await.unwrap();
    window_is(&mut world, &order, WindowState::Open, Some(Hindrance::Paused)).await;
    world.buyer.owner.pause(false, &fresh_key()).await.unwrap();
    window_is(&mut world, &order, WindowState::Missed, Some(Hindrance::TooDear)).await;
    assert!(world.now() >= second);
    assert_eq!(alarms(&world, AlarmKind::WindowAtRisk).await, 1, "told at half of the time, once");
    assert_eq!(alarms(&world, AlarmKind::WindowMissed).await, 1);
    world.restart("buyer").await;
    world.look().await;
    assert_eq!(alarms(&world, AlarmKind::WindowMissed).await, 1, "a restart tells it to nobody again");

    // What it missed is over; the window after it is bought.
    let third = world.publish(&later(&draft, 1_200, 100_000)).await;
    window_is(&mut world, &order, WindowState::Open, Some(Hindrance::Approval)).await;
    let asked = world.buyer.owner.approvals().await.unwrap();
    let terms = asked.iter().find(|asked| asked.outlook.is_some()).unwrap().terms_hash.to_string();
    world.buyer.owner.decide(&terms, "approve", &fresh_key()).await.unwrap();
    has_ended(&mut world, &order, OrderState::Done).await;
    let bought = told(&world, &order).await;
    assert_eq!((bought.bought, bought.windows.len()), (2, 3));
    assert_eq!(bought.windows[0].start, third.measurement.window.start);
    assert_eq!(world.buyer.owner.escrows().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_ends_with_the_key_that_gave_it_or_with_a_word_and_buys_nothing_more() {
    let mut world = world("").await;
    let limits = serde_json::json!({
        "max_contract_sat": 150_000, "max_locked_sat": 300_000, "max_per_counterparty_sat": 300_000,
    });
    let request = KeyRequest {
        name: "shop".to_owned(),
        scopes: [Scope::Buy].into(),
        limits: Some(limits),
        life_s: None,
    };
    let token = world.buyer.owner.create_key(&request, &fresh_key()).await.unwrap().token;
    let agent = OwnerClient::new(&world.buyer.owner_url(), &token).unwrap();
    let draft = world.draft();
    let offer = world.publish(&draft).await;
    let request = two_windows(&world, offer.id);
    let key = fresh_key();
    let order = agent.create_order(&request, &key).await.unwrap();
    assert_eq!(agent.create_order(&request, &key).await.unwrap().id, order.id, "asked twice it is one order");
    let order = order.id.to_string();
    window_is(&mut world, &order, WindowState::Bought, None).await;
    let escrow = told(&world, &order).await.windows[0].escrow_id.unwrap();
    assert_eq!(world.buyer.escrow(&escrow.to_string()).await.key.as_deref(), Some("shop"));
    let usage = agent.mandate().await.unwrap().key.unwrap().usage;
    assert!(usage.iter().any(|usage| usage.limit == "max_locked_sat" && usage.used_sat == Sat(100_422)));

    // The owner's own order about what follows, given while everything is paused, and taken back.
    world.buyer.owner.pause(true, &fresh_key()).await.unwrap();
    let again = OrderRequest {
        provider_urls: Vec::new(),
        escrow: Some(escrow),
        offer_id: None,
        until: Some(UnixSeconds(draft.measurement.window.end.0 + 10_000)),
        windows: None,
        ..request
    };
    let own = world.buyer.owner.create_order(&again, &fresh_key()).await.unwrap();
    assert_eq!(own.order.provider_urls, [world.provider.peer_url()], "from whom it was bought");
    let own = own.id.to_string();
    let foreign = agent.cancel_order(&own, &fresh_key()).await.unwrap_err();
    assert_eq!(foreign.status(), Some(404), "a key cancels its own orders: {foreign}");
    let cancelled = json(&world.buyer, &["order", "cancel", &own]);
    assert_eq!(cancelled["state"], "cancelled");

    world.buyer.owner.revoke_key("shop", &fresh_key()).await.unwrap();
    world.buyer.owner.pause(false, &fresh_key()).await.unwrap();
    world.publish(&later(&draft, 600, 100_000)).await;
    has_ended(&mut world, &order, OrderState::KeyRevoked).await;
    world.pass_until(draft.measurement.window.end.0).await;
    assert_eq!(world.buyer.owner.escrows().await.unwrap().len(), 1, "nobody bought the second window");
    assert_eq!(world.provider.owner.escrows().await.unwrap().len(), 1);
    assert_eq!(told(&world, &own).await.state, OrderState::Cancelled);
}
