//! Where a changed bundle breaks.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{measurement, samples};
use ledger::bundle::{AuditError, Bundle, Check, Draft, root};
use ledger::{Moments, close_slices, schedule};
use serde_json::json;
use terms::{Hex32, Outcome, OutcomeValue};

fn bundle() -> Bundle {
    let measurement = measurement(json!({}));
    let samples = samples(&measurement, "fra1", "-+++++++++ ++++++++++ ++++++++++ ++++++++++");
    let draft = Draft {
        measurement,
        announcement: "00".to_owned(),
        attestation: None,
        seed_commitment: Some(schedule::seed_commitment(&[7; 32])),
        probe_seed: Some(Hex32([7; 32])),
        root_signature: None,
        log: None,
        vantages: Vec::new(),
    };
    Bundle::build(draft, &samples).unwrap()
}

fn broken(change: impl FnOnce(&mut Bundle)) -> AuditError {
    let mut bundle = bundle();
    change(&mut bundle);
    bundle.audit().unwrap_err()
}

#[test]
fn an_untouched_bundle_says_what_was_measured() {
    let evaluation = bundle().audit().unwrap();
    assert_eq!(evaluation.report.outcome, Outcome::Value(OutcomeValue(25_000)));
}

#[test]
fn a_changed_slice_is_named() {
    let error = broken(|bundle| bundle.slices[2].bad = 1);
    assert_eq!(error, AuditError::Slice { index: 2, check: Check::Counts });
    assert_eq!(error.to_string(), "slice 2, counts: not what its samples give");
    let error = broken(|bundle| bundle.slices.truncate(3));
    assert_eq!(error, AuditError::SliceCount { expected: 4, got: 3 });
}

#[test]
fn whoever_changes_a_sample_and_its_slice_has_another_root() {
    let honest = bundle();
    let mut forged = honest.clone();
    forged.samples = forged.samples.replacen(",0,", ",1,", 1);
    let grid = ledger::Grid::new(&forged.measurement).unwrap();
    let changed = ledger::csv::read(forged.samples.as_bytes()).unwrap();
    forged.slices = close_slices(&grid, None, &changed, grid.probes());
    let expected = root(&forged.slices);
    assert_eq!(forged.audit().unwrap_err(), AuditError::Root { expected, got: honest.root });
}

#[test]
fn a_changed_report_is_named() {
    let error = broken(|bundle| bundle.report.outcome = Outcome::Indeterminate);
    assert_eq!(error, AuditError::Report { check: Check::Outcome });
    let error = broken(|bundle| bundle.report.value = Some(1));
    assert_eq!(error, AuditError::Report { check: Check::Reading });
    let error = broken(|bundle| bundle.report.incidents.clear());
    assert_eq!(error, AuditError::Report { check: Check::Counts });
}

#[test]
fn samples_that_nothing_hashes_cannot_hide_in_a_bundle() {
    let outside = |bundle: &mut Bundle| bundle.samples.push_str("99000000000000,fra1,1,20\n");
    assert_eq!(broken(outside), AuditError::Order { line: 42 });
    let twice = |bundle: &mut Bundle| {
        let line = bundle.samples.lines().nth(1).unwrap().to_owned();
        bundle.samples = bundle.samples.replacen(&line, &format!("{line}\n{line}"), 1);
    };
    assert_eq!(broken(twice), AuditError::Order { line: 3 });
    let spelled_otherwise =
        |bundle: &mut Bundle| bundle.samples = bundle.samples.replacen(",20\n", ",020\n", 1);
    assert_eq!(broken(spelled_otherwise), AuditError::Order { line: 2 });
}

#[test]
fn another_seed_than_committed_is_refused() {
    assert_eq!(broken(|bundle| bundle.probe_seed = Some(Hex32([8; 32]))), AuditError::Seed);
}

#[test]
fn probes_before_their_moments_are_named_and_late_ones_counted() {
    // A second after its slot began, and the seed says later.
    let first = AuditError::Moment {
        line: 2,
        vantage: "fra1".to_owned(),
        probe: 0,
        at_ms: schedule::probe_at_ms(&bundle().measurement, &[7; 32], "fra1", 0),
    };
    assert_eq!(bundle().audit_moments().unwrap_err(), first);
    let moved = |after_ms: u64| {
        let mut bundle = bundle();
        let moment = |probe| schedule::probe_at_ms(&bundle.measurement, &[7; 32], "fra1", probe);
        let line = |probe| format!("{},fra1,1,20\n", moment(probe) + if probe == 3 { after_ms } else { 0 });
        bundle.samples = format!("{}\n{}", ledger::csv::HEADER, (0..40).map(line).collect::<String>());
        bundle.audit_moments().unwrap().unwrap()
    };
    assert_eq!(moved(1_000), Moments { on_time: 40, late: 0 });
    assert_eq!(moved(1_001), Moments { on_time: 39, late: 1 });
    let silent = Bundle { probe_seed: None, ..bundle() };
    assert_eq!(silent.audit_moments().unwrap(), None);
}

#[test]
fn a_measurement_that_breaks_a_rule_is_named() {
    let error = broken(|bundle| bundle.measurement.slice_s = 0);
    assert_eq!(error.to_string(), "measurement.slice_s: must divide the window's length");
}

#[test]
fn bytes_that_are_no_bundle_are_refused_with_their_place() {
    let error = Bundle::parse(b"{\n\"v\": 1, \"w\": 2}").unwrap_err();
    assert!(matches!(error, AuditError::Json { line: 2, .. }), "{error}");
}
