//! Dry runs: they check what the request would check, say what it would come to, and do nothing.

use blackbox::{Party, World, fresh_key, raw};
use client::Rehearsed;
use protocol::owner::{Hindrance, OrderRequest, PurchaseRequest};
use serde_json::{Value, json};

use crate::standing::two_windows;

fn dry(party: &Party, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--dry-run", "--json"]].concat();
    party.service.json(&arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

/// How much of the owner's limit on what is locked is used.
async fn locked(party: &Party) -> u64 {
    let usage = party.owner.mandate().await.unwrap().usage;
    usage.iter().find(|line| line.limit == "max_locked_sat").unwrap().used_sat.0
}

fn used_with_it(plan: &Value) -> &Value {
    let limits = plan["limits"].as_array().unwrap();
    &limits.iter().find(|line| line["limit"] == "max_locked_sat").unwrap()["used_sat"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_an_escrow_comes_to_and_leaves_nothing_behind() {
    let mut world = World::begin().await;
    let file = world.provider.service.folder().join("offer.json");
    std::fs::write(&file, serde_json::to_vec(&world.draft()).unwrap()).unwrap();
    let plan = dry(&world.provider, &["offer", "publish", file.to_str().unwrap()]);
    assert_eq!((&plan["action"], &plan["stake_sat"]), (&json!("publish"), &json!(50_000)), "{plan:#}");
    let stands = ["standing-offer", "create", file.to_str().unwrap(), "--ahead", "15m", "--windows", "2"];
    let plan = dry(&world.provider, &stands);
    let windows = plan["windows"].as_array().unwrap();
    assert_eq!((&plan["action"], windows.len()), (&json!("standing_offer"), 2), "{plan:#}");
    assert_eq!((&windows[0]["end"], &windows[1]["price_sat"]), (&windows[1]["start"], &json!(100_000)));
    assert_eq!(
        (&plan["stake_sat"], &plan["hindrance"]),
        (&json!(50_000), &Value::Null),
        "who takes it is let"
    );
    assert!(plan["outlook"]["text"].is_string(), "{plan:#}");
    assert_eq!(world.provider.owner.standing_offers().await.unwrap(), []);
    assert_eq!(world.provider.owner.offers().await.unwrap(), []);

    let offer = world.publish(&world.draft()).await;
    let (url, offer_id) = (world.provider.peer_url(), offer.id.to_string());
    let newest = world.buyer.owner.events(0, 1).await.unwrap().newest;
    let plan = dry(&world.buyer, &["buy", &url, &offer_id]);
    assert_eq!((&plan["action"], &plan["role"]), (&json!("lock"), &json!("buyer")), "{plan:#}");
    let case = |name: &str| {
        let payouts = plan["payouts"].as_array().unwrap();
        payouts.iter().find(|payout| payout["case"].as_str().unwrap().contains(name)).unwrap().clone()
    };
    assert_eq!(case("best")["provider_sat"], 150_000);
    assert_eq!(case("refunded")["buyer_sat"], 100_000);
    assert_eq!(used_with_it(&plan), &plan["leaves_sat"]);
    assert_eq!(world.buyer.owner.escrows().await.unwrap(), []);
    assert_eq!(world.provider.owner.negotiations().await.unwrap(), [], "nobody was asked for a quote");
    assert_eq!(world.buyer.owner.events(0, 1).await.unwrap().newest, newest, "nothing was stored");

    // What is locked then is what was said, to the satoshi.
    let id = world.buy(&offer).await;
    world.both_reach(&id, "funded").await;
    assert_eq!(plan["leaves_sat"], locked(&world.buyer).await);
    let renewal = dry(&world.buyer, &["renew", &id]);
    assert_eq!(renewal["action"], "lock", "{renewal:#}");
    let both = locked(&world.buyer).await + renewal["leaves_sat"].as_u64().unwrap();
    assert_eq!(used_with_it(&renewal).as_u64(), Some(both), "the old escrow and the new one");
    let order = ["order", "create", "--escrow", &id, "--windows", "2", "--lead", "10m", "--max-price"];
    let plan = dry(&world.buyer, &[&order[..], &["100000"]].concat());
    let end = world.buyer.escrow(&id).await.agreement.measurement.window.end;
    assert_eq!((&plan["action"], &plan["windows"][0]["start"]), (&json!("order"), &json!(end)), "{plan:#}");
    assert_eq!((&plan["leaves_sat"], used_with_it(&plan).as_u64()), (&renewal["leaves_sat"], Some(both)));
    assert!(plan["outlook"]["figures"]["cases"].is_array() && plan["hindrance"].is_null(), "{plan:#}");
    let plan = dry(&world.buyer, &[&order[..], &["99999"]].concat());
    assert_eq!(plan["hindrance"], "too_dear", "{plan:#}");
    assert_eq!(world.buyer.owner.orders().await.unwrap(), []);
    let close = dry(&world.buyer, &["escrow", "close", &id, "--provider-sat", "60000"]);
    assert_eq!(close["payouts"][0]["buyer_sat"], 90_000, "{close:#}");
    let seen = world.buyer.escrow(&id).await;
    assert_eq!((seen.renewed_by, seen.close.own), (None, None));
    assert_eq!(world.buyer.owner.escrows().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_refused_as_the_request_would_be() {
    let world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    let address = world.provider.address().await.to_string();
    let plan = dry(&world.buyer, &["send", &address, "10000", "--fee-rate", "2"]);
    let before = world.buyer.available_sat().await;
    assert_eq!((world.bitcoind.mempool().unwrap().len(), &plan["action"]), (0, &json!("pay")));
    assert!(world.buyer.cli(&["send", &address, "10000", "--fee-rate", "2"]).status.success());
    let fee = plan["fees_sat"].as_u64().unwrap();
    let sent = world.buyer.owner.transactions().await.unwrap().remove(0);
    assert_eq!((plan["leaves_sat"].as_u64(), sent.fee_sat.unwrap().0), (Some(10_000 + fee), fee));
    assert!(before > 0);
    let poor = world.buyer.cli(&["send", &address, "100000000", "--dry-run"]);
    assert_eq!(poor.status.code(), Some(1), "{}", String::from_utf8_lossy(&poor.stderr));

    let token = std::fs::read_to_string(world.buyer.service.data_dir().join("owner-token")).unwrap();
    let post = async |path: &str, body: &str| {
        raw::post(&format!("{}{path}", world.buyer.owner_url()), Some(token.trim()), &[], body).await
    };
    let request = PurchaseRequest { provider_url: world.provider.peer_url(), offer_id: offer.id };
    let request = serde_json::to_string(&request).unwrap();
    world.buyer.owner.pause(true, &fresh_key()).await.unwrap();
    let dry = post("/v1/purchases?dry_run=true", &request).await.problem(403);
    assert_eq!(dry, post("/v1/purchases", &request).await.problem(403), "in the same words");
    // An order is given all the same, and so does its dry run go well: it says what would keep it from buying now.
    let order = two_windows(&world, offer.id);
    let plan = world.buyer.owner.dry_run(&Rehearsed::Order(&order)).await.unwrap();
    assert_eq!(plan.hindrance, Some(Hindrance::Paused), "{plan:?}");
    assert!(plan.note.contains("the owner has paused this node"), "{plan:?}");
    let wrong = OrderRequest { windows: Some(0), ..order };
    let [dry, real] = [
        world.buyer.owner.dry_run(&Rehearsed::Order(&wrong)).await.unwrap_err(),
        world.buyer.owner.create_order(&wrong, &fresh_key()).await.unwrap_err(),
    ];
    assert_eq!((dry.status(), dry.to_string()), (Some(400), real.to_string()));
    assert_eq!(world.buyer.owner.orders().await.unwrap(), []);
    // A parameter that is misspelt buys nothing, and what commits nothing has no dry run.
    let _ = post("/v1/purchases?dryrun=true", &request).await.problem(400);
    let _ = post("/v1/resume?dry_run=true", "{}").await.problem(400);
    assert!(world.buyer.owner.info().await.unwrap().paused);
}
