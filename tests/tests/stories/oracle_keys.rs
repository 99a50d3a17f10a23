//! An oracle takes another key: what it announced goes on, and nobody follows it without their owner's word.

use blackbox::witness::Witness;
use blackbox::{Party, Setting, World, fresh_key};
use client::ClientError;
use protocol::owner::{OracleKeyState, OracleView};
use serde_json::Value;
use terms::{Hex32, Sat};

use crate::oracle::oracle_cli;

/// Its operator gives the oracle another key. Returns it.
async fn rotate(world: &mut World) -> Hex32 {
    world.stop("oracle").await;
    let rotated = world.oracle.service.command(&["rotate-key"]).unwrap();
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    world.start("oracle").await;
    Hex32::parse(String::from_utf8_lossy(&rotated.stdout).trim()).unwrap()
}

/// Insists on a refusal that names both keys, and says what to do.
fn says_what_to_do(refused: &ClientError, old: Hex32, new: Hex32, words: &str) {
    assert_eq!(refused.status(), Some(409), "{refused}");
    let said = refused.to_string();
    for part in [&old.to_string(), &new.to_string(), words, "add an [[oracle]]", "earnest oracle list"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// What the owner is shown of the oracles, by the command.
fn listed(party: &Party) -> Vec<OracleView> {
    let printed = party.cli(&["oracle", "list", "--json"]);
    serde_json::from_slice(&printed.stdout).unwrap()
}

/// The owner pins another key of the oracle, beside the old one.
async fn pin(world: &mut World, name: &str, key: Hex32) {
    let url = world.oracle.url();
    world.stop(name).await;
    let party = if name == "provider" { &mut world.provider } else { &mut world.buyer };
    party.pin_oracle(&url, key);
    world.start(name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_announced_goes_on_and_the_next_key_counts_once_the_owners_have_pinned_it() {
    let provider_mandate = format!("{}\n[renewal]\naccept = true\n", Setting::default().provider_mandate);
    let mut world = World::with(Setting { provider_mandate, ..Setting::default() }).await;
    let draft = world.draft();
    let other = world.publish(&protocol::OfferDraft { price_sat: Sat(80_000), ..draft.clone() }).await;
    let (first, old) = (world.lock_draft(&draft).await, world.oracle.key);
    let new = rotate(&mut world).await;

    // Nothing new with the old key, on either side; what was announced with it can still be bought, and offered.
    let mut later = draft.clone();
    later.measurement.slice_s = 30;
    let refused = world.provider.owner.create_offer(&later, &fresh_key()).await.unwrap_err();
    says_what_to_do(&refused, old, new, "announces nothing new");
    let refused = world.buyer.owner.renew(&first, &fresh_key()).await.unwrap_err();
    says_what_to_do(&refused, old, new, "announces nothing new");
    world.publish(&draft).await;
    let second = world.buy(&other).await;
    world.both_reach(&second, "funded").await;

    world.restart("provider").await;
    world.look().await;
    let log = world.provider.service.log();
    assert!(log.contains(&format!("{new} has taken its place")), "it is said at the start: {log}");
    let [shown] = listed(&world.provider).try_into().unwrap();
    assert_eq!((shown.state, shown.live_escrows), (OracleKeyState::Succeeded, 2));
    let [statement] = shown.successors.try_into().unwrap();
    assert_eq!((statement.rotation.from, statement.to), (old, new));
    assert!(statement.rotation.holds(new), "whoever is shown it can check it");
    let told = world.provider.cli(&["oracle", "list"]);
    assert!(String::from_utf8_lossy(&told.stdout).contains(&statement.rotation.acceptance.to_string()));

    for (id, provider_sat) in [(&first, 150_000), (&second, 130_000)] {
        world.both_reach(id, "settled").await;
        Witness::call(&world, &world.buyer.escrow(id).await).pays(&world, vec![provider_sat, 0]);
    }

    // The provider's owner pins the new key, and later the buyer's.
    pin(&mut world, "provider", new).await;
    let mut fresh = world.draft();
    fresh.oracles.keys = vec![new];
    let offer = world.publish(&fresh).await;
    let refused = world.buyer.purchase(&world.provider.peer_url(), offer.id).await.unwrap_err();
    says_what_to_do(&refused, old, new, "is not an oracle of this node's configuration");
    pin(&mut world, "buyer", new).await;
    let third = world.buy(&offer).await;
    world.both_reach(&third, "settled").await;
    let states: Vec<_> = listed(&world.buyer).iter().map(|oracle| (oracle.key, oracle.state)).collect();
    assert_eq!(states, [(old, OracleKeyState::Succeeded), (new, OracleKeyState::Current)]);
    for party in [&world.provider, &world.buyer] {
        assert_eq!(
            party.owner.alarms().await.unwrap(),
            [],
            "nothing is wrong with that, and its log goes on"
        );
    }
    let (code, said, why) =
        oracle_cli(&["audit".as_ref(), "--log".as_ref(), world.oracle.url().as_ref(), "--json".as_ref()]);
    assert_eq!(code, Some(0), "{why}");
    let audited: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(audited["events"]["attested"], 2, "{audited}");
}
