//! A small measurement, and samples for it written as one letter a probe.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![allow(dead_code, reason = "each test file uses its own part of these")]

use ledger::{Sample, Verdict};
use serde_json::{Value, json};
use terms::Measurement;

/// When the windows of these tests start: 2021-06-01T00:00:00Z.
pub const START_S: u64 = 1_622_505_600;

/// Four slices of ten minutes, ten probes a slice, one vantage.
pub fn measurement_json() -> Value {
    json!({
        "v": 1,
        "target": {
            "url": "http://edge.example/health", "method": "GET", "timeout_ms": 5000,
            "expect": { "status_from": 200, "status_to": 299, "body_max_bytes": 65536 }
        },
        "indicator": { "availability": {} },
        "window": { "start": START_S, "end": START_S + 2400 },
        "slice_s": 600,
        "probe_every_ms": 60_000,
        "method": { "ratio_timeslices": {} },
        "quorum": { "agree": 1, "vantages": 1 },
        "least_samples": 5,
        "indeterminate_above_ppm": 250_000,
        "rounding": "up",
        "outcome": { "numeric": {
            "unit": "ppm", "digits": 20, "max": 1_000_000, "indeterminate_from": 1_015_808, "worse": "higher"
        } }
    })
}

/// The small measurement with some top-level fields replaced.
pub fn measurement(changes: Value) -> Measurement {
    let mut document = measurement_json();
    for (field, value) in changes.as_object().unwrap() {
        document[field] = value.clone();
    }
    Measurement::parse(&serde_json::to_vec(&document).unwrap()).unwrap()
}

/// Samples of one vantage: `+` good, `-` bad, `?` unknown, `.` no sample; spaces are for the eye.
pub fn samples(measurement: &Measurement, vantage: &str, probes: &str) -> Vec<Sample> {
    let probes = probes.chars().filter(|c| *c != ' ').enumerate();
    probes.filter_map(|(index, c)| Some(sample(measurement, vantage, index as u64, verdict(c)?))).collect()
}

/// One sample, a second after its slot began.
pub fn sample(measurement: &Measurement, vantage: &str, probe: u64, verdict: Verdict) -> Sample {
    let unix_ms = measurement.window.start.0 * 1000 + probe * measurement.probe_every_ms + 1000;
    Sample { unix_ms, vantage: vantage.to_owned(), verdict, latency_ms: 20, value: None }
}

fn verdict(c: char) -> Option<Verdict> {
    match c {
        '+' => Some(Verdict::Good),
        '-' => Some(Verdict::Bad),
        '?' => Some(Verdict::Unknown),
        '.' => None,
        _ => panic!("{c} is no probe"),
    }
}
