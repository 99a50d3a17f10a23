//! `/v1/openapi.json`: what is answered is what it says.

use serde_json::{Value, json};

use crate::common::{Http, START, World, measurement};

/// Whether an answer is of the shape that the description has for its route.
fn check(description: &Value, route: &str, status: &str, answer: &Value) {
    let content = &description["paths"][route]["get"]["responses"][status]["content"];
    let media = content.as_object().unwrap().values().next().unwrap();
    let schema = json!({ "components": description["components"], "$ref": media["schema"]["$ref"] });
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(answer).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{route} {status}: {errors:?}\n{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_shapes_that_the_description_promises() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let description = http.json("/v1/openapi.json").await;
    assert_eq!(description["openapi"], "3.1.0");
    let id = http.announce(&measurement(|_| ())).await.event_id;
    check(&description, "/v1/events/{event_id}", "200", &http.json(&format!("/v1/events/{id}")).await);
    world.until(START + 3_600 + 700).await;
    let routes = [
        ("/v1/info", "/v1/info".to_owned()),
        ("/v1/events", "/v1/events?limit=1".to_owned()),
        ("/v1/events/{event_id}", format!("/v1/events/{id}")),
        ("/v1/events/{event_id}/slices", format!("/v1/events/{id}/slices")),
        ("/v1/log", "/v1/log".to_owned()),
    ];
    for (route, path) in routes {
        check(&description, route, "200", &http.json(&path).await);
    }
    let unknown = http.ask("GET", "/v1/events/nothing", &[]).await;
    check(&description, "/v1/events/{event_id}", "404", &unknown.json());
    let bad = http.ask("GET", "/v1/events?limit=0", &[]).await;
    check(&description, "/v1/events", "400", &bad.json());

    // The check can fail: an event is no page of events.
    let event = http.json(&format!("/v1/events/{id}")).await;
    let schema = json!({ "components": description["components"], "$ref": "#/components/schemas/EventPage" });
    assert!(!jsonschema::is_valid(&schema, &event));
    world.stop(oracle).await;
}
