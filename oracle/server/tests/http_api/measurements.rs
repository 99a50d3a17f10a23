//! Asking for measurements: what is refused, what is announced, and that it is announced once.

use serde_json::{Value, json};

use crate::common::{Http, START, World, document, measurement};

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_measurement_names_its_field_and_nothing_is_stored() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 13] = [
        ("window.start", |m| m["window"] = json!({ "start": START - 3_600, "end": START })),
        ("quorum.vantages", |m| m["quorum"] = json!({ "agree": 2, "vantages": 3 })),
        ("probe_every_ms", |m| {
            m["probe_every_ms"] = json!(500);
            m["target"]["timeout_ms"] = json!(500);
        }),
        ("target.timeout_ms", |m| m["target"]["timeout_ms"] = json!(15_001)),
        ("target.url", |m| m["target"]["url"] = json!("https://10.0.0.1/")),
        ("target.url", |m| m["target"]["url"] = json!("http://127.0.0.1/")),
        ("target.url", |m| m["target"]["url"] = json!("http://[::ffff:10.0.0.1]/")),
        ("target.expect.body_max_bytes", |m| m["target"]["expect"]["body_max_bytes"] = json!(1_u64 << 40)),
        ("target.expect.body_max_bytes", |m| {
            m["target"]["expect"]["body_matches"] = json!("1[01]{3000}x");
            m["target"]["expect"]["body_max_bytes"] = json!(1_048_576);
        }),
        ("indicator.metric", |m| m["indicator"] = json!({ "metric": { "pointer": "/a", "scale": 1 } })),
        ("slice_s", |m| m["slice_s"] = json!(7)),
        ("surprise", |m| m["surprise"] = json!(1)),
        ("window.end", |m| m["window"]["end"] = json!(START + 5_000_000_000_u64 / 300 * 300)),
    ];
    for (field, change) in cases {
        let (status, answer) = http.post(document(change).to_string(), None).await;
        assert_eq!(status, 400, "{field}: {answer}");
        let named = answer["field"].as_str().unwrap_or_default();
        assert!(named.contains(field.rsplit('.').next().unwrap()), "{field}: {answer}");
    }
    assert_eq!(http.post("{", None).await.0, 400);
    assert_eq!(http.post(vec![b' '; 300 * 1024], None).await.0, 413);
    assert_eq!(http.json("/v1/events").await, json!({ "events": [] }));
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_measurement_again_gives_the_same_announcement_even_after_a_restart() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let measurement = measurement(|_| ());
    let (first, answer) = Http::of(&oracle).post(measurement.canonical(), None).await;
    world.stop(oracle).await;
    let oracle = world.start().await.unwrap();
    let again = Http::of(&oracle).post(measurement.canonical(), None).await;
    assert_eq!((first, again), (201, (200, answer)));
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tokens_holder_may_ask_for_measurements_and_nobody_else() {
    let world = World::new().await;
    world.configure("policy = { accept = \"token\" }");
    std::fs::write(world.path("requester-token"), "correct horse battery\n").unwrap();
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let body = measurement(|_| ()).canonical();
    assert_eq!(http.post(body.clone(), None).await.0, 401);
    assert_eq!(http.post(body.clone(), Some("correct horse")).await.0, 401);
    assert_eq!(http.post(body, Some("correct horse battery")).await.0, 201);
    assert_eq!(http.json("/v1/info").await["accept"], "token");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_open_events_than_allowed_are_refused() {
    let world = World::new().await;
    world.configure("limits = { open_events = 1 }");
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    http.announce(&measurement(|_| ())).await;
    let other = measurement(|m| m["slice_s"] = json!(600));
    let (status, answer) = http.post(other.canonical(), None).await;
    assert_eq!(status, 503, "{answer}");
    world.stop(oracle).await;
}

/// Whoever takes several oracles demands it of each (`contract::nonces`); a restart changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn every_announced_nonce_comes_with_a_proof_that_stays_the_same() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let announced = http.announce(&measurement(|_| ())).await;
    let announcement = signer::wire::parse_announcement(&announced.announcement_hex.to_string()).unwrap();
    let message = signer::proof_message(&announcement);
    let nonces = &announcement.oracle_event.oracle_nonces;
    assert_eq!((nonces.len(), announced.nonce_proofs.len()), (20, 20));
    for (nonce, proof) in nonces.iter().zip(&announced.nonce_proofs) {
        let proof = secp256k1_zkp::schnorr::Signature::from_slice(&proof.0).unwrap();
        secp256k1_zkp::SECP256K1.verify_schnorr(&proof, &message, nonce).unwrap();
    }
    assert_eq!(http.event(&announced.event_id).await.nonce_proofs, announced.nonce_proofs);
    world.stop(oracle).await;

    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let (status, again) = http.post(measurement(|_| ()).canonical(), None).await;
    assert_eq!((status, again), (200, serde_json::to_value(&announced).unwrap()));
    world.stop(oracle).await;
}
