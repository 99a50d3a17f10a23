//! The oracle under test: the built program in system time, and a service for it that always fails.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ddk::logger::Logger;
use ddk::oracle::kormir::KormirOracleClient;
use ddk::oracle::p2p_derivatives::P2PDOracleClient;
use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::{FailingTarget, Phase, Process, ProcessBuilder};

/// What a test's helpers fail with.
pub type Failure = Box<dyn Error>;

/// What the measured host is called where events are known by an asset.
pub const ASSET: &str = "edge01";

/// How long starting may take on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// From the announcement to the window; an announcement must be out before its window starts.
const LEAD_S: u64 = 5;
const WINDOW_S: u64 = 4;
const PUBLICATION_DELAY_S: u64 = 2;

/// A running oracle; it ends with this value.
pub struct Oracle {
    base: String,
    http: reqwest::Client,
    _process: Process,
    _target: FailingTarget,
    _folder: TempDir,
}

impl Oracle {
    /// Makes a key, starts `earnest-oracle serve`, and waits until it is ready.
    ///
    /// Every probe fails, since that is the same outcome however few probes a busy machine gets done.
    pub async fn start() -> Result<Self, Failure> {
        let target = FailingTarget::start_in_real_time().await?;
        target.set(Phase::Status(503));
        let folder = tempfile::tempdir()?;
        let addr = testbed::free_addr()?;
        let config = folder.path().join("oracle.toml");
        std::fs::write(&config, configuration(addr, target.addr()))?;
        let init = program("init", &config)?.spawn()?.wait(START_LIMIT).await?;
        assert!(init.success(), "init ended with {init}");
        let mut process = program("serve", &config)?.spawn()?;
        process.wait_ready(addr, START_LIMIT).await?;
        let (base, http) = (format!("http://{addr}"), reqwest::Client::new());
        Ok(Self { base, http, _process: process, _target: target, _folder: folder })
    }

    /// ddk's client, connected as ddk connects it.
    pub async fn client(&self) -> Result<KormirOracleClient, Failure> {
        let logger = Arc::new(Logger::disabled("kormir".to_owned()));
        Ok(KormirOracleClient::new(&self.base, None, logger).await?)
    }

    /// ddk's client of p2pderivatives' oracle, connected as ddk connects it.
    pub async fn p2pd_client(&self) -> Result<P2PDOracleClient, Failure> {
        Ok(P2PDOracleClient::new(&self.base).await?)
    }

    /// When an event matures, in unix seconds.
    pub async fn maturity(&self, event_id: &str) -> Result<u64, Failure> {
        let url = format!("{}/v1/events/{event_id}", self.base);
        let event: Value = self.http.get(url).send().await?.json().await?;
        Ok(event["maturity"].as_u64().ok_or("no maturity")?)
    }

    /// Asks for a measurement of a window in the near future, with the outcome on this scale. Returns the event's id.
    pub async fn announce(&self, scale: Value) -> Result<String, Failure> {
        let url = format!("{}/v1/measurements", self.base);
        let answer = self.http.post(url).json(&measurement(now_s() + LEAD_S, scale)).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        assert_eq!(status, 201, "{body}");
        let announced: Value = serde_json::from_str(&body)?;
        Ok(announced["event_id"].as_str().ok_or("no event_id")?.to_owned())
    }

    /// The outcome that the oracle published before it signed.
    pub async fn outcome(&self, event_id: &str) -> Result<Value, Failure> {
        let url = format!("{}/v1/events/{event_id}", self.base);
        let mut event: Value = self.http.get(url).send().await?.json().await?;
        Ok(event["provisional"]["outcome"].take())
    }
}

/// Unix seconds by the clock that the oracle goes by as well.
pub fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn program(command: &str, config: &Path) -> Result<ProcessBuilder, Failure> {
    let log = config.with_file_name("log");
    Ok(ProcessBuilder::binary("earnest-oracle", log)?.args([command, "--config"]).arg(config))
}

fn configuration(oracle: SocketAddr, target: SocketAddr) -> String {
    format!(
        "network = \"regtest\"\nlisten = \"{oracle}\"\ndata_dir = \"data\"\n\
         publication_delay_s = {PUBLICATION_DELAY_S}\n\
         [[resolve]]\nhost = \"edge.example\"\naddr = \"{target}\"\n\
         [[alias]]\nasset = \"{ASSET}\"\nhost = \"edge.example\"\n"
    )
}

fn measurement(start: u64, scale: Value) -> Value {
    json!({
        "v": 1,
        "target": {
            "url": "http://edge.example/", "method": "GET", "timeout_ms": 500,
            "expect": { "status_from": 200, "status_to": 299, "body_max_bytes": 1_000 }
        },
        "indicator": { "availability": {} },
        "window": { "start": start, "end": start + WINDOW_S },
        "slice_s": WINDOW_S,
        "probe_every_ms": 1_000,
        "method": { "occurrences": {} },
        "quorum": { "agree": 1, "vantages": 1 },
        "least_samples": 1,
        "indeterminate_above_ppm": 100_000,
        "rounding": "up",
        "outcome": scale
    })
}
