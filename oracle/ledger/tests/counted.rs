//! What single probes count as agrees with the slices' verdicts and with the report's incidents.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{START_S, measurement, samples};
use ledger::{Grid, Report, Sample, SliceState, Verdict, counted, counted_so_far, evaluate};
use proptest::prelude::*;
use serde_json::{Value, json};
use terms::Measurement;

/// What all probes of a window count as: `+`, `-` and `?`, with `.` where there is none. And the window's report.
fn count(measurement: &Measurement, samples: &[Sample]) -> (String, Report) {
    let grid = Grid::new(measurement).unwrap();
    let evaluation = evaluate(measurement, samples).unwrap();
    let mut letters = vec!['.'; usize::try_from(grid.probes()).unwrap()];
    for slice in &evaluation.slices {
        let own = |sample: &&Sample| grid.slice_of(sample.unix_ms) == Some(slice.index);
        let own: Vec<Sample> = samples.iter().filter(own).cloned().collect();
        for (probe, verdict) in counted(&grid, slice, &own) {
            letters[usize::try_from(probe).unwrap()] = letter(verdict);
        }
    }
    (letters.into_iter().collect(), evaluation.report)
}

fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::Good => '+',
        Verdict::Bad => '-',
        Verdict::Unknown => '?',
    }
}

fn shown(changes: Value, probes: &str) -> String {
    let measurement = measurement(changes);
    let samples = samples(&measurement, "fra1", probes);
    count(&measurement, &samples).0
}

fn so_far(changes: Value, probes: &str) -> String {
    let measurement = measurement(changes);
    let samples = samples(&measurement, "fra1", probes);
    let grid = Grid::new(&measurement).unwrap();
    counted_so_far(&grid, None, &samples).into_iter().map(|(_, verdict)| letter(verdict)).collect()
}

#[test]
fn an_outage_is_shown_when_it_is_confirmed_and_as_it_is_confirmed() {
    let rule = || json!({ "confirm": { "bad": 3, "good": 2 } });
    let up = "++++++++++";
    assert_eq!(shown(rule(), &format!("--+---+-++ {up} {up} {up}")), format!("+++-----++{up}{up}{up}"));
    assert_eq!(so_far(rule(), "++--"), "++++", "two bad probes are no outage yet");
    assert_eq!(so_far(rule(), "++---"), "++---");
    assert_eq!(so_far(rule(), "++---+"), "++----", "one good probe is no end yet");
    assert_eq!(so_far(rule(), "++---++"), "++---++");
    assert_eq!(so_far(json!({}), "++-"), "++-");
}

#[test]
fn what_a_slice_tolerates_is_not_down_and_what_was_not_measured_is_unknown() {
    let tolerant = json!({ "method": { "timeslices": { "bad_above_ppm": 100_000 } } });
    let probes = "-+++++++++ --++++++++ -+++...... -?++++++++";
    assert_eq!(shown(tolerant, probes), "++++++++++--++++++++????......-?++++++++");
}

proptest! {
    #[test]
    fn the_probes_shown_as_down_are_those_that_the_verdicts_count(
        probes in "[+?.-]{40}",
        rule in prop::sample::select(vec![(1, 1), (2, 1), (3, 2), (1, 4)]),
        method in prop::sample::select(vec!["ratio_timeslices", "occurrences"]),
    ) {
        let (bad, good) = rule;
        let mut changes = json!({ "method": { method: {} }, "least_samples": 3 });
        if rule != (1, 1) {
            changes["confirm"] = json!({ "bad": bad, "good": good });
        }
        let measurement = measurement(changes);
        let samples = samples(&measurement, "fra1", &probes);
        let (shown, report) = count(&measurement, &samples);
        let slices = evaluate(&measurement, &samples).unwrap().slices;
        for (slice, shown) in slices.iter().zip(shown.as_bytes().chunks(10)) {
            let is = |letter: u8| shown.iter().filter(|shown| **shown == letter).count() as u64;
            let expected = if slice.state == SliceState::Unmeasured && slice.confirmed.is_none() {
                (0, 0)
            } else {
                (slice.good, slice.bad)
            };
            prop_assert_eq!((is(b'+'), is(b'-')), expected, "slice {}", slice.index);
        }
        if rule != (1, 1) {
            prop_assert_eq!(starts(&shown), report.incidents.iter().map(|it| it.start.0).collect::<Vec<_>>());
        }
    }
}

/// When the runs of bad probes begin, whatever could not be decided between them.
fn starts(shown: &str) -> Vec<u64> {
    let mut down = false;
    let mut starts = Vec::new();
    for (slot, letter) in (0..).zip(shown.chars()).filter(|(_, letter)| matches!(letter, '+' | '-')) {
        if letter == '-' && !down {
            starts.push(START_S + slot * 60);
        }
        down = letter == '-';
    }
    starts
}
