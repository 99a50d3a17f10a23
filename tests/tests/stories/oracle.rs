//! The oracle signs once, at maturity, and whoever has its evidence can check it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use blackbox::{Setting, Times, World, raw, witness};
use protocol::oracle::EventState;
use serde_json::Value;
use terms::{EventId, Outcome, OutcomeValue};
use testbed::Phase;

const LIMIT: Duration = Duration::from_secs(30);

/// An event for the usual measurement, announced.
async fn announced(world: &World) -> (EventId, Times) {
    let announced =
        world.oracle.client.announce(&world.draft().measurement).await.expect("the oracle announces");
    (announced.event_id, world.times())
}

/// The files of the oracle's database, and what is in them.
fn database(world: &World) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(world.oracle.service.data_dir()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_database = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("oracle.db");
    paths.filter(is_database).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Puts a copy of the database back in place of the present one.
fn restore(world: &World, copy: &[(PathBuf, Vec<u8>)]) {
    for (path, _) in database(world) {
        fs::remove_file(path).unwrap();
    }
    for (path, bytes) in copy {
        fs::write(path, bytes).unwrap();
    }
}

/// Insists that the oracle refuses to serve, and says why.
async fn refuses_to_start(world: &mut World, why: &str) {
    let time = world.barrier.addr();
    world.oracle.service.start_unready(time).unwrap();
    let ended = world.oracle.service.process().unwrap().wait(LIMIT).await.expect("it ends by itself");
    assert_eq!(ended.code(), Some(1));
    let log = world.oracle.service.log();
    assert!(log.contains(why), "{log}");
    world.oracle.service.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_signature_before_maturity() {
    let mut world = World::begin().await;
    let (id, times) = announced(&world).await;
    let url = format!("{}/attestation/{id}", world.oracle.client.base());
    for moment in [times.start - 60, times.start + 60, times.end, times.end + 30, times.maturity] {
        world.pass_until(moment).await;
        assert_eq!(world.oracle.client.attestation(&id).await.unwrap(), None, "at {moment}");
        let answer = raw::get(&url, None).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json(), Value::Null, "nothing that could be taken for an attestation");
    }
    // Between the window's end and maturity the outcome is there to be objected to, unsigned.
    let event = world.oracle.client.event(&id).await.unwrap().unwrap();
    assert_eq!(event.state, EventState::Provisional);
    assert_eq!(event.provisional.unwrap().outcome, Outcome::Value(OutcomeValue(0)));
    world.pass(1).await;
    assert!(world.attested(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_measurement_again_is_the_same_announcement_also_after_a_restart() {
    let mut world = World::begin().await;
    let document = world.draft().measurement.canonical();
    let url = format!("{}/v1/measurements", world.oracle.client.base());
    let first = raw::post(&url, None, &[], document.clone()).await;
    let second = raw::post(&url, None, &[], document.clone()).await;
    world.restart("oracle").await;
    let third = raw::post(&url, None, &[], document).await;
    assert_eq!([first.status, second.status, third.status], [201, 200, 200]);
    assert_eq!(first.json(), second.json());
    assert_eq!(first.json(), third.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_attestation_however_often_the_oracle_starts() {
    let mut world = World::begin().await;
    let (id, times) = announced(&world).await;
    world.pass_until(times.maturity + 1).await;
    let first = world.oracle.client.attestation(&id).await.unwrap().expect("it is signed");
    for _ in 0..2 {
        world.restart("oracle").await;
        world.pass(30).await;
        assert_eq!(world.oracle.client.attestation(&id).await.unwrap().as_ref(), Some(&first));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_the_very_second_of_maturity_it_signs_after_its_restart() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.pass_until(times.maturity).await;
    world.kill("oracle").await;
    world.pass(120).await;
    world.start("oracle").await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn yesterdays_copy_of_the_database_never_leads_to_a_second_outcome() {
    let mut world = World::begin().await;
    let (id, times) = announced(&world).await;
    world.stop("oracle").await;
    let yesterday = database(&world);
    world.start("oracle").await;
    world.pass_until(times.start).await;
    world.target.set(Phase::Down);
    world.pass_until(times.maturity + 1).await;
    assert!(world.attested(&id).await);
    world.stop("oracle").await;

    restore(&world, &yesterday);
    refuses_to_start(&mut world, "older than the signing journal").await;

    // Even told to trust the copy, which has no samples and would come to another outcome, it signs nothing else.
    let trusted = world.oracle.service.command(&["trust-database"]).unwrap();
    assert!(trusted.status.success(), "{}", String::from_utf8_lossy(&trusted.stderr));
    let time = world.barrier.addr();
    world.oracle.service.start_unready(time).unwrap();
    world.barrier.wait_for(&["oracle"]).await;
    world.pass(120).await;
    assert!(!world.attested(&id).await);
    let ready = raw::get(&format!("{}/readyz", world.oracle.client.base()), None).await;
    assert!(ready.problem(503)["detail"].as_str().unwrap().contains(id.as_str()), "the operator is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_database_is_noticed() {
    let mut world = World::begin().await;
    let (_, times) = announced(&world).await;
    world.pass_until(times.maturity + 1).await;
    world.stop("oracle").await;
    restore(&world, &[]);
    refuses_to_start(&mut world, "1 announced events are missing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_oracle_did_not_measure_is_unmeasured_and_not_down() {
    // Samples that were not written when it is killed are lost, so it writes them often.
    let oracle = "[probe]\nflush_every_s = 1\n".to_owned();
    let mut world = World::with(Setting { oracle, ..Setting::default() }).await;
    let (id, times) = world.lock().await;
    world.pass_until(times.start + 130).await;
    world.kill("oracle").await;
    // The service fails while nobody looks, which is nobody's business.
    world.target.set(Phase::Down);
    world.pass(60).await;
    world.target.set(Phase::Up);
    world.start("oracle").await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
    let event = world.oracle.client.event(&world.buyer.escrow(&id).await.event_id).await.unwrap().unwrap();
    let report = event.provisional.unwrap().report;
    assert!(report["slices"]["unmeasured"].as_u64().unwrap() >= 1, "{report}");
    assert_eq!(report["probes"]["bad"], 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oracle_that_slept_through_the_window_attests_indeterminate() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.kill("oracle").await;
    world.pass_until(times.end + 10).await;
    world.start("oracle").await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 75_000 + 50_000, 25_000).await;
}

/// Runs a command of `earnest-oracle` on files; returns its exit code and what it printed.
pub(crate) fn oracle_cli(arguments: &[&std::ffi::OsStr]) -> (Option<i32>, String, String) {
    let exe = testbed::binary("earnest-oracle").expect("`earnest-oracle` is built and fresh");
    let output = std::process::Command::new(exe).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_or_flipping_one_sample_fails_the_audit() {
    let mut world = World::begin().await;
    let (id, times) = announced(&world).await;
    world.pass_until(times.start + 60).await;
    world.target.set(Phase::Down);
    world.pass_until(times.start + 120).await;
    world.target.set(Phase::Up);
    world.pass_until(times.maturity + 1).await;
    let bundle = world.oracle.client.evidence(&id).await.unwrap().expect("the evidence is complete");
    let samples = world.oracle.client.samples(&id).await.unwrap().unwrap();
    let samples = String::from_utf8(samples).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.json");
    let audit = |bundle: &Value| {
        fs::write(&path, bundle.to_string()).unwrap();
        oracle_cli(&["audit".as_ref(), path.as_os_str()])
    };

    let bundle: Value = serde_json::from_slice(&bundle).unwrap();
    assert_eq!(bundle["samples"], samples, "the samples are public on their own too");
    let (code, said, why) = audit(&bundle);
    assert_eq!(code, Some(0), "{said}{why}");

    let lines: Vec<&str> = samples.lines().collect();
    assert_eq!(lines.len(), 61, "a header and sixty samples");
    for at in 1..lines.len() {
        let without = lines.iter().enumerate().filter(|(line, _)| *line != at).map(|(_, line)| *line);
        let without = without.collect::<Vec<_>>().join("\n") + "\n";
        let flipped = samples.replace(lines[at], &flip(lines[at]));
        assert_ne!(flipped, samples);
        for changed in [without, flipped] {
            let mut bundle = bundle.clone();
            bundle["samples"] = changed.into();
            let (code, _, why) = audit(&bundle);
            assert_eq!(code, Some(1), "sample {at}: {why}");
        }
    }
}

/// The same sample with the other verdict.
fn flip(line: &str) -> String {
    let fields: Vec<&str> = line.split(',').collect();
    let other = if fields[2] == "1" { "0" } else { "1" };
    [fields[0], fields[1], other, fields[3]].join(",")
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_computes_the_attested_outcome_from_the_published_samples() {
    let mut world = World::begin().await;
    let measurement = world.draft().measurement;
    let (id, times) = announced(&world).await;
    world.pass_until(times.start).await;
    world.target.set(Phase::ErrorShare { ppm: 250_000 });
    world.pass_until(times.maturity + 1).await;
    let folder = tempfile::tempdir().unwrap();
    let [document, csv] = ["measurement.json", "samples.csv"].map(|name| folder.path().join(name));
    fs::write(&document, measurement.canonical()).unwrap();
    let samples = world.oracle.client.samples(&id).await.unwrap().unwrap();
    fs::write(&csv, &samples).unwrap();
    let (code, printed, why) = oracle_cli(&["measure".as_ref(), document.as_ref(), csv.as_ref()]);
    assert_eq!(code, Some(0), "{why}");
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(report["outcome"], serde_json::json!({ "value": 250_000 }));
    let event = world.oracle.client.event(&id).await.unwrap().unwrap();
    assert_eq!(event.provisional.unwrap().outcome, Outcome::Value(OutcomeValue(250_000)));

    // One sample less, or another one, is another outcome.
    let text = String::from_utf8(samples).unwrap();
    let failed = text.lines().find(|line| line.split(',').nth(2) == Some("0")).unwrap();
    fs::write(&csv, text.replace(failed, &flip(failed))).unwrap();
    let (_, printed, _) = oracle_cli(&["measure".as_ref(), document.as_ref(), csv.as_ref()]);
    let report: Value = serde_json::from_str(&printed).unwrap();
    // 14 of 60, rounded up.
    assert_eq!(report["outcome"], serde_json::json!({ "value": 233_334 }));
}
