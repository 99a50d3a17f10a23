//! How often one address, and one key, may ask.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{Http, World, measurement};

const PROXIED: &str =
    "rate = { per_minute = 1, burst = 3, events_per_day = 1, trusted_proxies = [\"127.0.0.1\"] }";

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_asks_too_often_is_told_how_long_to_wait() {
    let world = World::new().await;
    world.configure(PROXIED);
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let ask = async |client: &str| http.ask("GET", "/v1/info", &[("x-forwarded-for", client)]).await;
    for _ in 0..3 {
        assert_eq!(ask("198.51.100.7").await.status, 200);
    }
    let refused = ask("198.51.100.7").await;
    assert_eq!((refused.status, refused.header("content-type")), (429, "application/problem+json"));
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.json()["type"], "urn:earnest:problem:rate-limited");
    assert_eq!(ask("2001:db8::7").await.status, 200, "another address has its own allowance");
    assert_eq!(
        ask("198.51.100.7, 203.0.113.1").await.status,
        200,
        "what a client writes itself does not count"
    );
    for _ in 0..10 {
        assert_eq!(http.text("/v1/info").await.0, 200, "the machine itself is not counted");
    }
    let page = http.text("/metrics").await.1;
    assert!(page.contains("earnest_oracle_http_limited_total{kind=\"address\"} 1"), "{page}");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_anybody_may_ask_an_address_gets_so_many_events() {
    let world = World::new().await;
    world.configure(PROXIED);
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let ask = async |client: &str, slice_s: u64| {
        let body = measurement(|m| m["slice_s"] = json!(slice_s)).canonical();
        http.ask_with("POST", "/v1/measurements", &[("x-forwarded-for", client)], body).await.status
    };
    assert_eq!(ask("2001:db8::1", 300).await, 201);
    assert_eq!(ask("2001:db8::2", 600).await, 429, "it is of the same network");
    assert_eq!(ask("2001:db8::2", 300).await, 200, "what is announced is not refused");
    assert_eq!(ask("198.51.100.7", 600).await, 201);
    world.stop(oracle).await;
}

/// A connection on which this was asked, with what was answered so far; `None` where it was closed instead.
async fn asked(addr: SocketAddr, path: &str, until: &str) -> Option<(TcpStream, String)> {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: oracle\r\n\r\n").as_bytes()).await.ok()?;
    let (mut answer, mut part) = (String::new(), [0; 4_096]);
    while !answer.contains(until) {
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        answer.push_str(std::str::from_utf8(&part[..read]).unwrap());
    }
    Some((stream, answer))
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_share_of_an_address_are_closed_and_counted() {
    let world = World::new().await;
    world.configure("rate = { connections = 2, loopback = true }");
    let oracle = world.start().await.unwrap();
    let first = asked(oracle.addr(), "/healthz", "ok\n").await.unwrap();
    let _second = asked(oracle.addr(), "/healthz", "ok\n").await.unwrap();
    assert!(asked(oracle.addr(), "/healthz", "ok\n").await.is_none());
    drop(first);
    // Its end is noticed a moment later.
    let counted = "earnest_oracle_http_limited_total{kind=\"connections\"}";
    while asked(oracle.addr(), "/metrics", counted).await.is_none() {
        tokio::task::yield_now().await;
    }
    world.stop(oracle).await;
}
