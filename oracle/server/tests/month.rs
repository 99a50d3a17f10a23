//! A month of probes every 15 seconds: 172,800 real requests, as fast as they go.

mod common;

use std::time::Instant;

use common::{Http, START, World, measurement};
use serde_json::json;
use terms::{Outcome, OutcomeValue};

const DAY: u64 = 86_400;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes its time; run it with --ignored --nocapture to see the pace"]
async fn a_month_of_probes_is_measured() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let measurement = measurement(|m| m["window"]["end"] = json!(START + 30 * DAY));
    let began = Instant::now();
    let id = http.announce(&measurement).await.event_id;
    world.until(START + 30 * DAY + 601).await;
    let event = http.event(&id).await;
    eprintln!("{} requests in {:?}", world.service.requests(), began.elapsed());
    assert_eq!(event.provisional.unwrap().outcome, Outcome::Value(OutcomeValue(0)));
    assert_eq!(world.service.requests(), 172_800);
    world.stop(oracle).await;
}
