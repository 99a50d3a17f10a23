//! What a measurement may say about an HTTP request, and about a good answer to it.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json};
use axum::routing::{get, post};
use earnest_oracle::probe::{Cause, Prober};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{cause, http, led_to, probe, prober, raw, serve};

const JSON: &str = r#"{"state":"ready","nodes":[{"up":true,"load":0.75},{"up":false,"load":3}],"version":7}"#;

async fn service() -> Prober {
    let router = Router::new()
        .route("/ok", get(|| async { "all is well" }))
        .route("/json", get(|| async { JSON }))
        .route("/teapot", get(|| async { StatusCode::IM_A_TEAPOT }))
        .route("/echo", post(echo).get(echo));
    prober(&led_to("edge.example", serve(router).await))
}

/// What came in, as JSON.
async fn echo(headers: HeaderMap, request: Request) -> impl IntoResponse {
    let (method, body) = (request.method().to_string(), request.into_body());
    let body = axum::body::to_bytes(body, 10_000).await.unwrap();
    let all = headers.iter().map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())));
    let headers: serde_json::Map<String, Value> = all.collect();
    Json(json!({ "method": method, "headers": headers, "body": String::from_utf8_lossy(&body) }))
}

#[tokio::test]
async fn a_request_carries_what_the_measurement_says_and_nothing_more() {
    let prober = service().await;
    let sent = |method: &str, checks: Value| {
        http("/echo", |t| {
            t["method"] = json!(method);
            t["headers"] = json!([{ "name": "accept", "value": "application/json" }, { "name": "x-key", "value": "42" }]);
            t["expect"]["json"] = checks;
        })
    };
    let ours = concat!("earnest-oracle/", env!("CARGO_PKG_VERSION"));
    let mut checks = json!([
        { "pointer": "/method", "equals": "GET" },
        { "pointer": "/headers/accept", "equals": "application/json" },
        { "pointer": "/headers/x-key", "equals": "42" },
        { "pointer": "/headers/host", "equals": "edge.example" },
        { "pointer": "/headers/user-agent", "equals": ours },
    ]);
    assert_eq!(cause(&prober, &sent("GET", checks.clone())).await, None);
    checks[0]["equals"] = json!("POST");
    checks.as_array_mut().unwrap().push(json!({ "pointer": "/body", "equals": "ping" }));
    let mut post = sent("POST", checks);
    post.http_mut().unwrap().body = Some("ping".to_owned());
    assert_eq!(cause(&prober, &post).await, None);
    post.http_mut().unwrap().body = Some("pong".to_owned());
    assert_eq!(cause(&prober, &post).await, Some(Cause::Json(6)));
}

#[tokio::test]
async fn every_expectation_that_is_not_met_has_its_name() {
    let prober = service().await;
    let table = [
        ("/teapot", json!({ "status_also": [{ "from": 418, "to": 418 }] }), None),
        ("/teapot", json!({ "status_also": [{ "from": 401, "to": 417 }] }), Some(Cause::Status(418))),
        ("/ok", json!({ "body_matches": "^all\\s+is (well|fine)$" }), None),
        ("/ok", json!({ "body_matches": "^is" }), Some(Cause::BodyNoMatch)),
        ("/ok", json!({ "body_min_bytes": 11 }), None),
        ("/ok", json!({ "body_min_bytes": 12 }), Some(Cause::BodyTooShort)),
        ("/ok", json!({ "body_contains": "is.well" }), Some(Cause::BodyLacksText)),
        ("/ok", json!({ "json": [{ "pointer": "", "equals": "all is well" }] }), Some(Cause::NotJson)),
        ("/json", json!({ "json": [{ "pointer": "/state", "equals": "ready" }] }), None),
        ("/json", json!({ "json": [{ "pointer": "/nodes/1/load", "at_most": "3" }] }), None),
        (
            "/json",
            json!({ "json": [{ "pointer": "/version", "equals": 7 }, { "pointer": "/nodes/0/load", "at_least": "0.76" }] }),
            Some(Cause::Json(2)),
        ),
        ("/json", json!({ "json_schema": { "type": "object", "required": ["nodes"] } }), None),
        ("/json", json!({ "json_schema": { "required": ["edges"] } }), Some(Cause::JsonSchema)),
        ("/ok", json!({ "json_schema": { "type": "object" } }), Some(Cause::NotJson)),
    ];
    for (path, expected, fault) in table {
        let target = http(path, |t| {
            t["expect"].as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
        });
        assert_eq!(cause(&prober, &target).await, fault, "{path} {expected}");
    }
}

#[tokio::test]
async fn what_cannot_be_judged_in_bounds_is_refused_before_anybody_relies_on_it() {
    let prober = service().await;
    for looks_into in [
        json!({ "body_matches": "a" }),
        json!({ "json": [{ "pointer": "/a", "equals": 1 }] }),
        json!({ "json_schema": {} }),
    ] {
        let target = http("/ok", |t| {
            let expect = t["expect"].as_object_mut().unwrap();
            expect.insert("body_max_bytes".to_owned(), json!(1_048_577));
            expect.extend(looks_into.as_object().unwrap().clone());
        });
        let refusal = prober.prepare_target(&target, None).unwrap_err();
        assert_eq!(refusal.field, "target.expect.body_max_bytes", "{looks_into}");
    }
}

#[tokio::test]
async fn the_phases_of_a_probe_are_kept_apart() {
    let prober = service().await;
    let check = prober.prepare_target(&http("/ok", |_| ()), None).unwrap();
    let first = prober.probe(&check).await.phases;
    // The name is the configuration's, and there is no TLS.
    assert_eq!((first.dns_us, first.tls_us), (None, None));
    let (connect, first_byte) = (first.connect_us.unwrap(), first.first_byte_us.unwrap());
    assert!(u64::from(first.total_us.unwrap()) >= u64::from(connect) + u64::from(first_byte));
    let second = prober.probe(&check).await.phases;
    assert_eq!(second.connect_us, None, "the connection was kept");
    assert!(second.first_byte_us.is_some() && second.total_us.is_some());
}

#[tokio::test]
async fn a_probe_that_broke_off_says_how_far_it_came() {
    let silent = raw(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let prober = prober(&led_to("edge.example", silent));
    let observation = probe(&prober, &http("/", |t| t["timeout_ms"] = json!(300))).await;
    assert_eq!((observation.cause, observation.latency_ms), (Some(Cause::Timeout), 300));
    let phases = observation.phases;
    assert!(phases.connect_us.is_some() && phases.total_us.is_some());
    assert_eq!(phases.first_byte_us, None);
}

/// Servers end idle connections when they like, and say nothing.
#[tokio::test]
async fn a_kept_connection_that_has_ended_is_no_outage() {
    let addr = raw(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    })
    .await;
    let prober = prober(&led_to("edge.example", addr));
    let check = prober.prepare_target(&http("/", |_| ()), None).unwrap();
    for _ in 0..5 {
        let observation = prober.probe(&check).await;
        assert_eq!(observation.cause, None);
        assert!(observation.phases.connect_us.is_some());
    }
}

#[tokio::test]
async fn without_keep_alive_every_probe_connects() {
    let router = Router::new().route("/ok", get(|| async { ([(header::SERVER, "t")], "ok") }));
    let lines = format!("[probe]\nkeep_alive = false\n{}", led_to("edge.example", serve(router).await));
    let prober = prober(&lines);
    let check = prober.prepare_target(&http("/ok", |_| ()), None).unwrap();
    for _ in 0..3 {
        assert!(prober.probe(&check).await.phases.connect_us.is_some());
    }
}
