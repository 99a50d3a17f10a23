//! The examples of `docs/terms.md` are read, checked and compiled, and its figures hold.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use terms::{Agreement, Measurement, Outcome, OutcomeValue, Payout, PayoutTable, Sat, presets};

const PAGE: &str = include_str!("../../../docs/terms.md");

/// The examples marked as `kind`.
fn examples(kind: &str) -> Vec<&'static [u8]> {
    let opening = format!("```json {kind}\n");
    let after = PAGE.split(opening.as_str()).skip(1);
    after.map(|rest| rest.split("```").next().unwrap().as_bytes()).collect()
}

fn measurements() -> Vec<Measurement> {
    examples("measurement").into_iter().map(|text| Measurement::parse(text).unwrap()).collect()
}

fn payouts() -> Vec<Payout> {
    examples("payout").into_iter().map(|text| terms::canonical::parse_exact(text).unwrap()).collect()
}

fn table(payout: &Payout, measurement: &Measurement) -> PayoutTable {
    PayoutTable::compile(payout, &measurement.outcome, Sat(1_000_000), Sat(500_000)).unwrap()
}

#[test]
fn the_page_states_the_ids_of_its_examples() {
    let agreement = Agreement::parse(examples("agreement")[0]).unwrap();
    assert!(PAGE.contains(&format!("Its terms hash is `{}`", agreement.terms_hash())));
    let [first, ..] = &measurements()[..] else { panic!("a measurement") };
    assert!(PAGE.contains(&format!("Its event id is `{}`", first.event_id())));
    assert_eq!(agreement.measurement, *first);
}

#[test]
fn the_worked_step_pays_what_the_page_says() {
    let table = Agreement::parse(examples("agreement")[0]).unwrap().compile().unwrap();
    assert_eq!(table.at_value(OutcomeValue(1002)), Some(Sat(1_400_000)));
    assert_eq!(table.signature_estimate(), 53);
}

#[test]
fn the_worked_ramp_pays_what_the_page_says() {
    let table = table(&payouts()[1], &measurements()[1]);
    for (hours, provider_sat) in [
        (0, 1_500_000),
        (3, 1_500_000),
        (4, 1_400_000),
        (7, 1_400_000),
        (12, 1_240_000),
        (13, 1_240_000),
        (15, 1_240_000),
        (40, 680_000),
        (43, 680_000),
        (44, 0),
        (95, 0),
        (96, 1_500_000),
        (127, 1_500_000),
    ] {
        assert_eq!(table.at_value(OutcomeValue(hours)), Some(Sat(provider_sat)), "{hours} hours");
    }
    assert_eq!(table.signature_estimate(), 15);
}

#[test]
fn the_level_schedule_fits_the_measurement_with_levels() {
    let table = table(&payouts()[0], &measurements()[4]);
    assert_eq!(table.at(&Outcome::Level("unusable".to_owned())), Some(Sat(250_000)));
}

#[test]
fn the_page_lists_every_preset() {
    for preset in presets::all() {
        assert!(PAGE.contains(&format!("| `{}`", preset.name)), "{}", preset.name);
    }
}
