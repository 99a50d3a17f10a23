//! The configuration is read again while the oracle runs.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use std::fmt::Write as _;
use std::net::SocketAddr;

use common::process::Process;
use common::{START, Service, World, measurement};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const END: u64 = START + 3_600;
const TAKEN: &str = "the configuration was read again";
const REFUSED: &str = "the configuration was not taken";

/// The configuration with another address for the measured service.
fn lead_elsewhere(world: &World, addr: SocketAddr, more: &str) {
    let mut text = format!("network = \"regtest\"\ndata_dir = \".\"\nlisten = \"127.0.0.1:0\"\n{more}\n");
    write!(text, "[[resolve]]\nhost = \"edge.example\"\naddr = \"{addr}\"\n").unwrap();
    std::fs::write(world.config_file(), text).unwrap();
}

/// Asks for the health on a connection that is open already.
async fn healthy(connection: &mut TcpStream) -> bool {
    connection.write_all(b"GET /healthz HTTP/1.1\r\nhost: oracle\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        let mut bytes = [0; 1024];
        let read = connection.read(&mut bytes).await.unwrap();
        if read == 0 {
            return false;
        }
        answer.extend_from_slice(&bytes[..read]);
    }
    answer.starts_with(b"HTTP/1.1 200")
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_sighup_targets_references_and_policy_change_and_no_probe_or_connection_is_lost() {
    let mut world = World::new().await;
    let oracle = Process::serve(&world).await;
    let id = oracle.http.announce(&measurement(|_| ())).await.event_id;
    let mut connection = TcpStream::connect(oracle.addr()).await.unwrap();
    assert!(healthy(&mut connection).await);
    world.until(START + 1_000).await;

    let moved = Service::default();
    moved.answers(503);
    let addr = moved.serve().await;
    std::fs::write(world.path("requester-token"), "0123456789abcdef\n").unwrap();
    let references = "[policy]\naccept = \"token\"\n[[reference]]\nurl = \"http://edge.example/\"";
    lead_elsewhere(&world, addr, references);
    oracle.signal("HUP");
    oracle.says(TAKEN, 1).await;
    assert!(healthy(&mut connection).await, "a connection outlives it");
    let info = oracle.http.json("/v1/info").await;
    assert_eq!((&info["accept"], &info["references"]), (&"token".into(), &1.into()));
    let (status, _) = oracle.http.post(measurement(|_| ()).canonical(), None).await;
    assert_eq!(status, 401);

    world.until(END + 1).await;
    let probes = &oracle.http.event(&id).await.provisional.unwrap().report["probes"];
    // The new reference is down with the service, so it excuses every failure of it; each slot was probed.
    let undecided = moved.requests() / 2;
    assert_eq!(world.service.requests() + undecided, 240, "{probes}");
    assert_eq!(
        (&probes["good"], &probes["undecided"]),
        (&world.service.requests().into(), &undecided.into())
    );
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_a_rule_or_an_open_event_changes_nothing_and_says_which() {
    let mut world = World::new().await;
    let oracle = Process::serve(&world).await;
    let event = oracle.http.announce(&measurement(|_| ())).await.event_id;
    world.configure("references_needed = 3\n[[reference]]\nurl = \"http://reference.example/\"");
    oracle.signal("HUP");
    oracle.says(REFUSED, 1).await;
    assert!(oracle.log().contains("references_needed: must be at least 1"), "{}", oracle.log());
    assert_eq!(oracle.http.json("/v1/info").await["references"], 0);

    world.configure("[limits]\nbody_bytes = 1_000");
    oracle.signal("HUP");
    let said =
        format!("{event} is announced and could not be measured any more: target.expect.body_max_bytes");
    oracle.says(&said, 1).await;
    world.until(END + 1).await;
    assert_eq!(oracle.http.event(&event).await.provisional.unwrap().report["probes"]["good"], 240);
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_the_file_of_the_start_kept_from_being_measured_goes_on_with_a_better_one() {
    let mut world = World::new().await;
    let oracle = Process::serve(&world).await;
    let event = oracle.http.announce(&measurement(|_| ())).await.event_id;
    oracle.terminate(&world).await;
    world.configure("[limits]\nbody_bytes = 1_000");
    let oracle = Process::serve(&world).await;
    world.until(START + 300).await;
    let (status, unready) = oracle.http.text("/readyz").await;
    assert_eq!(status, 503);
    assert!(unready.contains("waits for the operator: target.expect.body_max_bytes"), "{unready}");
    world.configure("");
    oracle.signal("HUP");
    oracle.says(TAKEN, 1).await;
    assert_eq!(oracle.http.text("/readyz").await.0, 200);
    world.until(END + 1).await;
    assert_eq!(oracle.http.event(&event).await.provisional.unwrap().report["probes"]["good"], 220);
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_noticed_and_what_needs_a_restart_is_named() {
    let world = World::new().await;
    let oracle = Process::serve(&world).await;
    world.configure("vantage = \"moon\"\npublication_delay_s = 60\njournal = \"elsewhere\"");
    oracle.says(TAKEN, 1).await;
    assert!(oracle.log().contains("need a restart fields=vantage, journal\n"), "{}", oracle.log());
    let info = oracle.http.json("/v1/info").await;
    assert_eq!((&info["vantage"], &info["publication_delay_s"]), (&"local".into(), &60.into()));
    oracle.terminate(&world).await;
}
