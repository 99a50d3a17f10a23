//! A month of a service, and schedules for it.

use negotiation::simulate::{OracleRisk, Renewal, Service, Simulation};
use serde_json::{Value, json};
use terms::{Credit, Measurement, OracleSet, Payout, Piece, Schedule, Side};

pub const START: u64 = 1_622_505_600;
pub const MINUTE: u64 = 60_000;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// Thirty days of one-minute slices, a probe every 15 seconds, with some fields replaced.
pub fn month(changes: Value) -> Measurement {
    let mut document = json!({
        "v": 1,
        "target": {
            "url": "http://edge.example/health", "method": "GET", "timeout_ms": 5000,
            "expect": { "status_from": 200, "status_to": 299, "body_max_bytes": 65536 }
        },
        "indicator": { "availability": {} },
        "window": { "start": START, "end": START + 2_592_000 },
        "slice_s": 60,
        "probe_every_ms": 15_000,
        "method": { "occurrences": {} },
        "quorum": { "agree": 1, "vantages": 1 },
        "least_samples": 2,
        "indeterminate_above_ppm": 100_000,
        "rounding": "up",
        "outcome": { "numeric": {
            "unit": "ppm", "digits": 20, "max": 1_000_000, "indeterminate_from": 1_015_808, "worse": "higher"
        } }
    });
    for (field, value) in changes.as_object().unwrap() {
        document[field] = value.clone();
    }
    Measurement::parse(&serde_json::to_vec(&document).unwrap()).unwrap()
}

/// A service that fails and is repaired after exponential times.
pub fn failing(mtbf_ms: u64, mttr_ms: u64) -> Service {
    Service::Renewal(Renewal::Exponential { mtbf_ms, mttr_ms })
}

/// Windows of a service and an oracle that does its work.
pub fn simulation(measurement: &Measurement, service: Service, seed: u64) -> Simulation {
    Simulation::new(measurement, service, OracleRisk::default(), seed).unwrap()
}

/// Steps of the price, as Amazon S3 has them.
pub fn steps() -> Payout {
    terms::presets::find("amazon-s3-standard").unwrap().payout(Credit::NONE, Side::Buyer)
}

/// Nothing back up to 99.9 %, all of the price at 99.0 %, in proportion between.
pub fn proportional() -> Payout {
    let (none, all) = (Credit::NONE, Credit::of_price(1_000_000));
    let pieces = vec![Piece::step(0, none), Piece::ramp(1_000, none, all), Piece::step(10_000, all)];
    Payout {
        schedule: Schedule::Numeric { pieces, quantum_bits: 4 },
        indeterminate: Credit::NONE,
        round_to: Side::Buyer,
    }
}

/// One oracle.
pub fn oracle() -> OracleSet {
    OracleSet { keys: vec![terms::Hex32([1; 32])], threshold: 1, tolerance: None }
}
