//! Services that the operator configured: their windows are announced ahead by the calendar, and measured.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use common::process::Process;
use common::{START, World};
use earnest_oracle::config::Config;
use protocol::oracle::{EventPage, EventState};
use terms::UnixSeconds;

/// Days of Berlin, which began at 22:00 UTC in June 2021.
const FIRST: u64 = START + 22 * 3_600;
const DAY: u64 = 86_400;

const SERVICE: &str = r#"
[[service]]
name = "edge"
title = "The edge"
windows = "day"
zone = "Europe/Berlin"
maintenance = ["every day 02:00-03:00 Europe/Berlin"]
announce_ahead_s = 172_800
probe_every_ms = 60_000

[service.target]
url = "http://edge.example/health"
method = "GET"
timeout_ms = 5_000
expect = { status_from = 200, status_to = 299, body_max_bytes = 65_536 }
"#;

/// The starts of all windows that are announced, in order.
async fn windows(oracle: &Process) -> Vec<u64> {
    let page: EventPage = serde_json::from_value(oracle.http.json("/v1/events").await).unwrap();
    page.events.iter().rev().map(|event| event.window_start.0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_days_are_announced_ahead_one_after_the_other_whatever_restarts_there_are() {
    let mut world = World::new().await;
    world.configure(SERVICE);
    let oracle = Process::serve(&world).await;
    // The answer waits for nothing, so the announcer may still be at it.
    oracle.says("announced event=", 2).await;
    assert_eq!(windows(&oracle).await, [FIRST, FIRST + DAY], "those that start within two days");
    assert!(oracle.http.text("/").await.1.contains("The edge"), "the pages call it what its operator does");
    world.until(FIRST + 1).await;
    assert_eq!(windows(&oracle).await, [FIRST, FIRST + DAY, FIRST + 2 * DAY]);
    oracle.kill(&world).await;

    let oracle = Process::serve(&world).await;
    world.until(FIRST + DAY + 601).await;
    assert_eq!(windows(&oracle).await, [FIRST, FIRST + DAY, FIRST + 2 * DAY, FIRST + 3 * DAY]);
    let page: EventPage = serde_json::from_value(oracle.http.json("/v1/events").await).unwrap();
    let first = oracle.http.event(&page.events.last().unwrap().event_id).await;
    assert_eq!(first.state, EventState::Attested);
    assert_eq!(first.measurement.exclusions.len(), 1, "the hour of maintenance");
    assert_eq!(first.provisional.unwrap().report["probes"]["good"], 23 * 60);
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_definition_counts_from_the_next_window_and_a_removed_service_announces_no_more() {
    let mut world = World::new().await;
    world.configure(SERVICE);
    let oracle = Process::serve(&world).await;
    oracle.says("announced event=", 2).await;
    world.configure(&SERVICE.replace("probe_every_ms = 60_000", "probe_every_ms = 30_000"));
    oracle.signal("HUP");
    oracle.says("the configuration was read again", 1).await;
    world.until(FIRST + 1).await;
    assert_eq!(windows(&oracle).await, [FIRST, FIRST + DAY, FIRST + 2 * DAY], "none stands twice");
    let page: EventPage = serde_json::from_value(oracle.http.json("/v1/events").await).unwrap();
    let every =
        async |at: usize| oracle.http.event(&page.events[at].event_id).await.measurement.probe_every_ms;
    assert_eq!([every(0).await, every(1).await, every(2).await], [30_000, 60_000, 60_000]);
    world.configure("");
    oracle.signal("HUP");
    oracle.says("the configuration was read again", 2).await;
    world.until(FIRST + DAY + 1).await;
    assert_eq!(windows(&oracle).await.len(), 3);
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_this_oracle_cannot_measure_is_named_by_readyz() {
    let world = World::new().await;
    world.configure(&format!("[limits]\nprobe_every_ms = 90_000\n{SERVICE}"));
    let oracle = Process::serve(&world).await;
    oracle.says("a window could not be announced", 1).await;
    let text = loop {
        let (status, text) = oracle.http.text("/readyz").await;
        if status == 503 {
            break text;
        }
    };
    assert!(
        text.contains("service edge are not announced: probe_every_ms: must be at least 90000"),
        "{text}"
    );
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_service_is_read_with_defaults_and_refused_by_field() {
    let world = World::new().await;
    world.configure(SERVICE);
    let config = world.config();
    let window = config.services[0].next_window(UnixSeconds(START)).unwrap();
    let measurement = config.services[0].measurement(window).unwrap();
    assert_eq!((window.start.0, measurement.slice_s, measurement.least_samples), (FIRST, 300, 3));
    assert_eq!(config.services[0].target(), Some(&measurement.target));

    let cases = [
        ("\"The edge\"", "\"\"", "title: must be 1 to 100 characters"),
        ("\"edge\"", "\"The Edge\"", "name: must be 1 to 32 characters"),
        ("Europe/Berlin\"\nm", "Mars/Olympus\"\nm", "zone: \"Mars/Olympus\" is no time zone"),
        ("every day 02:00", "some day 02:00", "maintenance: "),
        ("every day 02:00", "every day 02:01", "maintenance: maintenance begins or ends at"),
        ("= 172_800", "= 99_999_999", "announce_ahead_s: must be at most 366 days"),
        ("[service.target]", "preset = \"acme\"\n[service.target]", "preset: must be one of those"),
        ("= 5_000", "= 0", "target.timeout_ms: "),
        ("= 60_000", "= 7_000", "probe_every_ms: "),
        ("\"day\"", "\"fortnight\"", "unknown variant `fortnight`"),
    ];
    for (from, to, said) in cases {
        let text = SERVICE.replace(from, to);
        assert_ne!(text, SERVICE, "{from}");
        world.configure(&text);
        let error = Config::load(&world.config_file()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
