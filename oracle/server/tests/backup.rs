//! A restore drill: a backup made while the oracle works, put back on an empty machine, and what it may do there.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use std::path::Path;
use std::process::Output;

use common::process::{Process, earnest_oracle};
use common::{START, World, measurement};
use ledger::bundle::Bundle;
use protocol::oracle::EventState;
use serde_json::json;

const END: u64 = START + 3_600;
const MATURITY: u64 = END + 600;

fn run(world: &World, command: &str, folder: Option<&Path>) -> Output {
    let config = world.config_file().display().to_string();
    earnest_oracle(&[command, "--config", &config]).args(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

/// As on a new machine, whose folder is empty but for the configuration.
fn lose_everything(world: &World) {
    for name in
        ["oracle.key", "oracle.key.lock", "oracle.db", "oracle.db-wal", "oracle.db-shm", "signing.journal"]
    {
        let _ = std::fs::remove_file(world.path(name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_shows_what_it_knows_and_signs_nothing_that_may_have_been_signed() {
    let mut world = World::new().await;
    let oracle = Process::serve(&world).await;
    let early = measurement(|m| m["window"] = json!({ "start": START, "end": START + 600 }));
    let done = oracle.http.announce(&early).await.event_id;
    let open = oracle.http.announce(&measurement(|_| ())).await.event_id;
    world.until(START + 1_800).await;
    let attested = oracle.http.event(&done).await.attestation_hex.unwrap();

    // In the middle of the second window, with the oracle at work.
    let folder = world.path("backup");
    let (journal, away) = (world.path("signing.journal"), world.path("away"));
    std::fs::rename(&journal, &away).unwrap();
    let half = run(&world, "backup", Some(&folder));
    assert!(!half.status.success() && !folder.exists(), "half a backup is none: {}", said(&half));
    std::fs::rename(&away, &journal).unwrap();
    let made = run(&world, "backup", Some(&folder));
    assert!(made.status.success(), "{}", said(&made));
    let again = run(&world, "backup", Some(&folder));
    assert!(!again.status.success() && said(&again).contains("is there already"), "{}", said(&again));
    world.service.answers(503);
    world.until(MATURITY + 1).await;
    let first = oracle.http.event(&open).await.attestation_hex;
    assert!(first.is_some());
    let refused = run(&world, "restore", Some(&folder));
    assert!(
        !refused.status.success() && said(&refused).contains("nothing is replaced"),
        "{}",
        said(&refused)
    );
    oracle.kill(&world).await;

    // What is left of the old database would be played into the restored one.
    for name in ["oracle.key", "oracle.db", "signing.journal"] {
        std::fs::remove_file(world.path(name)).unwrap();
    }
    let mixed = run(&world, "restore", Some(&folder));
    assert!(!mixed.status.success() && said(&mixed).contains("oracle.db-wal: is there"), "{}", said(&mixed));
    assert!(!world.path("oracle.db").exists(), "it is looked at before anything is written");
    lose_everything(&world);
    let restored = run(&world, "restore", Some(&folder));
    assert!(restored.status.success() && said(&restored).contains("trust-database"), "{}", said(&restored));
    let Err((status, log)) = Process::serve_with(&world, &[]).await else { panic!("it must not start") };
    assert!(!status.success() && log.contains("a backup's copy") && log.contains("trust-database"), "{log}");

    let word = run(&world, "trust-database", None);
    let given_up = format!("{open} may have been attested already: it is given up");
    assert!(word.status.success() && said(&word).contains(&given_up), "{}", said(&word));
    let oracle = Process::serve(&world).await;
    world.until(MATURITY + 120).await;
    assert_eq!(oracle.http.event(&open).await.attestation_hex, None, "never a second time");
    let event = oracle.http.event(&done).await;
    assert_eq!((event.state, event.attestation_hex), (EventState::Attested, Some(attested)));
    let (_, bundle) = oracle.http.text(&format!("/v1/events/{done}/evidence")).await;
    assert!(signer::audit(&Bundle::parse(bundle.as_bytes()).unwrap()).unwrap().attestation.is_some());
    let next = measurement(|m| m["window"] = json!({ "start": MATURITY + 1_200, "end": MATURITY + 1_800 }));
    let next = oracle.http.announce(&next).await.event_id;
    world.until(MATURITY + 2_500).await;
    assert_eq!(oracle.http.event(&next).await.state, EventState::Attested, "and it goes on");
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_newest_journal_beside_it_an_old_database_only_ever_signs_what_was_signed() {
    let mut world = World::new().await;
    let oracle = Process::serve(&world).await;
    let open = oracle.http.announce(&measurement(|_| ())).await.event_id;
    world.until(END + 1).await;
    let folder = world.path("backup");
    assert!(run(&world, "backup", Some(&folder)).status.success());
    world.until(MATURITY + 1).await;
    let first = oracle.http.event(&open).await.attestation_hex;
    oracle.kill(&world).await;

    // The disk with the database is lost; key and journal lay on another one.
    let journal = std::fs::read(world.path("signing.journal")).unwrap();
    lose_everything(&world);
    assert!(run(&world, "restore", Some(&folder)).status.success());
    std::fs::write(world.path("signing.journal"), journal).unwrap();
    let Err((_, log)) = Process::serve_with(&world, &[]).await else { panic!("it must not start") };
    assert!(log.contains("older than the signing journal"), "{log}");
    assert!(run(&world, "trust-database", None).status.success());
    let oracle = Process::serve(&world).await;
    world.until(MATURITY + 120).await;
    assert_eq!(
        oracle.http.event(&open).await.attestation_hex,
        first,
        "the same outcome, the same signatures"
    );
    oracle.terminate(&world).await;
}
