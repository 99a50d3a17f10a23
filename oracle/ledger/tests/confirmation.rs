//! Outages that take several bad probes in a row, and end with several good ones.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{START_S, measurement, samples};
use ledger::{Grid, Incident, Report, SliceState, close_slices, outcome};
use serde_json::json;
use terms::{Measurement, UnixSeconds};

const UP: &str = "++++++++++";

/// Three bad probes are an outage, two good ones end it; every decided probe counts the same.
fn three_two() -> Measurement {
    measurement(json!({ "confirm": { "bad": 3, "good": 2 }, "method": { "occurrences": {} } }))
}

fn report(probes: &str) -> Report {
    let measurement = three_two();
    outcome(&measurement, &samples(&measurement, "fra1", probes)).unwrap()
}

/// Counted as good and as bad, and turned from bad to good and from good to bad.
fn counts(probes: &str) -> (u64, u64, u64, u64) {
    let report = report(probes);
    let turned = report.confirmed.unwrap();
    (report.probes.good, report.probes.bad, turned.unconfirmed, turned.held)
}

fn incident(from_slot: u64, to_slot: u64, bad: u64) -> Incident {
    let at = |slot: u64| UnixSeconds(START_S + slot * 60);
    Incident { start: at(from_slot), end: at(to_slot), bad, decided: bad }
}

#[test]
fn two_bad_probes_in_a_row_are_no_outage() {
    assert_eq!(counts(&format!("--++--++-+{UP}{UP}{UP}")), (40, 0, 5, 0));
    assert!(report(&format!("--++--++-+{UP}{UP}{UP}")).incidents.is_empty());
}

#[test]
fn an_outage_counts_from_its_first_bad_probe_to_the_first_of_the_good_ones_that_end_it() {
    // One good probe within it does not end it, and counts as bad.
    let probes = format!("++---+-+++{UP}{UP}{UP}");
    assert_eq!(counts(&probes), (35, 5, 0, 1));
    assert_eq!(report(&probes).incidents, [incident(2, 7, 5)]);
}

#[test]
fn an_outage_across_slices_is_one_incident_and_starts_where_it_began() {
    let probes = format!("++++++++-- -+++++++++ {UP}{UP}");
    assert_eq!(counts(&probes), (37, 3, 0, 0));
    assert_eq!(report(&probes).incidents, [incident(8, 11, 3)]);
    let longer = format!("++++++++-- ---------- -+++++++++ {UP}");
    assert_eq!(report(&longer).incidents, [incident(8, 21, 13)]);
}

#[test]
fn silence_neither_confirms_nor_breaks_a_run() {
    // Three bad probes with two undecided ones between them.
    assert_eq!(counts(&format!("-?-.-+++++{UP}{UP}{UP}")), (35, 3, 0, 0));
    // Two bad ones, however much silence lies between them.
    assert_eq!(counts(&format!("-?-..+++++{UP}{UP}{UP}")), (37, 0, 2, 0));
    // A good one between them does break it.
    assert_eq!(counts(&format!("-?-+-+++++{UP}{UP}{UP}")), (39, 0, 3, 0));
}

#[test]
fn silence_longer_than_the_rule_breaks_a_run_since_nobody_knows_whether_it_went_on() {
    assert_eq!(counts(&format!("--...-++++{UP}{UP}{UP}")), (34, 3, 0, 0), "three slots of silence");
    assert_eq!(counts(&format!("--....-+++{UP}{UP}{UP}")), (36, 0, 3, 0), "four slots of silence");
    // Maintenance is silence too.
    let maintained = measurement(json!({
        "confirm": { "bad": 3, "good": 2 }, "method": { "occurrences": {} },
        "exclusions": [{ "start": START_S + 600, "end": START_S + 1200 }],
    }));
    let probes = format!("++++++++-- ---------- -+++++++++ {UP}");
    let report = outcome(&maintained, &samples(&maintained, "fra1", &probes)).unwrap();
    assert_eq!((report.probes.good, report.probes.bad), (30, 0));
    assert!(report.incidents.is_empty());
}

#[test]
fn the_windows_end_confirms_nothing_and_ends_nothing() {
    assert_eq!(counts(&format!("{UP}{UP}{UP}++++++++--")), (40, 0, 2, 0));
    assert_eq!(counts(&format!("{UP}{UP}{UP}+++++----+")), (35, 5, 0, 1));
    assert_eq!(report(&format!("{UP}{UP}{UP}+++++----+")).incidents, [incident(35, 40, 5)]);
}

#[test]
fn a_slice_is_closed_once_its_last_run_is_decided_and_not_before() {
    let measurement = three_two();
    let grid = Grid::new(&measurement).unwrap();
    let all = samples(&measurement, "fra1", &format!("++++++++-- --++++++++ {UP}{UP}"));
    // Its last two probes are bad: whether that is an outage is known with the next one.
    assert!(close_slices(&grid, None, &all, 10).is_empty());
    let [first] = &close_slices(&grid, None, &all, 11)[..] else { panic!("one slice") };
    assert_eq!((first.good, first.bad, first.state), (8, 2, SliceState::Bad));
    assert!(first.ends_down());
    // From there on the first slice's samples are not needed.
    let rest: Vec<_> = all[10..].to_vec();
    let [second] = &close_slices(&grid, Some(first), &rest, 20)[..] else { panic!("one slice") };
    assert_eq!((second.good, second.bad, second.ends_down()), (8, 2, false));
    // Where nothing is in doubt, a slice is closed as it ends.
    let fine = samples(&measurement, "fra1", &format!("{UP}{UP}{UP}{UP}"));
    assert_eq!(close_slices(&grid, None, &fine, 10).len(), 1);
    // Silence after it is waited for only so long.
    let silent = samples(&measurement, "fra1", "++++++++--");
    assert!(close_slices(&grid, None, &silent, 13).is_empty());
    assert_eq!(close_slices(&grid, None, &silent, 14).len(), 1);
}

#[test]
fn the_explanation_says_what_was_turned() {
    let measurement = three_two();
    let words = report(&format!("++---+-+++ --++++++++ {UP}{UP}")).explain(&measurement);
    let said = "An outage takes 3 bad probes in a row and ends with 2 good ones: there was 1, of 300 s; 2 bad probes \
                were too few in a row and count as good, 1 good one did not end an outage and counts as bad.";
    assert!(words.contains(said), "{words}");
    assert!(words.contains("The share of bad probes is 1/8, or 125000.000 ppm"), "{words}");
}
