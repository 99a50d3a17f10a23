//! A provider is found through a directory, which is a node like any other, and is trusted with nothing.

use std::process::{Command, Output};

use blackbox::{Party, World};
use protocol::Offer;
use serde_json::Value;

const GENEROUS: &str =
    "max_contract_sat = 1_000_000\nmax_locked_sat = 1_000_000\nmax_per_counterparty_sat = 1_000_000\n";

/// The buyer's node serves as a directory, and the provider has itself listed there.
async fn with_directory() -> World {
    let mut world = World::begin().await;
    world.stop("buyer").await;
    world.buyer.use_mandate(&format!("{GENEROUS}[directory]\n"));
    world.start("buyer").await;
    let (url, directory) = (world.provider.peer_url(), world.buyer.peer_url());
    world.stop("provider").await;
    let listing = format!("[listing]\nurl = \"{url}\"\ndirectories = [\"{directory}\"]\nlife_s = 7_200\n");
    world.provider.use_mandate(&format!("{GENEROUS}{listing}"));
    world.start("provider").await;
    world
}

/// Runs `earnest` without any node's configuration.
fn earnest(arguments: &[&str]) -> Output {
    Command::new(testbed::binary("earnest").unwrap()).args(arguments).output().unwrap()
}

/// What `earnest discover` finds in the directory at the story's time, and its exit code.
fn found(world: &World, more: &[&str]) -> (Value, Option<i32>) {
    let (directory, at) = (world.buyer.peer_url(), world.now().to_string());
    let mut arguments = vec!["discover", "--json", "--directory", &directory, "--at", &at];
    arguments.extend(more);
    let output = earnest(&arguments);
    let told = serde_json::from_slice(&output.stdout);
    (told.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))), output.status.code())
}

fn is_offered(told: &Value, offer: &Offer, provider: &Party) -> bool {
    told["offers"].as_array().unwrap().iter().any(|found| {
        found["offer_id"] == offer.id.to_string() && found["provider_url"] == provider.peer_url()
    })
}

async fn until_listed(world: &mut World, wanted: bool) {
    world
        .until(&format!("the provider to be listed: {wanted}"), async |world| {
            let (told, _) = found(world, &[]);
            (told["providers"].as_array().unwrap().len() == 1) == wanted
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_found_by_whoever_asks_a_directory_through_crashes_until_its_owner_takes_it_back() {
    let mut world = with_directory().await;
    let offer = world.publish(&world.draft()).await;
    let named = ["--service", "service.example"];
    world.until("the service to be listed", async |world| found(world, &named).1 == Some(0)).await;
    let (told, _) = found(&world, &named);
    assert!(is_offered(&told, &offer, &world.provider), "{told}");
    assert_eq!(told["providers"][0]["listed_by"][0], world.buyer.peer_url());
    let (told, code) = found(&world, &["--service", "other.example"]);
    assert_eq!((told["offers"].as_array().unwrap().len(), code), (0, Some(1)));

    // What is listed is on the directory's disk, and a provider that comes back is no other.
    world.restart("buyer").await;
    let (told, _) = found(&world, &[]);
    assert!(is_offered(&told, &offer, &world.provider), "{told}");
    world.restart("provider").await;
    let id = world.buyer.purchase(told["providers"][0]["url"].as_str().unwrap(), offer.id).await.unwrap();
    world.both_reach(&id, "funded").await;

    let taken_back = world.provider.cli(&["listing", "withdraw", "--json"]);
    assert!(taken_back.status.success(), "{}", String::from_utf8_lossy(&taken_back.stderr));
    until_listed(&mut world, false).await;
    world.calm().await;
    let shown = world.provider.cli(&["listing", "show", "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&shown["withdrawn"], &shown["directories"][0]["current"]), (&true.into(), &true.into()));
    assert!(world.provider.cli(&["listing", "publish"]).status.success());
    until_listed(&mut world, true).await;

    let offer = world.publish(&world.draft()).await;
    let table = earnest(&[
        "discover",
        &world.provider.peer_url(),
        "http://127.0.0.1:1",
        "--at",
        &world.now().to_string(),
    ]);
    let (text, errors) = (String::from_utf8_lossy(&table.stdout), String::from_utf8_lossy(&table.stderr));
    assert!(text.contains("service.example") && text.contains(&offer.id.to_string()), "{text}");
    assert!(errors.contains("refused: http://127.0.0.1:1: is unreachable"), "{errors}");
    let nothing = earnest(&["discover"]);
    assert_eq!(nothing.status.code(), Some(2), "{}", String::from_utf8_lossy(&nothing.stderr));
}
