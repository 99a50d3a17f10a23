//! The real process with a machine that has nothing left, space on its disk or files: what it can't see or write is
//! unmeasured, and it goes on by itself.
//!
//! To fill a disk, the process runs with a library before the C library (see [`FullDisk`]). So nobody needs to be root.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use common::process::Process;
use common::{Http, START, World, measurement};
use ledger::bundle::Bundle;
use protocol::oracle::EventState;
use terms::EventId;
use testbed::FullDisk;

const END: u64 = START + 3_600;
const MATURITY: u64 = END + 600;

/// Starts the oracle on a disk that can be full.
pub(crate) async fn serve_on(disk: &FullDisk, world: &World) -> Process {
    let envs = disk.envs().map(|(name, value)| (name, value.into_string().unwrap()));
    let envs = envs.each_ref().map(|(name, value)| (*name, value.as_str()));
    Process::serve_with(world, &envs).await.unwrap_or_else(|(status, log)| panic!("{status}: {log}"))
}

async fn is_unready(http: &Http, id: &EventId) {
    let (status, text) = http.text("/readyz").await;
    assert!(status == 503 && text.contains(id.as_str()), "{text}");
    assert!(text.contains("full") || text.contains("space"), "{text}");
}

async fn is_attested_and_proven(http: &Http, id: &EventId) {
    assert_eq!(http.event(id).await.state, EventState::Attested);
    let (_, bundle) = http.text(&format!("/v1/events/{id}/evidence")).await;
    let audit = signer::audit(&Bundle::parse(bundle.as_bytes()).unwrap()).unwrap();
    assert!(audit.root_signed && audit.attestation.is_some());
    assert_eq!(http.text("/readyz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_costs_only_what_it_swallowed_and_keeps_nothing_from_its_end() {
    let mut world = World::new().await;
    let disk = FullDisk::under(world.dir.path()).unwrap();
    let oracle = serve_on(&disk, &world).await;
    let http = &oracle.http;
    let id = http.announce(&measurement(|_| ())).await.event_id;
    world.until(START + 610).await;
    disk.fill().unwrap();
    world.until(START + 1_510).await;
    is_unready(http, &id).await;
    assert_eq!(http.event(&id).await.state, EventState::Measuring, "it still answers");
    disk.free().unwrap();
    world.until(END + 1).await;
    let closed = http.event(&id).await.provisional.unwrap();
    assert_eq!((&closed.report["probes"]["bad"], &closed.report["slices"]["bad"]), (&0.into(), &0.into()));
    let undecided = closed.report["probes"]["undecided"].as_u64().unwrap();
    // Fifteen minutes at most, the five before that were not written yet, and the pause until it is tried again.
    assert!((1..=60 + 21 + 2).contains(&undecided), "{undecided}");

    disk.fill().unwrap();
    world.until(MATURITY + 300).await;
    is_unready(http, &id).await;
    assert_eq!(http.event(&id).await.state, EventState::Provisional, "what can't be written is not signed");
    disk.free().unwrap();
    world.until(MATURITY + 360).await;
    is_attested_and_proven(http, &id).await;
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_space_for_the_journal_nothing_is_announced_or_signed_until_there_is() {
    let mut world = World::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    world.configure(&format!("journal = {:?}", elsewhere.path().join("signing.journal")));
    let disk = FullDisk::under(elsewhere.path()).unwrap();
    let oracle = serve_on(&disk, &world).await;
    let http = &oracle.http;
    let measurement = measurement(|_| ());
    disk.fill().unwrap();
    let (status, text) = http.try_post(measurement.canonical()).await.unwrap();
    assert_eq!(status, 500, "{text}");
    assert_eq!(http.text(&format!("/v1/events/{}", measurement.event_id())).await.0, 404);
    disk.free().unwrap();
    let id = http.announce(&measurement).await.event_id;
    world.until(END + 1).await;
    disk.fill().unwrap();
    world.until(MATURITY + 300).await;
    is_unready(http, &id).await;
    assert_eq!(http.event(&id).await.state, EventState::Provisional);
    disk.free().unwrap();
    world.until(MATURITY + 360).await;
    is_attested_and_proven(http, &id).await;
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oracle_without_a_file_left_to_connect_with_calls_nobody_down() {
    let mut world = World::new().await;
    world.configure("[probe]\nkeep_alive = false");
    let oracle = Process::serve(&world).await;
    let http = &oracle.http;
    let id = http.announce(&measurement(|m| m["indeterminate_above_ppm"] = 500_000.into())).await.event_id;
    // The last second of a slot, in which no probe is made: twenty whole slots lie between the two.
    world.until(START + 599).await;
    oracle.may_open_files(3);
    world.until(START + 899).await;
    oracle.may_open_files(1_024);
    world.until(END + 1).await;
    let closed = http.event(&id).await.provisional.unwrap();
    let probes = &closed.report["probes"];
    assert_eq!((&probes["bad"], &probes["undecided"]), (&0.into(), &20.into()), "{probes}");
    let (_, failures) = http.text(&format!("/v1/events/{id}/failures")).await;
    assert_eq!(failures.matches("own limits").count(), 20, "{failures}");
    oracle.terminate(&world).await;
}
