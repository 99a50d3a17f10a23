//! Presets at the borders that their pages state: from samples, through the outcome, to what goes back.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{START_S, measurement, sample};
use ledger::{Verdict, outcome};
use serde_json::json;
use terms::presets::{self, Preset};
use terms::{Credit, Measurement, Method, PayoutTable, Sat, Side};

/// A row of a page: below this uptime (or at it, where the page says "or less") this percentage goes back.
struct Row {
    uptime: &'static str,
    or_less: bool,
    percent: u64,
}

const fn below(uptime: &'static str, percent: u64) -> Row {
    Row { uptime, or_less: false, percent }
}

/// What the pages say, largest uptime first.
fn pages() -> Vec<(&'static str, Vec<Row>)> {
    vec![
        ("amazon-s3-standard", vec![below("99.9", 10), below("99.0", 25), below("95.0", 100)]),
        ("amazon-s3-infrequent-access", vec![below("99.0", 10), below("98.0", 25), below("95.0", 100)]),
        ("amazon-ec2-region", vec![below("99.99", 10), below("99.0", 30), below("95.0", 100)]),
        ("amazon-dax-multi-az", vec![below("99.99", 10), below("99.0", 25), below("95.0", 100)]),
        ("amazon-dax-single-az", vec![below("99.5", 10), below("99.0", 25), below("95.0", 100)]),
        ("amazon-cloud-directory", vec![below("99.9", 10), below("99.0", 25), below("95.0", 100)]),
        ("amazon-lambda", vec![below("99.95", 10), below("99.0", 25), below("95.0", 100)]),
        ("azure-virtual-machines", vec![below("99.99", 10), below("99", 25), below("95", 100)]),
        ("google-cloud-functions", vec![below("99.5", 10), below("99", 25), below("95", 50)]),
        ("google-cloud-interconnect", vec![below("99.99", 10), below("99.0", 25)]),
        ("github-enterprise-cloud", vec![Row { or_less: true, ..below("99.9", 10) }, below("99.0", 25)]),
    ]
}

/// Parts per million of downtime in a percentage of uptime, from its digits.
fn down_ppm(uptime: &str) -> u64 {
    let (whole, part) = uptime.split_once('.').unwrap_or((uptime, ""));
    let up = whole.parse::<u64>().unwrap() * 10_000 + format!("{part:0<4}").parse::<u64>().unwrap();
    1_000_000 - up
}

/// The preset's measurement over its period, so many probes a slice.
fn over_its_period(preset: &Preset, probes_per_slice: u64) -> Measurement {
    let days = if preset.period == "quarter" { 90 } else { 30 };
    measurement(json!({
        "window": { "start": START_S, "end": START_S + days * 86_400 },
        "slice_s": preset.slice_s,
        "probe_every_ms": preset.slice_s * 1000 / probes_per_slice,
        "target": {
            "url": "http://edge.example/health", "method": "GET", "timeout_ms": 500,
            "expect": { "status_from": 200, "status_to": 299, "body_max_bytes": 65536 }
        },
        "method": preset.method,
        "rounding": preset.rounding,
        "least_samples": 1,
    }))
}

/// What goes back in percent when the first probes fail, one a slice.
fn percent_back(preset: &Preset, measurement: &Measurement, bad: u64) -> u64 {
    let verdict = |probe| if probe < bad { Verdict::Bad } else { Verdict::Good };
    let samples: Vec<_> = (0..measurement.probe_count())
        .map(|probe| sample(measurement, "fra1", probe, verdict(probe)))
        .collect();
    let report = outcome(measurement, &samples).unwrap();
    let payout = preset.payout(Credit::NONE, Side::Buyer);
    let table = PayoutTable::compile(&payout, &measurement.outcome, Sat(1_000_000), Sat(0)).unwrap();
    (1_000_000 - table.at(&report.outcome).unwrap().0) / 10_000
}

#[test]
fn each_pays_at_the_borders_of_its_page_and_not_one_failure_earlier() {
    for (name, rows) in pages() {
        let preset = presets::find(name).unwrap();
        let measurement = over_its_period(preset, 1);
        let mut before = 0;
        for row in rows {
            let border = measurement.probe_count() * down_ppm(row.uptime);
            // The first number of failures with which uptime is below the page's, or not above it.
            let first = if row.or_less { border.div_ceil(1_000_000) } else { border / 1_000_000 + 1 };
            assert_eq!(
                percent_back(preset, &measurement, first - 1),
                before,
                "{name}, before {}",
                row.uptime
            );
            assert_eq!(percent_back(preset, &measurement, first), row.percent, "{name}, from {}", row.uptime);
            before = row.percent;
        }
    }
}

#[test]
fn every_preset_with_steps_stands_on_a_page_here() {
    let named: Vec<_> = pages().into_iter().map(|(name, _)| name).collect();
    let missing: Vec<_> =
        presets::all().iter().map(|preset| preset.name).filter(|n| !named.contains(n)).collect();
    assert_eq!(missing, ["cloudflare-enterprise"], "which is proportional");
}

#[test]
fn a_minute_is_bad_with_more_than_the_pages_share_of_errors() {
    // "More than 5 %": 1 of 20 is not; "more than 10 %": 2 of 20 is not.
    for (name, allowed) in [("github-enterprise-cloud", 1), ("google-cloud-functions", 2)] {
        let preset = presets::find(name).unwrap();
        assert!(matches!(preset.method, Method::Timeslices { .. }));
        let measurement = over_its_period(preset, 20);
        let bad_slices = |bad: u64| {
            let verdict = |probe| if probe < bad { Verdict::Bad } else { Verdict::Good };
            let minute: Vec<_> =
                (0..20).map(|probe| sample(&measurement, "fra1", probe, verdict(probe))).collect();
            outcome(&measurement, &minute).unwrap().slices.bad
        };
        assert_eq!((bad_slices(allowed), bad_slices(allowed + 1)), (0, 1), "{name}");
    }
}
