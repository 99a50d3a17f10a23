//! Services that send signs of life, and those that stop.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;
use crate::exhaustion::serve_on;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use client::{ClientError, OracleClient};
use common::process::{Process, earnest_oracle};
use common::{START, World, measurement};
use protocol::beat::Beat;
use secp256k1_zkp::{Keypair, SECP256K1};
use serde_json::json;
use terms::{Measurement, Outcome, OutcomeValue};
use testbed::FullDisk;
use tokio::sync::mpsc;

fn keypair(seed: u8) -> Keypair {
    Keypair::from_seckey_slice(SECP256K1, &[seed; 32]).unwrap()
}

/// An hour of one-minute slots in five-minute slices.
fn heartbeat(change: impl FnOnce(&mut serde_json::Value)) -> Measurement {
    measurement(|m| {
        let key = protocol::public_key(&keypair(7)).to_string();
        m["target"] = json!({ "heartbeat": { "name": "backups", "key": key } });
        m["probe_every_ms"] = json!(60_000);
        m["least_samples"] = json!(3);
        change(m);
    })
}

/// What the oracle says to a beat: for how many events it counts, or the refusal's status and field.
async fn say(oracle: &Process, beat: &Beat) -> Result<u64, (u16, String)> {
    let client = OracleClient::new(&format!("http://{}", oracle.addr())).unwrap();
    match client.beat(beat).await {
        Ok(heard) => Ok(heard.events),
        Err(ClientError::Refused(problem)) => Err((problem.status, problem.field.unwrap_or_default())),
        Err(other) => panic!("{other}"),
    }
}

fn beat_at(unix_s: u64) -> Beat {
    Beat::sign("backups", unix_s * 1_000, &keypair(7))
}

/// Beats in the middle of every minute from `from` to before `to`.
async fn beats(world: &mut World, oracle: &Process, from: u64, to: u64) {
    for minute in from..to {
        let at = START + minute * 60 + 30;
        world.until(at).await;
        assert_eq!(say(oracle, &beat_at(at)).await, Ok(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_with_a_beat_is_good_one_without_is_bad_and_one_without_the_oracle_unmeasured() {
    let mut world = World::new().await;
    world.configure("references_needed = 1\n[[reference]]\nurl = \"http://reference.example/ok\"\n");
    let oracle = Process::serve(&world).await;
    let now = START - 600;
    assert_eq!(say(&oracle, &beat_at(now)).await, Err((404, "name".to_owned())), "nobody waits for it");
    let id = oracle.http.announce(&heartbeat(|_| ())).await.event_id;
    assert_eq!(say(&oracle, &beat_at(now)).await, Ok(0), "the window has not begun");

    beats(&mut world, &oracle, 0, 10).await;
    refusals(&mut world, &oracle).await;
    // Two minutes of silence in a slice of five, then the oracle is away from minute 20 to within minute 29.
    beats(&mut world, &oracle, 12, 20).await;
    world.until(START + 20 * 60 + 2).await;
    oracle.kill(&world).await;
    world.until(START + 29 * 60 + 20).await;
    let oracle = Process::serve(&world).await;
    beats(&mut world, &oracle, 29, 40).await;
    // Nothing is heard in minute 40 either, but at its end the oracle itself is not connected.
    world.reference.answers(500);
    world.until(START + 41 * 60 + 5).await;
    world.reference.answers(200);
    beats(&mut world, &oracle, 41, 60).await;

    world.until(START + 3_600 + 5).await;
    let closed = oracle.http.event(&id).await.provisional.unwrap();
    let probes = json!({ "good": 48, "bad": 2, "undecided": 10 });
    assert_eq!(closed.report["probes"], probes, "{}", closed.report);
    // Of the slice from minute 25 on one beat was heard, fewer than three: it is as unmeasured as the one before it.
    assert_eq!(closed.report["slices"]["unmeasured"], 2);
    assert_eq!(closed.outcome, Outcome::Indeterminate, "more than a tenth is unmeasured");
    let (_, failures) = oracle.http.text(&format!("/v1/events/{id}/failures")).await;
    assert_eq!(failures.lines().filter(|line| line.ends_with(",0,0,silence")).count(), 2, "{failures}");
    assert_eq!(
        failures.lines().filter(|line| line.ends_with(",,0,own connectivity")).count(),
        1,
        "{failures}"
    );
    let (_, references) = oracle.http.text(&format!("/v1/events/{id}/references")).await;
    assert_eq!(
        references.lines().count(),
        1 + 3,
        "asked after each silent slot, and after no other: {references}"
    );
    world.until(START + 3_600 + 601).await;
    let (_, bundle) = oracle.http.text(&format!("/v1/events/{id}/evidence")).await;
    let bundle = ledger::bundle::Bundle::parse(bundle.as_bytes()).unwrap();
    assert!(signer::audit(&bundle).unwrap().attestation.is_some());
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beat_that_could_not_be_written_down_was_no_silence() {
    let mut world = World::new().await;
    let disk = FullDisk::under(world.dir.path()).unwrap();
    let oracle = serve_on(&disk, &world).await;
    let id = oracle.http.announce(&heartbeat(|_| ())).await.event_id;
    world.until(START + 30).await;
    disk.fill().unwrap();
    assert_eq!(say(&oracle, &beat_at(START + 30)).await, Err((500, String::new())));
    disk.free().unwrap();
    // The beat's own minute is unmeasured; the next one, in which nobody called, is bad.
    world.until(START + 605).await;
    let (_, failures) = oracle.http.text(&format!("/v1/events/{id}/failures")).await;
    let minute = |number: u64| format!("{},local,0,0,silence\n", (START + number * 60) * 1_000 - 1);
    assert!(!failures.contains(&minute(1)) && failures.contains(&minute(2)), "{failures}");
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beat_in_a_slice_that_was_published_before_the_clock_was_put_back_changes_nothing() {
    let mut world = World::new().await;
    world.barrier.skew("oracle", 590_000);
    let oracle = Process::serve(&world).await;
    let id = oracle.http.announce(&heartbeat(|_| ())).await.event_id;
    // By its clock it is nearly ten minutes later, and the first slice is over.
    world.until(START - 285).await;
    let slices = oracle.http.json(&format!("/v1/events/{id}/slices")).await;
    assert_eq!(slices["slices"].as_array().map(Vec::len), Some(1), "{slices}");
    oracle.kill(&world).await;
    world.barrier.skew("oracle", 0);
    let oracle = Process::serve(&world).await;
    world.until(START + 90).await;
    assert_eq!(say(&oracle, &beat_at(START + 90)).await, Ok(0), "its slice is published");
    beats(&mut world, &oracle, 5, 60).await;
    world.until(START + 3_605).await;
    let closed = oracle.http.event(&id).await.provisional.expect("it is no contradiction");
    assert_eq!(closed.report["probes"]["good"], 55);
    oracle.terminate(&world).await;
}

/// Within the minutes 10 and 11 no beat is taken.
async fn refusals(world: &mut World, oracle: &Process) {
    let at = START + 10 * 60 + 30;
    world.until(at).await;
    let refused = |status, field: &str| Err((status, field.to_owned()));
    assert_eq!(say(oracle, &beat_at(START + 9 * 60 + 30)).await, refused(400, "unix_ms"), "too old");
    assert_eq!(say(oracle, &beat_at(at + 31)).await, refused(400, "unix_ms"), "of the future");
    assert_eq!(say(oracle, &Beat { unix_ms: at * 1_000 + 1, ..beat_at(at) }).await, refused(403, "sig"));
    let other = Beat::sign("backups", at * 1_000, &keypair(8));
    assert_eq!(say(oracle, &other).await, refused(404, "name"), "another key is another service");
    world.until(START + 12 * 60 + 10).await;
    let first = beat_at(START + 12 * 60 + 10);
    assert_eq!(say(oracle, &first).await, Ok(1));
    assert_eq!(say(oracle, &first).await, refused(409, "unix_ms"), "taken before");
    assert_eq!(say(oracle, &beat_at(START + 12 * 60 + 9)).await, refused(409, "unix_ms"), "overtaken");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_through_the_window_is_an_outage_of_all_of_it() {
    let mut world = World::new().await;
    let oracle = Process::serve(&world).await;
    let id = oracle.http.announce(&heartbeat(|_| ())).await.event_id;
    let two = heartbeat(|m| m["quorum"] = json!({ "agree": 2, "vantages": 2 }));
    let (status, answer) = oracle.http.post(two.canonical(), None).await;
    assert_eq!((status, &answer["field"]), (400, &json!("quorum.vantages")));
    world.until(START + 3_600 + 5).await;
    let closed = oracle.http.event(&id).await.provisional.unwrap();
    assert_eq!(closed.outcome, Outcome::Value(OutcomeValue(1_000_000)));
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_sends_a_beat_that_its_key_signed() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("beat.key").display().to_string();
    let made = earnest_oracle(&["beat", "--key", &key, "--init"]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let public = String::from_utf8(made.stdout).unwrap().trim().to_owned();

    let (heard, mut beats) = mpsc::channel(1);
    let answer = move |body: Bytes| async move {
        heard.send(body).await.unwrap();
        "{\"events\":3}"
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/beats", post(answer))).await });
    let run = move || {
        earnest_oracle(&["beat", "--key", &key, "--name", "backups", "--oracle", &url]).output().unwrap()
    };
    let sent = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    assert!(String::from_utf8_lossy(&sent.stdout).contains("3 events"));
    let beat: Beat = serde_json::from_slice(&beats.recv().await.unwrap()).unwrap();
    assert_eq!((beat.name.as_str(), beat.key.to_string()), ("backups", public));
    beat.check().unwrap();
}
