//! `/metrics`: what the oracle counts.

use crate::common::{Http, START, World, measurement};

fn value(page: &str, series: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{page}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counters_tell_an_events_life() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    http.announce(&measurement(|_| ())).await;
    let page = http.text("/metrics").await.1;
    assert_eq!(value(&page, "earnest_oracle_announced_total"), 1);
    assert_eq!(value(&page, "earnest_oracle_events{kind=\"announced\"}"), 1);
    assert_eq!(value(&page, "earnest_oracle_signed_total"), 0);

    world.until(START + 1_800).await;
    world.service.answers(503);
    world.until(START + 2_100).await;
    world.service.answers(200);
    world.until(START + 3_600 + 700).await;
    let answer = http.ask("GET", "/metrics", &[]).await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    let page = answer.body;
    assert_eq!(value(&page, "earnest_oracle_probes_total{kind=\"good\"}"), 220);
    assert_eq!(value(&page, "earnest_oracle_probes_total{kind=\"bad\"}"), 20);
    assert_eq!(value(&page, "earnest_oracle_slices_total"), 12);
    assert_eq!(value(&page, "earnest_oracle_windows_closed_total"), 1);
    assert_eq!(value(&page, "earnest_oracle_signed_total"), 1);
    assert_eq!(value(&page, "earnest_oracle_events{kind=\"attested\"}"), 1);
    assert_eq!(value(&page, "earnest_oracle_alarms{kind=\"stuck\"}"), 0);
    assert_eq!(value(&page, "earnest_oracle_log_entries"), 15);
    assert!(value(&page, "earnest_oracle_database_bytes") > 4_096);
    assert!(page.ends_with("# EOF\n"));
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_route_and_never_by_what_a_stranger_wrote() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    for path in ["/v1/events/one", "/v1/events/two", "/nonsense/three"] {
        assert_eq!(http.text(path).await.0, 404);
    }
    http.ask("BREW", "/v1/info", &[]).await;
    let page = http.text("/metrics").await.1;
    let known =
        "earnest_oracle_http_requests_total{method=\"GET\",route=\"/v1/events/{event_id}\",status=\"404\"}";
    assert_eq!(value(&page, known), 2);
    let unknown = "earnest_oracle_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}";
    assert_eq!(value(&page, unknown), 1);
    assert!(page.contains("method=\"other\"") && !page.contains("BREW") && !page.contains("three"), "{page}");
    world.stop(oracle).await;
}
