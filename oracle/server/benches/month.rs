//! A month of probes every 15 seconds: 172,800 real requests of a real process, as fast as they go.
//!
//! `cargo bench -p earnest-oracle --bench month --profile dev` prints the pace. Without `--bench`, as when all targets are tested, it is a
//! day, which only shows that this program still works.

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use common::process::Process;
use common::{START, World, measurement};
use serde_json::json;
use terms::{Outcome, OutcomeValue};

const DAY: u64 = 86_400;
const PROBES_A_DAY: u64 = 5_760;

#[tokio::main]
async fn main() {
    let days = if std::env::args().any(|argument| argument == "--bench") { 30 } else { 1 };
    let mut world = World::new().await;
    let oracle = Process::serve(&world).await;
    let measurement = measurement(|m| m["window"]["end"] = json!(START + days * DAY));
    let began = Instant::now();
    let id = oracle.http.announce(&measurement).await.event_id;
    world.until(START + days * DAY + 601).await;
    let event = oracle.http.event(&id).await;
    let (took, requests) = (began.elapsed(), world.service.requests());
    let outcome = event.provisional.map(|provisional| provisional.outcome);
    assert_eq!(outcome, Some(Outcome::Value(OutcomeValue(0))));
    assert_eq!(requests, days * PROBES_A_DAY);
    let each_us = took.as_micros() / u128::from(requests);
    println!("{days} days, {requests} probes, attested: {took:.1?}, {each_us} us a probe");
    oracle.terminate(&world).await;
}
