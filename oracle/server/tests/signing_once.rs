//! What must never happen twice, or too early, whatever befalls the process and its database.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use std::path::Path;

use common::{Http, START, World, copy, measurement};
use earnest_oracle::service::Running;
use earnest_oracle::signing::{self, Signed};
use earnest_oracle::store::Event;
use protocol::oracle::EventState;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use terms::EventId;

const END: u64 = START + 3_600;
const MATURITY: u64 = END + 600;

/// The database from outside, as an accident would change it.
async fn database(world: &World) -> SqliteConnection {
    SqliteConnectOptions::new().filename(world.path("oracle.db")).connect().await.unwrap()
}

async fn change(world: &World, sql: &'static str) {
    let mut database = database(world).await;
    assert_ne!(sqlx::query(sql).execute(&mut database).await.unwrap().rows_affected(), 0, "{sql}");
    database.close().await.unwrap();
}

async fn stored(oracle: &Running, id: &EventId) -> Event {
    oracle.oracle().store.event(id).await.unwrap().unwrap()
}

fn remove_database(world: &World) {
    for name in ["oracle.db", "oracle.db-wal", "oracle.db-shm"] {
        let _ = std::fs::remove_file(world.path(name));
    }
}

/// `earnest-oracle trust-database`
fn trust_database(config: &Path) -> String {
    let program = env!("CARGO_BIN_EXE_earnest-oracle");
    let output = std::process::Command::new(program)
        .arg("trust-database")
        .arg("--config")
        .arg(config)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_before_maturity() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let id = Http::of(&oracle).announce(&measurement(|_| ())).await.event_id;
    for moment in [START, END + 1, MATURITY - 1] {
        world.until(moment).await;
        assert_eq!(signing::sign(oracle.oracle(), &id).await.unwrap(), Signed::NotYet);
        let event = stored(&oracle, &id).await;
        assert_eq!((event.outcome, event.attestation), (None, None));
    }
    world.until(MATURITY).await;
    world.until(MATURITY + 1).await;
    assert!(stored(&oracle, &id).await.attestation.is_some());
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_sign_at_once_get_one_attestation() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let id = Http::of(&oracle).announce(&measurement(|_| ())).await.event_id;
    world.until(MATURITY).await;
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (oracle, id) = (oracle.oracle().clone(), id.clone());
            tokio::spawn(async move {
                let _busy = oracle.clock.busy().await;
                signing::sign(&oracle, &id).await
            })
        })
        .collect();
    for attempt in tries {
        assert_eq!(attempt.await.unwrap().unwrap(), Signed::Attested);
    }
    let journal = std::fs::read_to_string(world.path("signing.journal")).unwrap();
    assert_eq!(journal.lines().filter(|line| line.contains("authorised")).count(), 1, "{journal}");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_measurement_at_once_from_many_is_one_announcement() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let body = measurement(|_| ()).canonical();
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (http, body) = (Http::of(&oracle), body.clone());
            tokio::spawn(async move { http.post(body, None).await })
        })
        .collect();
    let mut answers = Vec::new();
    for attempt in tries {
        answers.push(attempt.await.unwrap());
    }
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 7);
    assert!(answers.iter().all(|(_, json)| *json == answers[0].1));
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_outcome_is_refused_even_where_the_database_asks_for_it() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let id = Http::of(&oracle).announce(&measurement(|_| ())).await.event_id;
    world.until(MATURITY + 1).await;
    assert!(stored(&oracle, &id).await.attestation.is_some());
    world.stop(oracle).await;

    change(&world, "UPDATE events SET attestation = NULL, outcome = replace(outcome, '\"0\"', '\"1\"')")
        .await;
    let oracle = world.start().await.unwrap();
    world.until(MATURITY + 60).await;
    assert_eq!(stored(&oracle, &id).await.attestation, None);
    let http = Http::of(&oracle);
    let (status, text) = http.text("/readyz").await;
    assert!(status == 503 && text.contains(id.as_str()), "{text}");
    assert_eq!(http.text(&format!("/attestation/{id}")).await.0, 404);
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_lost_after_it_was_authorised_is_made_again_the_same() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let id = Http::of(&oracle).announce(&measurement(|_| ())).await.event_id;
    world.until(MATURITY + 1).await;
    let first = stored(&oracle, &id).await.attestation;
    world.stop(oracle).await;

    // As if the process had been killed between the journal's line and the attestation's row.
    change(&world, "UPDATE events SET attestation = NULL").await;
    let oracle = world.start().await.unwrap();
    world.until(MATURITY + 60).await;
    assert_eq!(stored(&oracle, &id).await.attestation, first);
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn yesterdays_copy_of_the_database_is_refused_until_the_operators_word() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let old = Http::of(&oracle).announce(&measurement(|_| ())).await.event_id;
    world.stop(oracle).await;
    copy(&world.path("oracle.db"), &world.path("yesterday"));

    let oracle = world.start().await.unwrap();
    let later = measurement(|m| m["window"] = json!({ "start": START + 60, "end": START + 3_660 }));
    let lost = Http::of(&oracle).announce(&later).await.event_id;
    world.until(MATURITY + 120).await;
    let attested = stored(&oracle, &old).await.attestation;
    assert!(attested.is_some());
    world.stop(oracle).await;

    remove_database(&world);
    copy(&world.path("yesterday"), &world.path("oracle.db"));
    let error = world.start().await.unwrap_err().to_string();
    assert!(error.contains("older than the signing journal") && error.contains("trust-database"), "{error}");
    world.barrier.wait_until_gone("oracle").await;

    let words = trust_database(&world.config_file());
    assert!(words.contains(lost.as_str()), "{words}");
    let oracle = world.start().await.unwrap();
    world.until(MATURITY + 240).await;
    // The copy lost the samples, so it would attest "indeterminate" where "0" stands signed.
    assert_eq!(stored(&oracle, &old).await.attestation, None);
    let (status, answer) = Http::of(&oracle).post(later.canonical(), None).await;
    assert_eq!((status, &answer["field"]), (400, &json!("window.start")));
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_database_announces_nothing_a_second_time() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let measurement = measurement(|_| ());
    let id = Http::of(&oracle).announce(&measurement).await.event_id;
    world.stop(oracle).await;

    remove_database(&world);
    assert!(world.start().await.is_err());
    world.barrier.wait_until_gone("oracle").await;
    trust_database(&world.config_file());

    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let (status, answer) = http.post(measurement.canonical(), None).await;
    assert_eq!(status, 409, "{answer}");
    assert_eq!(http.text(&format!("/announcement/{id}")).await.0, 404);
    assert_eq!(http.text(&format!("/v1/events/{id}")).await.0, 404);
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_window_leaves_a_gap_that_is_unmeasured() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let id = Http::of(&oracle).announce(&measurement(|_| ())).await.event_id;
    world.until(START + 1_200).await;
    world.stop(oracle).await;
    world.until(START + 2_400).await;
    let oracle = world.start().await.unwrap();
    world.until(END + 1).await;
    let closed = Http::of(&oracle).event(&id).await.provisional.unwrap();
    assert_eq!(closed.report["probes"], json!({ "good": 160, "bad": 0, "undecided": 80 }));
    assert_eq!(closed.report["slices"]["unmeasured"], 4);
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matured_while_the_oracle_was_down_is_caught_up() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let id = Http::of(&oracle).announce(&measurement(|_| ())).await.event_id;
    world.until(END - 1).await;
    world.stop(oracle).await;
    world.until(MATURITY + 86_400).await;
    let oracle = world.start().await.unwrap();
    world.until(MATURITY + 86_401).await;
    let event = Http::of(&oracle).event(&id).await;
    assert_eq!(event.state, EventState::Attested);
    assert_eq!(event.provisional.unwrap().report["probes"]["good"], 240);
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_flipped_in_the_database_stops_the_signing() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let id = Http::of(&oracle).announce(&measurement(|_| ())).await.event_id;
    world.until(END - 60).await;
    world.stop(oracle).await;
    change(&world, "UPDATE samples SET verdict = 0 WHERE probe = 7").await;
    let oracle = world.start().await.unwrap();
    world.until(MATURITY + 60).await;
    assert_eq!(stored(&oracle, &id).await.attestation, None);
    assert_eq!(Http::of(&oracle).text("/readyz").await.0, 503);
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_never_share_a_key() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let clock = clock::Clock::connect(world.barrier.addr(), "second").await.unwrap();
    let second = earnest_oracle::service::start(world.config(), clock, None).await;
    let error = second.unwrap_err().to_string();
    assert!(error.contains("another process uses this key"), "{error}");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_simulated_time_is_refused_in_system_time() {
    let world = World::new().await;
    let started = earnest_oracle::service::start(world.config(), clock::Clock::system(), None).await;
    let error = format!("{:#}", started.unwrap_err());
    assert!(error.contains("simulated time"), "{error}");
}
