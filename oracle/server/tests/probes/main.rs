//! What probes of every kind make of what a target does, well-behaved, broken or hostile.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;
mod dns;
mod hostile;
mod http;
mod readings;
mod redirects;
mod sockets;
mod timings;
use crate::tls;

use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use clock::Clock;
use earnest_oracle::config::Config;
use earnest_oracle::probe::{Cause, Observation, Prober};
use ledger::Verdict;
use serde_json::{Value, json};
use terms::{MetricSource, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A prober by the machine's own clock.
fn prober(lines: &str) -> Prober {
    let dir = tempfile::tempdir().unwrap();
    prober_in(dir.path(), lines)
}

/// The same, with files of its own.
fn prober_in(dir: &Path, lines: &str) -> Prober {
    let path = dir.join("oracle.toml");
    std::fs::write(&path, format!("network = \"regtest\"\ndata_dir = \".\"\n{lines}")).unwrap();
    Prober::new(&Config::load(&path).unwrap(), &Clock::system()).unwrap()
}

/// The configuration by which a name leads to a test's own server.
fn led_to(host: &str, addr: SocketAddr) -> String {
    format!("[[resolve]]\nhost = \"{host}\"\naddr = \"{addr}\"\n")
}

/// A target as a document has it.
fn target(document: Value) -> Target {
    serde_json::from_value(document).unwrap()
}

/// An HTTP target on `edge.example`, changed as a test wants it.
fn http(path: &str, change: impl FnOnce(&mut Value)) -> Target {
    let mut document = json!({
        "url": format!("http://edge.example{path}"), "method": "GET", "timeout_ms": 20_000,
        "expect": { "status_from": 200, "status_to": 299, "body_max_bytes": 1_048_576 }
    });
    change(&mut document);
    target(document)
}

async fn probe(prober: &Prober, target: &Target) -> Observation {
    read(prober, target, None).await
}

async fn read(prober: &Prober, target: &Target, source: Option<&MetricSource>) -> Observation {
    let observation = prober.probe(&prober.prepare_target(target, source).unwrap()).await;
    assert_eq!(observation.verdict == Verdict::Good, observation.cause.is_none());
    observation
}

async fn cause(prober: &Prober, target: &Target) -> Option<Cause> {
    probe(prober, target).await.cause
}

/// Serves on a free port until the test ends.
async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

/// A server that does with each connection, whose request it has read, what a test says.
async fn raw<F, R>(answer: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            tokio::spawn(answer(stream));
        }
    });
    addr
}

/// A server that sends the same piece again and again, after a beginning, for as long as somebody listens.
async fn endless(beginning: &'static [u8], piece: &'static [u8]) -> SocketAddr {
    raw(move |mut stream| async move {
        let _ = stream.write_all(beginning).await;
        while stream.write_all(piece).await.is_ok() {}
    })
    .await
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
