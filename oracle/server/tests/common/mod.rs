//! A world for an oracle: simulated time, a service that it measures, and a folder of its own.

#![allow(dead_code, missing_docs, reason = "every test binary uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

pub mod process;
pub mod vantage;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clock::barrier::Barrier;
use clock::{Busy, Clock};
use earnest_oracle::config::Config;
use earnest_oracle::service::{self, Running};
use earnest_oracle::store::{Durability, Store};
use protocol::oracle::{Announced, EventView};
use serde_json::{Value, json};
use signer::{KeyOptions, OracleKey};
use terms::{EventId, Measurement};

/// 2021-06-08T00:00:00Z
pub const START: u64 = 1_623_110_400;

/// A service that answers what it is told to.
#[derive(Clone, Default)]
pub struct Service(Arc<Behaviour>);

#[derive(Default)]
struct Behaviour {
    status: AtomicU16,
    latency_ms: AtomicU64,
    requests: AtomicU64,
}

impl Service {
    pub fn answers(&self, status: u16) {
        self.0.status.store(status, Ordering::SeqCst);
    }

    pub fn takes_ms(&self, latency_ms: u64) {
        self.0.latency_ms.store(latency_ms, Ordering::SeqCst);
    }

    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::SeqCst)
    }

    fn answer(&self) -> Response {
        self.0.requests.fetch_add(1, Ordering::SeqCst);
        let status = StatusCode::from_u16(self.0.status.load(Ordering::SeqCst)).unwrap();
        let latency = self.0.latency_ms.load(Ordering::SeqCst).to_string();
        (status, [("x-simulated-latency-ms", latency)], "all is well").into_response()
    }

    /// Serves on a free port until the test ends.
    pub async fn serve(&self) -> SocketAddr {
        let service = self.clone();
        let router = Router::new().fallback(get(move || async move { service.answer() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        addr
    }
}

/// Simulated time with the test as its host, a service, and a folder.
pub struct World {
    pub barrier: Barrier,
    pub clock: Clock,
    /// While this is awake, time stands still.
    pub busy: Busy,
    pub service: Service,
    pub reference: Service,
    pub dir: tempfile::TempDir,
    addrs: [SocketAddr; 2],
}

impl World {
    /// Ten minutes before the window of [`measurement`] starts.
    pub async fn new() -> Self {
        let barrier = Barrier::bind((START - 600) * 1000).await.unwrap();
        let clock = barrier.clock().await.unwrap();
        let busy = clock.busy().await;
        let (service, reference) = (Service::default(), Service::default());
        service.answers(200);
        reference.answers(200);
        let addrs = [service.serve().await, reference.serve().await];
        let world =
            Self { barrier, clock, busy, service, reference, dir: tempfile::tempdir().unwrap(), addrs };
        world.configure("");
        let options = KeyOptions { network: "regtest".to_owned(), simulated: true, passphrase: None };
        OracleKey::create(&world.config().key_file(), &options).unwrap();
        world
    }

    /// Writes the configuration: resolver overrides for the service, and more lines.
    pub fn configure(&self, more: &str) {
        let [service, reference] = self.addrs;
        let text = format!(
            "network = \"regtest\"\ndata_dir = \".\"\nlisten = \"127.0.0.1:0\"\n{more}\n\
             [[resolve]]\nhost = \"edge.example\"\naddr = \"{service}\"\n\
             [[resolve]]\nhost = \"reference.example\"\naddr = \"{reference}\"\n"
        );
        std::fs::write(self.config_file(), text).unwrap();
    }

    /// Where the service is.
    pub fn service_addr(&self) -> SocketAddr {
        self.addrs[0]
    }

    pub fn config_file(&self) -> PathBuf {
        self.dir.path().join("oracle.toml")
    }

    pub fn config(&self) -> Config {
        Config::load(&self.config_file()).unwrap()
    }

    /// The key that `serve` signs with, as long as it was never rotated.
    pub fn key(&self) -> OracleKey {
        let expected = signer::Expected { network: "regtest", simulated: true };
        OracleKey::load(&self.config().key_file(), None, &expected).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A path at which there is no file yet.
    pub fn new_file(&self, name: &str) -> PathBuf {
        let free = |number: &u32| !self.path(&format!("{name}.{number}")).exists();
        let number = (0..).find(free).unwrap();
        self.path(&format!("{name}.{number}"))
    }

    /// Starts the oracle inside this process, as a participant of its own.
    pub async fn start(&self) -> anyhow::Result<Running> {
        let clock = Clock::connect(self.barrier.addr(), "oracle").await?;
        service::start(self.config(), clock, None).await
    }

    /// Stops an oracle, and waits until it has left simulated time.
    pub async fn stop(&self, oracle: Running) {
        oracle.stop().await.unwrap();
        self.barrier.wait_until_gone("oracle").await;
    }

    /// Lets time pass until `unix_s`.
    pub async fn until(&mut self, unix_s: u64) {
        self.busy.sleep_until_ms(unix_s * 1000).await;
    }
}

/// An hour of availability: five-minute slices, a probe every 15 seconds, 240 probes in all.
pub fn measurement(change: impl FnOnce(&mut Value)) -> Measurement {
    let document = document(change);
    Measurement::parse(document.to_string().as_bytes()).unwrap()
}

/// The document behind [`measurement`], whatever it says.
pub fn document(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = json!({
        "v": 1,
        "target": {
            "url": "http://edge.example/health", "method": "GET", "timeout_ms": 5_000,
            "expect": { "status_from": 200, "status_to": 299, "body_max_bytes": 65_536 }
        },
        "indicator": { "availability": {} },
        "window": { "start": START, "end": START + 3_600 },
        "slice_s": 300,
        "probe_every_ms": 15_000,
        "method": { "ratio_timeslices": {} },
        "quorum": { "agree": 1, "vantages": 1 },
        "least_samples": 10,
        "indeterminate_above_ppm": 100_000,
        "rounding": "up",
        "outcome": { "numeric": {
            "unit": "ppm", "digits": 20, "max": 1_000_000, "indeterminate_from": (1 << 20) - (1 << 14),
            "worse": "higher"
        } }
    });
    change(&mut document);
    document
}

/// What was answered.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A reader of the stream.
pub struct Listener {
    answer: reqwest::Response,
    text: String,
}

impl Listener {
    /// The next event: its id, its type and its data. Comments are skipped.
    pub async fn next(&mut self) -> (u64, String, Value) {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(event) = event_of(&block) {
                    return event;
                }
                continue;
            }
            let chunk = self.answer.chunk().await.unwrap().expect("the stream goes on");
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

fn event_of(block: &str) -> Option<(u64, String, Value)> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let id = field("id")?.parse().unwrap();
    Some((id, field("event").unwrap().to_owned(), serde_json::from_str(field("data").unwrap()).unwrap()))
}

/// Asks an oracle for things over HTTP.
pub struct Http {
    client: reqwest::Client,
    base: String,
}

impl Http {
    pub fn of(oracle: &Running) -> Self {
        Self::at(oracle.addr())
    }

    pub fn at(addr: SocketAddr) -> Self {
        // Whoever came first has installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { client: reqwest::Client::new(), base: format!("http://{addr}") }
    }

    pub async fn text(&self, path: &str) -> (u16, String) {
        self.try_text(path).await.unwrap()
    }

    /// As [`Http::text`], of an oracle that may die meanwhile.
    pub async fn try_text(&self, path: &str) -> reqwest::Result<(u16, String)> {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Any request, with these headers.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask_with(method, path, headers, Vec::new()).await
    }

    /// Any request, with these headers and this body.
    pub async fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.base)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, body: answer.text().await.unwrap() }
    }

    /// The stream's events, from the oracle's first answer on. The status of a refusal otherwise.
    pub async fn listen(&self, path: &str, last: Option<u64>) -> Result<Listener, u16> {
        let mut request = self.client.get(format!("{}{path}", self.base));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let answer = request.send().await.unwrap();
        match answer.status().as_u16() {
            200 => Ok(Listener { answer, text: String::new() }),
            status => Err(status),
        }
    }

    pub async fn bytes(&self, path: &str) -> Vec<u8> {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        answer.bytes().await.unwrap().to_vec()
    }

    pub async fn json(&self, path: &str) -> Value {
        let (status, text) = self.text(path).await;
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn event(&self, id: &EventId) -> EventView {
        serde_json::from_value(self.json(&format!("/v1/events/{id}")).await).unwrap()
    }

    /// As [`Http::post`] without a token, of an oracle that may die meanwhile.
    pub async fn try_post(&self, body: impl Into<reqwest::Body>) -> reqwest::Result<(u16, String)> {
        let answer = self.client.post(format!("{}/v1/measurements", self.base)).body(body).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    pub async fn post(&self, body: impl Into<reqwest::Body>, token: Option<&str>) -> (u16, Value) {
        let mut request = self.client.post(format!("{}/v1/measurements", self.base)).body(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    /// Asks for a measurement with this `Authorization`.
    pub async fn post_as(&self, body: impl Into<reqwest::Body>, authorization: &str) -> (u16, Value) {
        let request = self.client.post(format!("{}/v1/measurements", self.base)).body(body);
        let answer = request.header("authorization", authorization).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    pub async fn announce(&self, measurement: &Measurement) -> Announced {
        let (status, json) = self.post(measurement.canonical(), None).await;
        assert_eq!(status, 201, "{json}");
        serde_json::from_value(json).unwrap()
    }
}

/// What an oracle without its journal signs as readily as the first time: another outcome of an event that has matured.
/// The attestation's TLV, hex.
pub async fn second_attestation(world: &World, id: &EventId, value: u64) -> String {
    let key = world.key();
    let store = Store::open(&world.config().database_file(), Durability::Process).await.unwrap();
    let event = store.event(id).await.unwrap().unwrap();
    let outcome = terms::Outcome::Value(terms::OutcomeValue(value));
    let row = signer::EventRow {
        event_id: id.clone(),
        maturity_s: event.maturity,
        commitment: event.commitment,
        outcome: event.measurement.outcome.encode(&outcome),
        attested: false,
        database_mark: 0,
    };
    let (mut journal, _) = signer::Journal::open(&world.path("another.journal"), &key).unwrap();
    journal.announce(id, event.commitment).unwrap();
    let signer::SignDecision::Sign(cleared) = signer::decide_sign(&row, &journal.view(id), event.maturity)
    else {
        panic!("an empty journal forbids nothing");
    };
    let permit = journal.authorise(cleared).unwrap();
    let nonces = signer::Nonces::open(&key, id, &event.nonces).unwrap();
    let announcement = signer::wire::parse_announcement(&event.announcement).unwrap();
    signer::wire::attestation_hex(&signer::attest(&key, permit, nonces, &announcement).unwrap())
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
}
