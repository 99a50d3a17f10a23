//! What a probe makes of what a service answers.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use clock::Clock;
use clock::barrier::Barrier;
use earnest_oracle::config::Config;
use earnest_oracle::probe::{Cause, Observation, Prober};
use ledger::Verdict;
use terms::{Expectations, Hex32, HttpTarget, Target, canonical};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ANSWER: &str = "all is well";

/// A service with one path for every way to answer.
async fn service() -> SocketAddr {
    let router = Router::new()
        .route("/ok", get(|| async { ANSWER }))
        .route("/status", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        .route("/elsewhere", get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/ok")]) }))
        .route("/long", get(|| async { "x".repeat(1 << 20) }))
        .route("/slow", get(std::future::pending::<StatusCode>))
        .route("/boast", get(|| async { ([("x-simulated-latency-ms", "999999")], ANSWER) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

fn prober(lines: &str, clock: &Clock) -> Prober {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("oracle.toml");
    std::fs::write(&path, format!("network = \"regtest\"\ndata_dir = \".\"\n{lines}")).unwrap();
    Prober::new(&Config::load(Path::new(&path)).unwrap(), clock).unwrap()
}

fn led_to(addr: SocketAddr) -> String {
    format!("[[resolve]]\nhost = \"edge.example\"\naddr = \"{addr}\"\n")
}

fn target(path: &str, change: impl FnOnce(&mut HttpTarget)) -> Target {
    let url = format!("http://edge.example{path}");
    let mut target = HttpTarget::get(url, 2_000, Expectations::status(200, 299, 1_000));
    change(&mut target);
    Target::Http(target)
}

async fn probe(prober: &Prober, target: &Target) -> Observation {
    prober.probe(&prober.prepare_target(target, None).unwrap()).await
}

async fn cause(addr: SocketAddr, target: &Target) -> Option<Cause> {
    let observation = probe(&prober(&led_to(addr), &Clock::system()), target).await;
    assert_eq!(observation.verdict == Verdict::Good, observation.cause.is_none());
    observation.cause
}

#[tokio::test]
async fn a_good_answer_meets_every_expectation() {
    let addr = service().await;
    let expected = Hex32(canonical::sha256(ANSWER.as_bytes()));
    let asks = |hash: Hex32, text: &str| {
        let text = text.to_owned();
        target("/ok", |t| (t.expect.body_sha256, t.expect.body_contains) = (Some(hash), Some(text)))
    };
    assert_eq!(cause(addr, &asks(expected, "is well")).await, None);
    assert_eq!(cause(addr, &asks(Hex32([0; 32]), "is well")).await, Some(Cause::BodyDiffers));
    assert_eq!(cause(addr, &asks(expected, "is ill")).await, Some(Cause::BodyLacksText));
    assert_eq!(cause(addr, &target("/ok", |t| t.expect.body_max_bytes = 10)).await, Some(Cause::BodyTooLong));
    assert_eq!(cause(addr, &target("/ok", |t| t.expect.body_max_bytes = 11)).await, None);
    assert_eq!(cause(addr, &target("/ok", |t| t.method = "HEAD".to_owned())).await, None);
}

#[tokio::test]
async fn every_way_to_fail_has_its_name() {
    let addr = service().await;
    assert_eq!(cause(addr, &target("/status", |_| ())).await, Some(Cause::Status(503)));
    assert_eq!(cause(addr, &target("/elsewhere", |_| ())).await, Some(Cause::Status(302)));
    assert_eq!(cause(addr, &target("/long", |_| ())).await, Some(Cause::BodyTooLong));
    assert_eq!(cause(addr, &target("/slow", |t| t.timeout_ms = 50)).await, Some(Cause::Timeout));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(cause(nobody, &target("/ok", |_| ())).await, Some(Cause::Connect));
}

/// Reads the request, answers these bytes and closes the connection.
async fn rude(answer: &'static [u8]) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(answer).await;
        }
    });
    addr
}

#[tokio::test]
async fn a_connection_that_breaks_is_bad() {
    for answer in
        [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", b"\x16\x03\x01 nonsense\r\n\r\n"]
    {
        assert_eq!(cause(rude(answer).await, &target("/ok", |_| ())).await, Some(Cause::Broken));
    }
}

#[tokio::test]
async fn a_services_word_on_its_latency_counts_only_in_simulated_time() {
    let addr = service().await;
    let target = target("/boast", |_| ());
    let real = probe(&prober(&led_to(addr), &Clock::system()), &target).await;
    assert_eq!(real.verdict, Verdict::Good);
    let barrier = Barrier::bind(0).await.unwrap();
    let clock = barrier.clock().await.unwrap();
    let simulated = probe(&prober(&led_to(addr), &clock), &target).await;
    assert_eq!((simulated.cause, simulated.latency_ms), (Some(Cause::Timeout), 2_000));
}

#[tokio::test]
async fn an_own_network_is_probed_only_where_the_operator_allows_it() {
    let addr = service().await;
    let named = target("", |t| t.url = format!("http://localhost:{}/ok", addr.port()));
    let written = target("", |t| t.url = format!("http://{addr}/ok"));
    let guarded = prober("", &Clock::system());
    // A name is judged when it is looked up, so that it can't lead elsewhere later.
    assert_eq!(probe(&guarded, &named).await.cause, Some(Cause::Forbidden));
    assert_eq!(guarded.prepare_target(&written, None).unwrap_err().field, "target.url");
    let open = prober("[probe]\nallow_private_targets = true\n", &Clock::system());
    assert_eq!(probe(&open, &named).await.cause, None);
    assert_eq!(probe(&open, &written).await.cause, None);
}

#[tokio::test]
async fn k_of_m_references_decide_whether_a_failure_counts() {
    let addr = service().await;
    let down = target("/status", |_| ());
    for (needed, expected) in [(1, Verdict::Bad), (2, Verdict::Unknown)] {
        let references = format!(
            "references_needed = {needed}\n[[reference]]\nurl = \"http://edge.example/ok\"\n\
             [[reference]]\nurl = \"http://edge.example/status\"\n{}",
            led_to(addr)
        );
        let observation = probe(&prober(&references, &Clock::system()), &down).await;
        assert_eq!((observation.verdict, observation.references.len()), (expected, 2));
    }
}
