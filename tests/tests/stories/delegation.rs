//! Agents with keys of their own, questions to the owner, and the switch that pauses everything.

use blackbox::{Party, Setting, World, fresh_key};
use client::{ClientError, OwnerClient};
use protocol::owner::{ApprovalState, PurchaseRequest, Scope};
use protocol::{Offer, Problem};

const GENEROUS: &str =
    "max_contract_sat = 1_000_000\nmax_locked_sat = 1_000_000\nmax_per_counterparty_sat = 1_000_000\n";

fn refused<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> Problem {
    match answer {
        Err(ClientError::Refused(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

async fn buy(agent: &OwnerClient, world: &World, offer: &Offer) -> Result<String, ClientError> {
    buy_once(agent, world, offer, &fresh_key()).await
}

async fn buy_once(
    agent: &OwnerClient,
    world: &World,
    offer: &Offer,
    key: &str,
) -> Result<String, ClientError> {
    let request = PurchaseRequest { provider_url: world.provider.peer_url(), offer_id: offer.id };
    Ok(agent.purchase(&request, key).await?.escrow_id)
}

/// Makes a key with the command line, and gives the agent that holds it.
fn hire(party: &Party, name: &str, limits: &str, more: &[&str]) -> OwnerClient {
    let file = party.service.folder().join(format!("{name}.toml"));
    std::fs::write(&file, limits).unwrap();
    let file = file.to_str().unwrap();
    let arguments = [&["key", "create", name, "--json", "--limits", file], more].concat();
    let made = party.cli(&arguments);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    OwnerClient::new(&party.owner_url(), made["token"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegated_key_stops_at_its_own_ceiling_and_works_no_more_once_revoked_or_expired() {
    let mut world = World::begin().await;
    let limits = "max_contract_sat = 150_000\nmax_locked_sat = 150_000\nmax_per_counterparty_sat = 300_000\n";
    let agent = hire(&world.buyer, "shop", limits, &["--expires", "2h"]);
    let offer = world.publish(&world.draft()).await;
    let id = buy(&agent, &world, &offer).await.unwrap();
    world.both_reach(&id, "funded").await;
    assert_eq!(world.buyer.escrow(&id).await.key.as_deref(), Some("shop"));

    let problem = refused(buy(&agent, &world, &offer).await);
    assert_eq!((problem.status, problem.field.as_deref()), (403, Some("max_locked_sat")), "{problem}");
    let figures = "max_locked_sat: 100422 asked, 150000 allowed, 100422 used (of the key shop)";
    assert_eq!(problem.detail, figures);
    assert_eq!(
        problem.to_string(),
        format!("The mandate does not allow it: {figures}"),
        "the limit is named once"
    );
    let own = agent.mandate().await.unwrap().key.expect("it sees its own limits");
    assert_eq!(own.key.scopes, [Scope::Read, Scope::Buy].into());
    assert!(own.usage.iter().any(|usage| usage.limit == "max_locked_sat" && usage.used_sat.0 == 100_422));
    for forbidden in [
        refused(agent.new_address(&fresh_key()).await),
        refused(agent.keys().await),
        refused(agent.approvals().await),
        refused(agent.pause(true, &fresh_key()).await),
        refused(agent.create_offer(&world.draft(), &fresh_key()).await),
        refused(agent.rotate_token(&fresh_key()).await),
    ] {
        assert_eq!(forbidden.status, 403, "{forbidden}");
    }
    let asked = world.buyer.owner.key_requests("shop").await.unwrap();
    let bought = asked.iter().filter(|asked| asked.path == "/v1/purchases").map(|asked| asked.status);
    assert_eq!(bought.collect::<Vec<_>>(), [403, 200], "the owner sees what it asked");

    world.restart("buyer").await;
    agent.info().await.expect("its token outlives a restart");
    assert!(world.buyer.cli(&["key", "revoke", "shop"]).status.success());
    assert_eq!(refused(agent.info().await).status, 401, "at once");

    let brief = hire(&world.buyer, "brief", limits, &["--expires", "10m"]);
    brief.info().await.unwrap();
    world.both_reach(&id, "settled").await;
    assert_eq!(refused(brief.info().await).status, 401, "its ten minutes are over");
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_amount_a_purchase_waits_for_the_owner_through_a_restart() {
    let buyer_mandate = format!("{GENEROUS}approve_above_sat = 100_000\n");
    let mut world = World::with(Setting { buyer_mandate, ..Setting::default() }).await;
    let offer = world.publish(&world.draft()).await;
    for _ in 0..2 {
        let problem = refused(buy_once(&world.buyer.owner, &world, &offer, "mine").await);
        assert!(problem.kind.ends_with("approval-required"), "{problem}");
        assert!(problem.detail.starts_with("approve_above_sat: 100422 sat asked, 100000 "), "{problem}");
    }
    assert_eq!(world.provider.owner.escrows().await.unwrap(), [], "the provider was not even told");
    world.restart("buyer").await;
    let waiting = world.buyer.owner.approvals().await.unwrap();
    assert_eq!(waiting.len(), 1, "asked twice, it is one question");
    assert_eq!((waiting[0].state, waiting[0].locked_sat.0), (ApprovalState::Pending, 100_422));
    assert!(!world.buyer.owner.alarms().await.unwrap().is_empty(), "and the owner is told");
    assert_eq!(world.buyer.available_sat().await, 700_000, "nothing is set aside meanwhile");

    let approved = world.buyer.cli(&["approve", &waiting[0].terms_hash.to_string(), "--json"]);
    assert!(approved.status.success(), "{}", String::from_utf8_lossy(&approved.stderr));
    let approved: serde_json::Value = serde_json::from_slice(&approved.stdout).unwrap();
    let id = approved["escrow_id"].as_str().expect("it begins at once").to_owned();
    let again = buy_once(&world.buyer.owner, &world, &offer, "mine").await.unwrap();
    assert_eq!(again, id, "the purchase that waited, repeated, is answered with what came of it");
    world.both_reach(&id, "funded").await;
    let problem = refused(buy(&world.buyer.owner, &world, &offer).await);
    assert!(problem.kind.ends_with("approval-required"), "one word, one escrow: {problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_amount_a_buyer_waits_for_the_providers_owner_and_learns_no_more_than_the_word() {
    let provider_mandate = format!("{GENEROUS}approve_above_sat = 50_000\n");
    let mut world = World::with(Setting { provider_mandate, ..Setting::default() }).await;
    for (word, ends) in [("approve", "funded"), ("deny", "cancelled")] {
        let offer = world.publish(&world.draft()).await;
        let id = world.buy(&offer).await;
        world
            .until("the owner to be asked", async |world| {
                let asked = world.provider.owner.approvals().await.unwrap();
                asked.iter().any(|asked| asked.state == ApprovalState::Pending)
            })
            .await;
        world.look().await;
        assert_eq!(world.buyer.escrow(&id).await.state, "agreed", "it asks again and again");
        assert_eq!(world.provider.try_escrow(&id).await, None, "nothing is begun meanwhile");
        let asked = world.provider.owner.approvals().await.unwrap();
        let asked = asked.iter().find(|asked| asked.state == ApprovalState::Pending).unwrap();
        let (terms, key) = (asked.terms_hash.to_string(), fresh_key());
        world.provider.owner.decide(&terms, word, &key).await.unwrap();
        world.buyer_reaches(&id, ends).await;
        let told = format!("{:?}", world.buyer.escrow(&id).await.history);
        assert!(!told.contains("approve"), "whom the provider asks is not the buyer's business: {told}");
    }
    world.look().await;
    assert_eq!(world.provider.owner.escrows().await.unwrap().len(), 1, "what was denied never began");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_commits_nothing_new_and_harms_nothing_that_is_locked() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    let offer = world.publish(&world.draft()).await;
    assert!(world.buyer.cli(&["pause"]).status.success());
    world.restart("buyer").await;
    assert!(world.buyer.owner.info().await.unwrap().paused, "also after a restart");
    let problem = refused(buy(&world.buyer.owner, &world, &offer).await);
    assert_eq!((problem.status, problem.field.as_deref()), (403, Some("paused")));
    world.provider.owner.pause(true, &fresh_key()).await.unwrap();
    assert!(world.buyer.cli(&["resume"]).status.success());
    let refused = world.buy(&offer).await;
    world.buyer_reaches(&refused, "cancelled").await;
    assert_eq!(world.provider.try_escrow(&refused).await, None);
    world.both_reach(&id, "settled").await;
    world.provider.owner.pause(false, &fresh_key()).await.unwrap();
    world.lock().await;
}
