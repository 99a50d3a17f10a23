//! A month of probes every 15 seconds: 172,800 real requests, as fast as they go.

mod common;

use std::time::Instant;

use common::process::Process;
use common::{START, World, measurement};
use serde_json::json;
use terms::{Outcome, OutcomeValue};

const DAY: u64 = 86_400;

#[tokio::test]
#[ignore = "takes its time; run it with --ignored --nocapture to see the pace"]
async fn a_month_of_probes_is_measured() {
    let mut world = World::new().await;
    let oracle = Process::serve(&world).await;
    let measurement = measurement(|m| m["window"]["end"] = json!(START + 30 * DAY));
    let began = Instant::now();
    let id = oracle.http.announce(&measurement).await.event_id;
    world.until(START + 30 * DAY + 601).await;
    let event = oracle.http.event(&id).await;
    eprintln!("{} requests in {:?}", world.service.requests(), began.elapsed());
    assert_eq!(event.provisional.unwrap().outcome, Outcome::Value(OutcomeValue(0)));
    assert_eq!(world.service.requests(), 172_800);
    oracle.terminate(&world).await;
}
