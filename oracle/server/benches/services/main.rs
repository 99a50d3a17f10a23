//! Many services at once, in real time: does every probe come when it is due, and what does that cost?
//!
//! `cargo bench -p earnest-oracle --bench services` starts a local responder and a real `earnest-oracle serve`, announces
//! 10,000 services (each a loopback address of its own, and an event of its own) and lets it probe each every 10 seconds
//! for 5 minutes. Then it reads from the oracle's database when each probe began, and when it was due by its seed. It ends
//! with exit code 1 where more than one probe in a hundred came more than a second late, or not at all.
//!
//! `-- --services 1000 --seconds 60 --every-ms 5000` asks for something else. Without `--bench`, as when all targets
//! are tested, it is five services for three seconds, which only shows that this program still works.

#![expect(clippy::unwrap_used, reason = "a benchmark that can't go on ends at the place where it can't")]

#[path = "../../tests/common/mod.rs"]
mod common;
mod figures;
mod process;
mod responder;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use common::{Http, measurement};
use earnest_oracle::operating::open_files;
use serde_json::json;
use terms::{EventId, Measurement};

use figures::Timing;
use process::{OracleProcess, Usage};

/// What to measure.
#[derive(Clone, Debug, Parser)]
struct Load {
    /// Services, each with its own address and event.
    #[arg(long, default_value_t = 10_000)]
    services: u32,
    /// How long they are probed.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// Milliseconds between two probes of one service.
    #[arg(long, default_value_t = 10_000)]
    every_ms: u64,
    /// Seconds until the window starts, in which everything is announced. Default: what a slow disk takes.
    #[arg(long)]
    lead_s: Option<u64>,
    /// Said by `cargo bench`.
    #[arg(long)]
    bench: bool,
}

impl Load {
    fn parsed() -> Self {
        let load = Self::parse();
        if load.bench { load } else { Self { services: 5, seconds: 3, every_ms: 1_000, ..load } }
    }

    fn probes(&self) -> u64 {
        u64::from(self.services) * self.seconds * 1000 / self.every_ms
    }

    /// Six probes to a slice where the window has room for that.
    fn slice_s(&self) -> u64 {
        let six = self.every_ms * 6 / 1000;
        if six > 0 && self.seconds.is_multiple_of(six) { six } else { self.seconds }
    }

    fn of_service(&self, number: u32, responder: SocketAddr, start: u64) -> Measurement {
        let host = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 0)) + number);
        measurement(|m| {
            m["target"]["url"] = json!(format!("http://{host}:{}/health", responder.port()));
            m["target"]["timeout_ms"] = json!(self.every_ms.min(5_000));
            m["window"] = json!({ "start": start, "end": start + self.seconds });
            m["slice_s"] = json!(self.slice_s());
            m["probe_every_ms"] = json!(self.every_ms);
            m["least_samples"] = json!(1);
        })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let load = Load::parsed();
    open_files::raise();
    let responder = responder::start().await;
    let oracle = OracleProcess::start(load.services).await;
    let start = now_s() + load.lead_s.unwrap_or(5 + u64::from(load.services) / 25);
    let events = announce(&load, &oracle.http, responder, start).await;
    sleep_until(start).await;
    let (before, size_before) = (Usage::of(oracle.pid()), oracle.database_bytes().await);
    sleep_until(start + load.seconds).await;
    let after = Usage::of(oracle.pid());
    let closing = Instant::now();
    oracle.until_closed(&events).await;
    println!("{} windows closed in {:.1?}", events.len(), closing.elapsed());
    let (size_after, log) = (oracle.database_bytes().await, oracle.http.json("/v1/log").await);
    let (folder, peak_kb) = oracle.stop();
    let timing = Timing::read(folder.path(), &events, load.probes()).await;
    timing.print();
    before.print_until(&after, load.seconds, peak_kb);
    figures::print_growth(size_after - size_before, timing.made, &log);
    if timing.is_late() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Announces every service's measurement before the window starts.
async fn announce(load: &Load, http: &Http, responder: SocketAddr, start: u64) -> Vec<EventId> {
    let began = Instant::now();
    let mut events = Vec::new();
    for number in 0..load.services {
        events.push(http.announce(&load.of_service(number, responder, start)).await.event_id);
    }
    println!("{} services every {} ms for {} s", load.services, load.every_ms, load.seconds);
    println!("announced in {:.1?}", began.elapsed());
    events
}

async fn sleep_until(unix_s: u64) {
    let left = unix_s.checked_sub(now_s()).expect("--lead-s is too short for this machine");
    tokio::time::sleep(Duration::from_secs(left)).await;
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
