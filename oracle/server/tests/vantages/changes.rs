//! What changes under a vantage while it measures: its oracle's key, and whether the oracle knows it.

use super::common::process::{Process, earnest_oracle};
use super::common::vantage::Probe;
use super::common::{START, World, measurement};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use terms::{EventId, Measurement};

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// An hour that two vantages have to agree about, from so many seconds after [`START`] on.
fn both_agree(after_s: u64) -> Measurement {
    measurement(|m| {
        m["window"] = json!({ "start": START + after_s, "end": START + after_s + HOUR });
        m["quorum"] = json!({ "agree": 2, "vantages": 2 });
        m["indeterminate_above_ppm"] = json!(500_000);
    })
}

async fn key(oracle: &Process) -> String {
    oracle.http.json("/v1/info").await["pubkey"].as_str().unwrap().to_owned()
}

/// The good probes of a closed event.
async fn good(oracle: &Process, id: &EventId) -> u64 {
    let closed = oracle.http.event(id).await.provisional.unwrap();
    closed.report["probes"]["good"].as_u64().unwrap()
}

/// Audits an event's evidence with the built binary; so many blocks of the vantage are in it.
async fn audited_blocks(world: &World, oracle: &Process, id: &EventId) -> u64 {
    let (_, bundle) = oracle.http.text(&format!("/v1/events/{id}/evidence")).await;
    let path = world.new_file("bundle");
    std::fs::write(&path, bundle).unwrap();
    let output = earnest_oracle(&["audit", "--json", &path.display().to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    findings["vantages"][0]["blocks"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vantage_goes_on_for_an_old_key_and_measures_for_a_new_one_when_it_is_told_to() {
    let mut world = World::new().await;
    let mut north = Probe::new(&world, "north").await;
    world.configure(&format!("[retention]\nraw_samples_days = 1\n{}", north.as_configured()));
    let oracle = Process::serve(&world).await;
    north.line.lead(Some(oracle.addr()));
    north.configure(&key(&oracle).await, world.service_addr());
    north.start(&world);
    north.joined(&world).await;
    let old = oracle.http.announce(&both_agree(0)).await.event_id;
    world.until(START + 1_000).await;

    oracle.terminate(&world).await;
    let config = world.config_file().display().to_string();
    assert!(earnest_oracle(&["rotate-key", "--config", &config]).output().unwrap().status.success());
    let oracle = Process::serve(&world).await;
    north.line.lead(Some(oracle.addr()));
    let new = oracle.http.announce(&both_agree(1_800)).await.event_id;
    // The slot's probe is made, and with it the slice closed whose grace is over.
    world.until(START + 2_414).await;
    let said = "the oracle has a new key, as both keys say";
    assert_eq!(north.log().matches(said).count(), 1, "{}", north.log());
    assert!(north.log().contains(&format!("new={}", key(&oracle).await)), "{}", north.log());
    let seen = oracle.http.event(&old).await.vantages[1].reported_until;
    assert_eq!(seen.map(|until| until.0), Some(START + 2_400), "for the old key it goes on");

    // Told the new key, it goes on with what the old one had announced, and takes up what the new one has.
    north.terminate(&world).await;
    north.configure(&key(&oracle).await, world.service_addr());
    north.start(&world);
    north.joined(&world).await;
    world.until(START + 1_800 + HOUR + 630).await;
    assert_eq!(good(&oracle, &old).await, 240, "{}", north.log());
    assert!((195..=201).contains(&good(&oracle, &new).await), "{}", north.log());
    north.terminate(&world).await;

    // Their samples age, and the evidence stays what it was.
    let blocks = [audited_blocks(&world, &oracle, &old).await, audited_blocks(&world, &oracle, &new).await];
    assert_eq!(blocks, [12, 11]);
    world.until(START + 2 * DAY + 8 * HOUR).await;
    let options = SqliteConnectOptions::new().filename(world.path("oracle.db"));
    let mut database = options.connect().await.unwrap();
    let raw: i64 = sqlx::query_scalar("SELECT count(*) FROM samples").fetch_one(&mut database).await.unwrap();
    database.close().await.unwrap();
    assert_eq!(raw, 0, "all of them have aged");
    let again = [audited_blocks(&world, &oracle, &old).await, audited_blocks(&world, &oracle, &new).await];
    assert_eq!(again, blocks);
    oracle.terminate(&world).await;
}

/// Asks until it is answered so, `what` at the so-many-th time: a changed configuration is taken within a moment.
async fn asked(oracle: &Process, what: impl Fn(u64) -> Measurement, status: u16) {
    let again = std::time::Duration::from_millis(50);
    let mut times = 0;
    while oracle.http.post(what(times).canonical(), None).await.0 != status {
        tokio::time::sleep(again).await;
        times += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vantage_is_heard_from_the_moment_it_is_configured_and_no_longer_than_that() {
    let mut world = World::new().await;
    let oracle = Process::serve(&world).await;
    let mut north = Probe::new(&world, "north").await;
    north.line.lead(Some(oracle.addr()));
    north.configure(&key(&oracle).await, world.service_addr());
    north.start(&world);
    north.joined(&world).await;
    asked(&oracle, |_| both_agree(0), 400).await;
    world.configure(&format!("vantage_grace_s = 60\n{}", north.as_configured()));
    oracle.signal("HUP");
    asked(&oracle, |_| both_agree(0), 201).await;
    let id = both_agree(0).event_id();
    world.until(START + 1_870).await;
    let seen = oracle.http.event(&id).await.vantages[1].reported_until;
    assert_eq!(seen.map(|until| until.0), Some(START + 1_800));

    // Taken out again: its event goes on without it.
    world.configure("vantage_grace_s = 60");
    oracle.signal("HUP");
    // Another window each time, since what was announced a moment before it was taken out stays announced.
    asked(&oracle, |times| both_agree(9_000 + 300 * times), 400).await;
    world.until(START + HOUR + 100).await;
    assert_eq!(good(&oracle, &id).await, 120, "the half in which it was heard");
    north.terminate(&world).await;
    oracle.terminate(&world).await;
}
