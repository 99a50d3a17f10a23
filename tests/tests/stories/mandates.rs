//! What an owner did not allow is not done, whoever asks.

use bitcoin::Amount;
use blackbox::stranger::deliver;
use blackbox::{Setting, Stranger, World};
use protocol::Body;

const GENEROUS: [&str; 3] =
    ["max_contract_sat = 1_000_000", "max_locked_sat = 1_000_000", "max_per_counterparty_sat = 1_000_000"];

/// A mandate in which one line is another, or one more.
fn mandate(line: &str) -> String {
    let field = line.split(' ').next().unwrap();
    let others = GENEROUS.into_iter().filter(|other| !other.starts_with(field));
    others.chain([line]).collect::<Vec<_>>().join("\n") + "\n"
}

/// Lines, each of which forbids the usual offer to a buyer, with the limit that is named.
const BUYER_LIMITS: [(&str, &str); 8] = [
    ("max_contract_sat = 100_000", "max_contract_sat"),
    ("max_locked_sat = 99_999", "max_locked_sat"),
    ("max_per_counterparty_sat = 99_999", "max_per_counterparty_sat"),
    ("max_price_sat = 99_999", "max_price_sat"),
    ("max_fee_rate_sat_vb = 1", "max_fee_rate_sat_vb"),
    ("max_window_s = 599", "max_window_s"),
    ("max_lock_s = 900", "max_lock_s"),
    ("allowed_counterparties = []", "allowed_counterparties"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_buys_nothing_that_its_mandate_forbids() {
    let mut world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    for (line, limit) in BUYER_LIMITS {
        world.stop("buyer").await;
        world.buyer.use_mandate(&mandate(line));
        world.start("buyer").await;
        let refused = world.buyer.purchase(&world.provider.peer_url(), offer.id).await.unwrap_err();
        let client::ClientError::Refused(problem) = refused else { panic!("{line}: {refused}") };
        assert_eq!((problem.status, problem.field.as_deref()), (403, Some(limit)), "{line}: {problem}");
        assert_eq!(problem.to_string().matches(limit).count(), 1, "{line}: {problem}");
    }
    assert_eq!(world.buyer.owner.escrows().await.unwrap(), []);
    assert_eq!(world.provider.owner.escrows().await.unwrap(), [], "the provider was not even told");
    assert_eq!(world.buyer.available_sat().await, 700_000);

    // At the very limit it buys: 100,000 and its part of the fees.
    world.stop("buyer").await;
    world.buyer.use_mandate(&mandate("max_price_sat = 100_000"));
    world.start("buyer").await;
    let id = world.buy(&offer).await;
    world.both_reach(&id, "funded").await;
}

const PROVIDER_LIMITS: [(&str, &str); 5] = [
    ("max_contract_sat = 50_000", "max_contract_sat"),
    ("max_locked_sat = 49_999", "max_locked_sat"),
    ("max_bond_sat = 49_999", "max_bond_sat"),
    ("allowed_counterparties = []", "allowed_counterparties"),
    ("allowed_oracles = []", "allowed_oracles"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_accepts_nothing_that_its_mandate_forbids() {
    let mut world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    for (seed, (line, limit)) in (1..).zip(PROVIDER_LIMITS) {
        world.stop("provider").await;
        world.provider.use_mandate(&mandate(line));
        world.start("provider").await;
        let mut stranger = Stranger::new(seed);
        let terms_hash = stranger.ask(&world, offer.id).await;
        let accept = stranger.next(&world, Body::Accept { terms_hash });
        let logged = world.provider.service.log().len();
        let problem = deliver(&world.provider, &accept.bytes()).await.problem(403);
        assert!(
            !problem.to_string().contains(limit),
            "{line}: what the limits are is no stranger's business"
        );
        let log = world.provider.service.log()[logged..].to_owned();
        assert!(log.contains(limit), "{line}: the owner can read why: {log}");
    }
    assert_eq!(world.provider.owner.escrows().await.unwrap(), []);
    assert_eq!(world.provider.available_sat().await, 700_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_whom_the_provider_refuses_is_told_why_and_keeps_its_coins() {
    let provider_mandate = mandate("max_bond_sat = 49_999");
    let mut world = World::with(Setting { provider_mandate, ..Setting::default() }).await;
    let offer = world.publish(&world.draft()).await;
    let id = world.buy(&offer).await;
    world.buyer_reaches(&id, "cancelled").await;
    let history = world.buyer.escrow(&id).await.history;
    let abandoned = history.iter().find(|entry| entry.event == "abandoned").expect("it is written down");
    assert!(abandoned.detail["reason"].as_str().unwrap().contains("mandate"), "{}", abandoned.detail);
    assert_eq!(world.buyer.available_sat().await, 700_000);
    assert!(world.bitcoind.mempool().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ceilings_count_what_is_locked_already_and_what_has_ended_no_more() {
    let setting = Setting {
        buyer_mandate: mandate("max_locked_sat = 150_000"),
        buyer_coins: vec![Amount::from_sat(200_000); 3],
        ..Setting::default()
    };
    let mut world = World::with(setting).await;
    let (id, _) = world.lock().await;
    let offer = world.publish(&world.draft()).await;
    let refused = world.buyer.purchase(&world.provider.peer_url(), offer.id).await.unwrap_err();
    assert_eq!(refused.status(), Some(403), "{refused}");
    // 100,000 of price and 422 of fees, at 2 sat/vB.
    assert!(refused.to_string().contains("100422 used"), "{refused}");
    world.both_reach(&id, "settled").await;
    world.lock().await;
}
