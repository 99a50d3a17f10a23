//! Reading what the oracle publishes.

use dlc_messages::oracle_msgs::OracleAttestation;
use serde_json::Value;

use crate::common::{Http, START, World, measurement};

#[tokio::test(flavor = "multi_thread")]
async fn unknown_things_are_404_and_never_look_like_an_attestation() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let unknown = format!("sla1-{}", "0".repeat(64));
    for id in [unknown.as_str(), "nonsense", "%27%3B--", "sla1-"] {
        for path in ["/announcement/", "/attestation/", "/v1/events/"] {
            let (status, text) = http.text(&format!("{path}{id}")).await;
            assert_eq!(status, 404, "{path}{id}");
            assert!(serde_json::from_str::<OracleAttestation>(&text).is_err());
        }
    }
    // A path that is no text is one that leads nowhere, and is told so as every other.
    for path in ["/v1/events/%ff", "/services/%C3%28", "/tile/%80"] {
        let unread = http.ask("GET", path, &[]).await;
        assert_eq!(
            (unread.status, unread.header("content-type")),
            (404, "application/problem+json"),
            "{path}"
        );
    }
    assert_eq!(http.text("/v1/events/%zz").await.0, 404, "which is text");
    assert_eq!(http.text("/v2/nothing").await.0, 404);
    assert_eq!(http.text("/v1/measurements").await.0, 405);
    for (query, field) in [
        ("/v1/events?before=x", "before"),
        ("/v1/events?state=withheld", "state"),
        ("/v1/events?limit=1&limit=2", "query"),
        ("/v1/events?colour=red", "colour"),
        ("/v1/events?=red", "query"),
        ("/v1/stream?from=1", "from"),
    ] {
        let refused = http.ask("GET", query, &[]).await;
        assert_eq!(
            (refused.status / 100, &refused.json()["field"]),
            (4, &serde_json::json!(field)),
            "{query}"
        );
    }
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_appears_when_the_window_is_closed() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    let path = format!("/v1/events/{id}/evidence");
    assert_eq!(http.text(&path).await.0, 404);
    world.until(START + 3_601).await;
    let bundle = http.json(&path).await;
    assert_eq!(bundle["attestation"], Value::Null);
    assert_eq!(bundle["seed_commitment"], http.json(&format!("/v1/events/{id}")).await["seed_commitment"]);
    world.stop(oracle).await;
}
