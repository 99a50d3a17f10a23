//! Oracles that may differ: the rules, and what the choice between combinations may cost.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use crate::common;

use common::{AGREEMENT, agreement, refused_agreement, with};
use proptest::prelude::*;
use serde_json::{Value, json};
use terms::{
    Agreement, CompileError, Credit, Hex32, NumericScale, OracleSet, OutcomeValue, Payout, PayoutTable,
    Piece, Sat, Scale, Schedule, Side, Spread, Tolerance,
};

/// 64 hex digits that begin with a number.
fn key(number: usize) -> Value {
    json!(format!("{number:02}{}", "0".repeat(62)))
}

fn oracles(
    count: usize,
    threshold: u64,
    max_error_exp: u64,
    min_fail_exp: u64,
    max_spread_sat: u64,
) -> Value {
    let tolerance = json!({
        "max_error_exp": max_error_exp, "min_fail_exp": min_fail_exp, "max_spread_sat": max_spread_sat,
    });
    json!({
        "keys": (0..count).map(key).collect::<Vec<_>>(), "threshold": threshold, "tolerance": tolerance,
    })
}

/// What two-of-three oracles with a tolerance are refused for.
fn refused(max_error_exp: u64, min_fail_exp: u64, max_spread_sat: u64) -> (String, String) {
    let oracles = oracles(3, 2, max_error_exp, min_fail_exp, max_spread_sat);
    let error = refused_agreement(&[("/oracles", oracles)]);
    (error.field, error.rule)
}

fn accepted(oracles: Value) -> Agreement {
    Agreement::parse(&with(AGREEMENT, &[("/oracles", oracles)])).unwrap()
}

#[test]
fn a_tolerance_is_for_several_oracles_and_numbers() {
    let error = refused_agreement(&[("/oracles", oracles(1, 1, 4, 2, 0))]);
    assert_eq!(error.field, "oracles.tolerance");
    assert_eq!(error.rule, "must be left out where the threshold is 1");
    let mut levels: Value =
        serde_json::from_slice(include_bytes!("golden/agreement-levels-v1.json")).unwrap();
    levels["oracles"] = oracles(3, 2, 4, 2, 0);
    let error = Agreement::parse(&serde_json::to_vec(&levels).unwrap()).unwrap_err();
    assert_eq!(error.field, "oracles.tolerance");
    assert_eq!(error.rule, "must be left out where the outcome is an enum");
}

/// Twenty digits, max 1,000,000, indeterminate from 1,015,808: 15,808 values in between, so 2^13 and not 2^14.
#[test]
fn a_clamped_maximum_never_agrees_with_no_data() {
    accepted(oracles(3, 2, 12, 11, 1_000_000));
    let (field, rule) = refused(13, 11, 1_000_000);
    assert_eq!(field, "oracles.tolerance.max_error_exp");
    assert_eq!(
        rule,
        "must be such that the scale's max + 2^(max_error_exp + 1) is at most indeterminate_from"
    );
}

#[test]
fn no_data_never_agrees_with_a_value_below_its_block() {
    let small_block = [("/outcome/numeric/indeterminate_from", json!((1 << 20) - (1 << 12)))];
    let about = |exp| {
        let mut document: Value = serde_json::from_slice(&common::agreement_about(&small_block)).unwrap();
        document["oracles"] = oracles(3, 2, exp, 1, 0);
        Agreement::parse(&serde_json::to_vec(&document).unwrap())
    };
    about(12).unwrap();
    let error = about(13).unwrap_err();
    assert_eq!(error.field, "oracles.tolerance.max_error_exp");
    assert_eq!(error.rule, "must be such that 2^max_error_exp values fit into the indeterminate block");
}

#[test]
fn exponents_are_ordered_and_on_the_scale() {
    let max = "oracles.tolerance.max_error_exp";
    let min = "oracles.tolerance.min_fail_exp";
    for (max_error_exp, min_fail_exp, field) in
        [(20, 2, max), (64, 2, max), ((1 << 53) - 1, 2, max), (4, 4, min), (4, 5, min), (0, 0, min)]
    {
        assert_eq!(refused(max_error_exp, min_fail_exp, 0).0, field, "{max_error_exp} {min_fail_exp}");
    }
    assert_eq!(refused(4, 2, 2_100_000_000_000_001).0, "oracles.tolerance.max_spread_sat");
    accepted(oracles(3, 2, 1, 0, 0));
}

/// Steps at 1001, 10,001 and 50,001 ppm; 2 * (2^12 - 1) = 8190 ppm reach over one of them at a time. The widest is
/// the last, from 250,000 to 1,000,000 ppm of a price of 1,000,000 sat.
#[test]
fn the_spread_is_the_widest_step_within_reach_and_is_bounded_by_the_agreement() {
    let agreement = accepted(oracles(3, 2, 12, 11, 750_000));
    let table = agreement.compile().unwrap();
    let spread = Spread { sat: Sat(750_000), from: OutcomeValue(50_000), to: OutcomeValue(50_001) };
    assert_eq!(agreement.oracles.spread(&table), Some(spread));
    let error = accepted(oracles(3, 2, 12, 11, 749_999)).compile().unwrap_err();
    assert_eq!(error, CompileError::Spread { spread, most_sat: Sat(749_999) });
    assert_eq!(
        error.to_string(),
        "oracles.tolerance.max_spread_sat: combinations of oracles may settle 750000 sat apart \
         (outcomes 50000 and 50001); agreed is 749999"
    );
}

#[test]
fn where_all_must_attest_nobody_can_choose() {
    let agreement = accepted(oracles(3, 3, 12, 11, 0));
    let table = agreement.compile().unwrap();
    assert_eq!(agreement.oracles.spread(&table).unwrap().sat, Sat(0));
}

#[test]
fn without_a_tolerance_there_is_no_spread() {
    let agreement = agreement();
    assert_eq!(agreement.oracles.spread(&agreement.compile().unwrap()), None);
}

/// One oracle 53 signatures, as the documentation says; every pair of three as many.
#[test]
fn each_combination_costs_as_much_as_one_oracle() {
    let mut agreement = agreement();
    let table = agreement.compile().unwrap();
    assert_eq!(table.signatures(&agreement.oracles), 53);
    agreement.oracles.keys = (1..=3).map(|tag| Hex32([tag; 32])).collect();
    agreement.oracles.threshold = 2;
    assert_eq!(table.signatures(&agreement.oracles), 3 * 53);
}

/// A table of steps on 8 digits: 0 to 200, indeterminate from 240.
fn table(steps: &[(u64, u64)]) -> Option<PayoutTable> {
    let scale = NumericScale {
        max: OutcomeValue(200),
        indeterminate_from: OutcomeValue(240),
        ..NumericScale::count("h", 200)?
    };
    let mut credit = 0;
    let mut pieces: Vec<Piece> = vec![Piece::step(0, Credit::NONE)];
    for (from, more) in steps {
        credit = (credit + more).min(1_000_000);
        pieces.push(Piece::step(*from, Credit::of_price(credit)));
    }
    let schedule = Schedule::Numeric { pieces, quantum_bits: 0 };
    let payout = Payout { schedule, indeterminate: Credit::ALL, round_to: Side::Buyer };
    PayoutTable::compile(&payout, &Scale::Numeric(scale), Sat(1_000_000), Sat(0)).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_spread_is_what_every_pair_of_values_says(
        steps in proptest::collection::btree_map(1u64..=200, 1_000u64..300_000, 0..12),
        distance in 0u64..260,
    ) {
        let steps: Vec<(u64, u64)> = steps.into_iter().collect();
        let Some(table) = table(&steps) else { return Ok(()) };
        let at = |value| table.at_value(OutcomeValue(value)).unwrap().0;
        let widest = (0..240u64)
            .flat_map(|low| (low..240.min(low + distance + 1)).map(move |high| (low, high)))
            .map(|(low, high)| at(low).abs_diff(at(high)))
            .max();
        let spread = table.spread(distance);
        prop_assert_eq!(Some(spread.sat.0), widest);
        prop_assert_eq!(at(spread.from.0).abs_diff(at(spread.to.0)), spread.sat.0);
        prop_assert!(spread.to.0 - spread.from.0 <= distance);
    }

    #[test]
    fn an_agreed_spread_is_never_exceeded_by_two_honest_levels(
        steps in proptest::collection::btree_map(1u64..=200, 1_000u64..300_000, 0..12),
        max_error_exp in 1u64..=4,
    ) {
        let steps: Vec<(u64, u64)> = steps.into_iter().collect();
        let Some(table) = table(&steps) else { return Ok(()) };
        let tolerance = Tolerance { max_error_exp, min_fail_exp: 0, max_spread_sat: Sat(0) };
        let reach = tolerance.reach();
        let keys = vec![Hex32([1; 32]), Hex32([2; 32]), Hex32([3; 32])];
        let oracles = OracleSet { keys, threshold: 2, tolerance: Some(tolerance) };
        let spread = oracles.spread(&table).unwrap().sat.0;
        let at = |value| table.at_value(OutcomeValue(value)).unwrap().0;
        for between in 0..=200u64 {
            for level in between.saturating_sub(reach)..=(between + reach) {
                for other in between.saturating_sub(reach)..=(between + reach) {
                    prop_assert!(at(level).abs_diff(at(other)) <= spread);
                }
            }
        }
    }
}
