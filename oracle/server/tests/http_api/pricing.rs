//! The price hook: somebody else's word on what a measurement costs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::common::{Answer, Http, World, measurement};

/// A hook that wants 500 sat for every event, and takes the payment `preimage-1`.
#[derive(Clone, Default)]
struct Hook {
    asked: Arc<Mutex<Vec<Value>>>,
    says: Arc<Mutex<Option<Value>>>,
}

impl Hook {
    async fn serve(&self) -> SocketAddr {
        let router = Router::new().route("/price", post(answer)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        addr
    }

    fn says(&self, word: Value) {
        *self.says.lock().unwrap() = Some(word);
    }

    fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(hook): State<Hook>, Json(question): Json<Value>) -> Json<Value> {
    hook.asked.lock().unwrap().push(question.clone());
    if let Some(word) = hook.says.lock().unwrap().clone() {
        return Json(word);
    }
    Json(if question["payment"] == "preimage-1" {
        json!({ "allow": {} })
    } else {
        let how = "Pay the invoice and send its preimage as Payment-Reference.";
        json!({ "price": { "amount": "500 sat", "how": how, "invoice": "lnbcrt5u1example" } })
    })
}

async fn ask(http: &Http, payment: Option<&str>) -> Answer {
    let headers: Vec<(&str, &str)> = payment.iter().map(|payment| ("payment-reference", *payment)).collect();
    http.ask_with("POST", "/v1/measurements", &headers, measurement(|_| ()).canonical()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_priced_measurement_is_announced_when_it_is_paid_for_and_never_priced_again() {
    let world = World::new().await;
    let hook = Hook::default();
    world.configure(&format!("policy = {{ price_hook = \"http://{}/price\" }}", hook.serve().await));
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let priced = ask(&http, None).await;
    assert_eq!((priced.status, priced.header("content-type")), (402, "application/problem+json"));
    let problem = priced.json();
    assert_eq!(problem["type"], "urn:earnest:problem:payment-required");
    assert_eq!(problem["price"]["amount"], "500 sat");
    assert_eq!(problem["price"]["invoice"], "lnbcrt5u1example");
    assert_eq!(http.json("/v1/events").await, json!({ "events": [] }));

    assert_eq!(ask(&http, Some("a guess")).await.status, 402);
    assert_eq!(ask(&http, Some("preimage-1")).await.status, 201);
    let asked = hook.asked();
    let wanted = measurement(|_| ());
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[2]["event_id"], wanted.event_id().as_str());
    assert_eq!(asked[2]["measurement"], serde_json::from_slice::<Value>(&wanted.canonical()).unwrap());
    assert_eq!((&asked[0]["payment"], &asked[1]["payment"]), (&Value::Null, &json!("a guess")));
    assert_eq!(asked[2]["requester"], "address:127.0.0.1");

    assert_eq!(ask(&http, None).await.status, 200, "what is announced costs nothing more");
    assert_eq!(hook.asked().len(), 3, "and nobody is asked");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_announced_while_the_hook_says_nothing_that_can_be_used() {
    let world = World::new().await;
    let hook = Hook::default();
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    world.configure(&format!("policy = {{ price_hook = \"http://{nobody}/price\" }}"));
    let oracle = world.start().await.unwrap();
    let down = ask(&Http::of(&oracle), None).await;
    assert_eq!(down.status, 503, "{}", down.body);
    world.stop(oracle).await;

    let addr = hook.serve().await;
    world.configure(&format!("policy = {{ price_hook = \"http://{addr}/elsewhere\" }}"));
    let oracle = world.start().await.unwrap();
    assert_eq!(ask(&Http::of(&oracle), None).await.status, 503);
    world.stop(oracle).await;

    world.configure(&format!("policy = {{ price_hook = \"http://{addr}/price\" }}"));
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let nonsense = [
        json!({ "perhaps": {} }),
        json!({ "price": { "amount": "5 sat", "how": "\u{1b}[2J" } }),
        json!({ "price": { "amount": "5 sat", "how": "x", "invoice": "y".repeat(5_000) } }),
        json!("x".repeat(100_000)),
    ];
    for word in nonsense {
        hook.says(word.clone());
        assert_eq!(ask(&http, Some("preimage-1")).await.status, 503, "{word}");
    }
    hook.says(json!({ "refuse": { "why": "We do not measure our neighbours." } }));
    let refused = ask(&http, None).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["detail"], "We do not measure our neighbours.");
    let bad = http.ask_with("POST", "/v1/measurements", &[], b"{}".to_vec()).await;
    assert_eq!(bad.status, 400, "what can't be measured is refused before anybody is asked");
    assert_eq!(http.json("/v1/events").await, json!({ "events": [] }));
    world.stop(oracle).await;
}
