//! The owner's API: what it answers is what its description says.

use std::fs;

use blackbox::{Party, World, fresh_key, raw};
use protocol::owner::{CloseRequest, CounterRequest, KeyRequest};
use serde_json::{Value, json};
use terms::Sat;

use crate::negotiating::{start, with_strategy};

fn token(party: &Party) -> String {
    fs::read_to_string(party.service.data_dir().join("owner-token")).unwrap().trim().to_owned()
}

/// Whether an answer is of the shape that the description has for its route, method and status.
fn check(description: &Value, (method, route): (&str, &str), answer: &raw::Answer) {
    let content = &description["paths"][route][method]["responses"][answer.status.to_string()]["content"];
    let (media, content) = content.as_object().and_then(|content| content.iter().next()).expect(route);
    assert_eq!(answer.content_type.split(';').next(), Some(media.as_str()), "{method} {route}");
    if !media.ends_with("json") {
        return;
    }
    let mut schema = content["schema"].clone();
    schema["components"] = description["components"].clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let answer = answer.json();
    let errors: Vec<String> = validator.iter_errors(&answer).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{method} {route}: {errors:?}\n{answer:#}");
}

/// Asks a party every GET of the description with these ids in the place of the path's parameters.
async fn check_every_get(description: &Value, party: &Party, ids: &[(&str, &str)]) -> usize {
    let (token, mut checked) = (token(party), 0);
    for (route, operations) in description["paths"].as_object().unwrap() {
        if operations["get"].is_null() || operations["get"].to_string().contains("text/event-stream") {
            continue;
        }
        let path = ids.iter().find(|(prefix, _)| route.starts_with(prefix));
        let path = match (route.split_once('{'), path) {
            (None, _) => route.clone(),
            (Some((before, rest)), Some((_, id))) => {
                format!("{before}{id}{}", rest.split_once('}').unwrap().1)
            }
            (Some(_), None) => continue,
        };
        let answer = raw::get(&format!("{}{path}", party.owner_url()), Some(&token)).await;
        check(description, ("get", route), &answer);
        checked += 1;
    }
    checked
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_answers_has_the_shapes_that_its_description_promises() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    let negotiable = world.publish(&with_strategy(&world)).await;
    let talk = start(&world, &world.provider.peer_url(), negotiable.id, None).await;
    let close = CloseRequest { provider_sat: Some(Sat(50_000)), ..CloseRequest::default() };
    world.buyer.owner.close(&id, &close, &fresh_key()).await.unwrap();
    let key = KeyRequest { name: "reader".into(), scopes: [].into(), limits: None, life_s: None };
    world.buyer.owner.create_key(&key, &fresh_key()).await.unwrap();

    let url = world.buyer.owner_url();
    let description = raw::get(&format!("{url}/v1/openapi.json"), None).await.json();
    assert_eq!(description["openapi"], "3.1.0");
    let ids = [("/v1/escrows/{", id.as_str()), ("/v1/negotiations/{", &talk), ("/v1/keys/{", "reader")];
    assert!(check_every_get(&description, &world.buyer, &ids).await > 18);
    check_every_get(&description, &world.provider, &[("/v1/escrows/{", id.as_str())]).await;

    let own = token(&world.buyer);
    let posts = [
        ("/v1/addresses", "/v1/addresses".to_owned(), json!({})),
        ("/v1/keys", "/v1/keys".to_owned(), json!({ "name": "another" })),
        ("/v1/keys/{name}/rotate", "/v1/keys/another/rotate".to_owned(), json!({})),
        ("/v1/keys/{name}/revoke", "/v1/keys/another/revoke".to_owned(), json!({})),
        ("/v1/keys", "/v1/keys".to_owned(), json!({ "name": "another" })),
        ("/v1/pause", "/v1/pause".to_owned(), json!({})),
        ("/v1/resume", "/v1/resume".to_owned(), json!({})),
        ("/v1/escrows/{id}/close", format!("/v1/escrows/{id}/close"), json!({ "provider_sat": 60_000 })),
        ("/v1/escrows/{id}/close", format!("/v1/escrows/{id}/close"), json!({ "provider_sat": "all" })),
        (
            "/v1/negotiations/{id}/counter",
            format!("/v1/negotiations/{talk}/counter"),
            serde_json::to_value(CounterRequest { price_sat: Some(Sat(1)), ..CounterRequest::default() })
                .unwrap(),
        ),
    ];
    for (route, path, body) in posts {
        let answer = raw::post(&format!("{url}{path}"), Some(&own), &[], body.to_string()).await;
        check(&description, ("post", route), &answer);
    }

    // The check can fail: a balance is no list of escrows.
    let balance = raw::get(&format!("{url}/v1/balance"), Some(&own)).await;
    let broken = std::panic::catch_unwind(|| check(&description, ("get", "/v1/escrows"), &balance));
    assert!(broken.is_err());
}
