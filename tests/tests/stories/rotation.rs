//! Another token and another identity, while everything goes on.

use std::os::unix::fs::PermissionsExt as _;

use axum::http::StatusCode;
use blackbox::proxy::Verdict;
use blackbox::witness::Witness;
use blackbox::{Party, Proxy, Setting, World};
use client::{ClientError, OwnerClient, PeerClient};
use terms::Hex32;

/// Rotates a node's identity as its owner would. Returns the new key.
fn rotate(party: &Party) -> Hex32 {
    let output = party.cli(&["rotate", "identity", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    Hex32::parse(made["key"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owners_token_is_rotated_while_the_node_runs() {
    let mut world = World::begin().await;
    let file = world.provider.service.data_dir().join("owner-token");
    let old = std::fs::read_to_string(&file).unwrap();
    let output = world.provider.cli(&["rotate", "token"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let new = std::fs::read_to_string(&file).unwrap();
    assert_ne!(old, new);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let refused = world.provider.owner.balance().await.unwrap_err();
    assert_eq!(refused.status(), Some(401), "{refused}");
    let owner = OwnerClient::new(&world.provider.owner_url(), new.trim()).unwrap();
    owner.balance().await.unwrap();
    assert!(world.provider.cli(&["balance"]).status.success(), "the command line reads the file");
    world.restart("provider").await;
    owner.balance().await.unwrap();
    assert_eq!(world.provider.owner.balance().await.unwrap_err().status(), Some(401));
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_are_rotated_amid_a_negotiation_and_a_locked_escrow_and_both_finish() {
    let mut world = World::begin().await;
    let (locked, _) = world.lock().await;
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    proxy.rule(|seen| match seen.says("\"type\":\"dlc_offer\"") {
        true => Verdict::Answer(StatusCode::SERVICE_UNAVAILABLE, b"{}".to_vec()),
        false => Verdict::Pass,
    });
    let offer = world.publish(&world.draft()).await;
    let talking = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    world.calm().await;
    assert_eq!(world.provider.escrow(&talking).await.state, "agreed", "the buyer's offer has not arrived");

    let (provider, buyer) = (rotate(&world.provider), rotate(&world.buyer));
    assert!(provider != world.provider.key && buyer != world.buyer.key && provider != buyer);
    world.restart("provider").await;
    proxy.pass();
    world.both_reach(&talking, "funded").await;
    for id in [&locked, &talking] {
        let agreement = world.provider.escrow(id).await.agreement;
        assert_eq!(agreement.provider.key, world.provider.key, "it goes on under the key that it began with");
        assert_eq!(agreement.buyer.key, world.buyer.key);
    }
    let card = PeerClient::new(&world.provider.peer_url()).unwrap().card().await.unwrap();
    assert_eq!(card.key, provider);
    assert_eq!((card.successions[0].former, card.successions[0].successor), (world.provider.key, provider));
    for id in [&locked, &talking] {
        world.both_reach(id, "settled").await;
        Witness::call(&world, &world.provider.escrow(id).await).pays(&world, vec![150_000, 0]);
    }

    // What begins now begins under the new keys.
    let (next, _) = world.lock().await;
    let agreement = world.buyer.escrow(&next).await.agreement;
    assert_eq!((agreement.provider.key, agreement.buyer.key), (provider, buyer));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_whose_list_names_the_old_key_buys_from_the_new_one_when_its_owner_says_so() {
    let mut world = World::begin().await;
    let usual = Setting::default().buyer_mandate;
    let allow = |keys: &[Hex32]| {
        let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
        format!("{usual}allowed_counterparties = [{}]\n", keys.join(", "))
    };
    let old = world.provider.key;
    world.stop("buyer").await;
    world.buyer.use_mandate(&allow(&[old]));
    world.start("buyer").await;
    let (id, _) = world.lock().await;
    let new = rotate(&world.provider);

    let offer = world.publish(&world.draft()).await;
    let url = world.provider.peer_url();
    match world.buyer.purchase(&url, offer.id).await.unwrap_err() {
        ClientError::Refused(problem) => {
            assert_eq!((problem.status, problem.field.as_deref()), (403, Some("allowed_counterparties")));
        }
        other => panic!("{other}"),
    }
    let card = PeerClient::new(&url).unwrap().card().await.unwrap();
    let [succession] = card.successions[..] else { panic!("{:?}", card.successions) };
    assert_eq!((succession.former, succession.successor), (old, new));
    assert!(succession.is_signed(), "so the owner can tell that it is the same provider");

    world.stop("buyer").await;
    world.buyer.use_mandate(&allow(&[old, new]));
    world.start("buyer").await;
    let next = world.buy(&offer).await;
    for id in [&id, &next] {
        world.both_reach(id, "settled").await;
    }
}
