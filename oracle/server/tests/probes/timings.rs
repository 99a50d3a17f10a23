//! What is kept and published of the parts of a probe.

use std::time::Duration;

use axum::Router;
use clock::Clock;
use earnest_oracle::config::Config;
use earnest_oracle::service;
use serde_json::json;
use signer::{KeyOptions, OracleKey};

use super::common::{Http, START, World, measurement};
use super::{led_to, serve};

const HEADER: &str = "unix_ms,vantage,dns_us,connect_us,tls_us,first_byte_us,total_us";

/// An oracle by the machine's own clock, that measures a service until the test has seen enough.
#[tokio::test]
async fn the_parts_of_every_probe_are_published() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("oracle.toml");
    let service = serve(Router::new().fallback(|| async { "here" })).await;
    let text = format!(
        "network = \"regtest\"\ndata_dir = \".\"\nlisten = \"127.0.0.1:0\"\nvantage = \"here\"\n\
         [limits]\nprobe_every_ms = 100\n[probe]\nflush_every_s = 1\n{}",
        led_to("edge.example", service)
    );
    std::fs::write(&path, text).unwrap();
    let config = Config::load(&path).unwrap();
    let options = KeyOptions { network: "regtest".to_owned(), simulated: false, passphrase: None };
    OracleKey::create(&config.key_file(), &options).unwrap();
    let clock = Clock::system();
    let oracle = service::start(config, clock.clone(), None).await.unwrap();
    let http = Http::of(&oracle);
    let path = format!("/v1/events/{}/timings", announce_soon(&http, &clock).await);
    let lines = loop {
        let (status, csv) = http.text(&path).await;
        assert_eq!(status, 200);
        let mut lines = csv.lines().map(str::to_owned);
        assert_eq!(lines.next().as_deref(), Some(HEADER));
        let lines: Vec<String> = lines.collect();
        if lines.len() >= 2 {
            break lines;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    for line in &lines {
        let fields: Vec<&str> = line.split(',').collect();
        let [_, vantage, dns, _, tls, _, total] = fields[..] else { panic!("{line}") };
        assert_eq!((vantage, dns, tls), ("here", "", ""));
        assert!(total.parse::<u32>().unwrap() > 0);
    }
    oracle.stop().await.unwrap();
}

/// An hour of ten probes a second that begins in a moment; again, where the machine was slower than that.
async fn announce_soon(http: &Http, clock: &Clock) -> String {
    loop {
        let start = clock.now_s() + 2;
        let soon = measurement(|m| {
            m["window"] = json!({ "start": start, "end": start + 3_600 });
            (m["probe_every_ms"], m["target"]["timeout_ms"]) = (json!(100), json!(100));
        });
        let (status, answer) = http.post(soon.canonical(), None).await;
        match status {
            201 => return answer["event_id"].as_str().unwrap().to_owned(),
            _ => assert_eq!(answer["field"], "window.start", "{answer}"),
        }
    }
}

/// A simulated machine's speed means nothing, and would make each replay another one.
#[tokio::test]
async fn in_simulated_time_nothing_is_timed() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    world.until(START + 3_600 + 601).await;
    let (_, samples) = http.text(&format!("/v1/events/{id}/samples")).await;
    assert_eq!(samples.lines().count(), 241);
    let (_, timings) = http.text(&format!("/v1/events/{id}/timings")).await;
    assert_eq!(timings.trim_end(), HEADER);
    world.stop(oracle).await;
}
