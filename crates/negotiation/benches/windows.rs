//! How many windows are imagined a second: a month of one-minute slices, a probe every 15 seconds.
//!
//! `cargo bench -p negotiation --bench windows` prints the pace for three services of the same availability. Each is held against the
//! floor, measured in the same run: what evaluating all 172,800 samples of one such month takes. It ends with exit code 1 where a
//! window takes more than a two-hundredth of that. Without `--bench`, as when all targets are tested, it imagines a few windows, which
//! only shows that this program still works.

#![expect(clippy::unwrap_used, reason = "a benchmark that can't go on ends at the place where it can't")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ledger::schedule::probe_at_ms;
use ledger::{Sample, Verdict};
use negotiation::simulate::{OracleRisk, Renewal, Service, Simulation, Timeline};
use terms::{Agreement, Measurement, UnixSeconds};

/// Measures a month in slices of five minutes; here of one.
const AGREEMENT: &[u8] = include_bytes!("../../terms/tests/golden/agreement-v1.json");

const MINUTE: u64 = 60_000;

/// A window must take at most this part of the time of all samples.
const QUICKER: u32 = 200;

fn main() -> ExitCode {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let windows = if is_bench { 20_000 } else { 20 };
    let mut slow = false;
    for (name, mttr_ms) in [("a minute", MINUTE), ("ten minutes", 10 * MINUTE), ("two hours", 120 * MINUTE)] {
        let simulation = simulation(mttr_ms);
        let floor = all_samples(&simulation);
        let each = imagined(&simulation, windows);
        let a_second = Duration::from_secs(1).as_nanos() / each.as_nanos().max(1);
        println!(
            "99.9 %, repaired in {name}: {a_second} windows a second, {each:.1?} each; all samples of one: {floor:.1?}"
        );
        slow |= each * QUICKER > floor;
    }
    if slow && is_bench {
        println!("a window takes more than one {QUICKER}th of evaluating all its samples");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// A service that is up 99.9 % of the time.
fn simulation(mttr_ms: u64) -> Simulation {
    let service = Service::Renewal(Renewal::Exponential { mtbf_ms: 999 * mttr_ms, mttr_ms });
    Simulation::new(&measurement(), service, OracleRisk::default(), 1).unwrap()
}

fn measurement() -> Measurement {
    let measurement = Agreement::parse(AGREEMENT).unwrap().measurement;
    Measurement { slice_s: 60, least_samples: 2, ..measurement }
}

/// The time of a window in the mean.
fn imagined(simulation: &Simulation, windows: u32) -> Duration {
    let began = Instant::now();
    black_box(simulation.run(0..u64::from(windows)));
    began.elapsed() / windows
}

/// The time of all samples of one window, which come to the same.
fn all_samples(simulation: &Simulation) -> Duration {
    let (measurement, timeline) = (measurement(), simulation.timeline(0));
    let samples = samples(&measurement, &timeline);
    let began = Instant::now();
    let whole = ledger::outcome(&measurement, &samples).unwrap().outcome;
    let took = began.elapsed();
    assert_eq!(whole, simulation.measure(&timeline));
    took
}

/// What the vantage would have written down.
fn samples(measurement: &Measurement, timeline: &Timeline) -> Vec<Sample> {
    let UnixSeconds(start_s) = measurement.window.start;
    let sample = |slot| {
        let unix_ms = probe_at_ms(measurement, &timeline.probe_seed, "v1", slot);
        let since_ms = unix_ms - start_s * 1000;
        let is_down = timeline.down_ms.iter().any(|range| range.contains(&since_ms));
        let verdict = if is_down { Verdict::Bad } else { Verdict::Good };
        Sample { unix_ms, vantage: "v1".to_owned(), verdict, latency_ms: 20, value: None }
    };
    (0..measurement.probe_count()).map(sample).collect()
}
