//! The rules of an agreement, each broken once and named by its field.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use crate::common;

use common::{AGREEMENT, agreement, refused_agreement, with};
use serde_json::{Value, json};
use terms::{Agreement, CompileError, Sat};

fn each_is_refused(cases: &[(&str, Value, &str)]) {
    for (pointer, value, field) in cases {
        let error = refused_agreement(&[(pointer, value.clone())]);
        assert_eq!(error.field, *field, "{pointer} = {value}: {}", error.rule);
    }
}

fn accepted(changes: &[(&str, Value)]) -> Agreement {
    Agreement::parse(&with(AGREEMENT, changes)).unwrap()
}

/// 64 hex digits that begin with a number.
fn key(number: usize) -> Value {
    json!(format!("{number:02}{}", "0".repeat(62)))
}

#[test]
fn version_network_and_event_are_checked() {
    each_is_refused(&[
        ("/v", json!(2), "v"),
        ("/network", json!("testnet3"), "network"),
        ("/network", json!("bitcoin"), "network"),
        ("/event_id", json!(format!("sla1-{}", "0".repeat(64))), "event_id"),
        ("/event_id", json!("0".repeat(64)), "event_id"),
        ("/measurement/v", json!(2), "measurement.v"),
        ("/measurement/window/end", json!(1), "measurement.window.end"),
    ]);
    for network in ["regtest", "signet", "testnet4", "mainnet"] {
        accepted(&[("/network", json!(network))]);
    }
}

#[test]
fn more_than_half_of_the_oracles_must_agree_and_no_key_stands_twice() {
    let oracles = |count: usize, threshold: u64| json!({"keys": (0..count).map(key).collect::<Vec<_>>(), "threshold": threshold});
    each_is_refused(&[
        ("/oracles", oracles(0, 0), "oracles.keys"),
        ("/oracles", oracles(16, 9), "oracles.keys"),
        ("/oracles", oracles(1, 0), "oracles.threshold"),
        ("/oracles", oracles(1, 2), "oracles.threshold"),
        ("/oracles", oracles(2, 1), "oracles.threshold"),
        ("/oracles", oracles(4, 2), "oracles.threshold"),
        ("/oracles", oracles(3, 9_007_199_254_740_991), "oracles.threshold"),
        ("/oracles", json!({"keys": [key(1), key(2), key(1)], "threshold": 2}), "oracles.keys[2]"),
        ("/oracles/keys/0", json!("79"), "oracles.keys[0]"),
    ]);
    for (count, threshold) in [(1, 1), (2, 2), (3, 2), (15, 8)] {
        accepted(&[("/oracles", oracles(count, threshold))]);
    }
}

#[test]
fn nobody_contracts_with_himself() {
    let provider = json!(agreement().provider.key.to_string());
    each_is_refused(&[("/buyer/key", provider, "buyer.key")]);
}

#[test]
fn amounts_are_nothing_or_no_dust_and_exist() {
    each_is_refused(&[
        ("/price_sat", json!(1), "price_sat"),
        ("/price_sat", json!(999), "price_sat"),
        ("/bond_sat", json!(999), "bond_sat"),
        ("/price_sat", json!(2_100_000_000_000_001_u64), "price_sat"),
        ("/bond_sat", json!(2_100_000_000_000_000_u64), "bond_sat"),
    ]);
    let nothing = [("/price_sat", json!(0)), ("/bond_sat", json!(0))];
    assert_eq!(refused_agreement(&nothing).field, "price_sat");
    accepted(&[("/price_sat", json!(0)), ("/bond_sat", json!(1000))]);
    accepted(&[("/price_sat", json!(1000)), ("/bond_sat", json!(0))]);
}

#[test]
fn deadlines_and_fees_have_bounds() {
    each_is_refused(&[
        ("/funding_deadline", json!(1_622_505_600), "funding_deadline"),
        ("/refund_delay_s", json!(599), "refund_delay_s"),
        ("/refund_delay_s", json!(31_536_001), "refund_delay_s"),
        ("/fee_rate_sat_vb", json!(0), "fee_rate_sat_vb"),
        ("/fee_rate_sat_vb", json!(1001), "fee_rate_sat_vb"),
    ]);
    accepted(&[("/funding_deadline", json!(1_622_505_599)), ("/refund_delay_s", json!(600))]);
}

#[test]
fn a_schedule_starts_at_0_ascends_and_shares_at_most_everything() {
    let piece = |from: u64| json!({"from": from, "credit": {"price_back_ppm": 0, "bond_forfeit_ppm": 0}});
    let pieces = "/payout/schedule/numeric/pieces";
    let many: Vec<_> = (0..257).map(piece).collect();
    each_is_refused(&[
        (pieces, json!([]), "payout.schedule.numeric.pieces"),
        (pieces, json!(many), "payout.schedule.numeric.pieces"),
        (pieces, json!([piece(1)]), "payout.schedule.numeric.pieces[0].from"),
        (pieces, json!([piece(0), piece(9), piece(9)]), "payout.schedule.numeric.pieces[2].from"),
        (
            "/payout/schedule/numeric/pieces/1/credit/price_back_ppm",
            json!(1_000_001),
            "payout.schedule.numeric.pieces[1].credit.price_back_ppm",
        ),
        (
            "/payout/schedule/numeric/pieces/1/ramp_to",
            json!({"price_back_ppm": 0, "bond_forfeit_ppm": 1_000_001}),
            "payout.schedule.numeric.pieces[1].ramp_to.bond_forfeit_ppm",
        ),
        ("/payout/schedule/numeric/quantum_bits", json!(24), "payout.schedule.numeric.quantum_bits"),
        ("/payout/indeterminate/bond_forfeit_ppm", json!(1_000_001), "payout.indeterminate.bond_forfeit_ppm"),
        ("/payout/schedule", json!({"levels": []}), "payout.schedule.levels"),
        ("/payout/round_to", json!("oracle"), "payout.round_to"),
    ]);
}

#[test]
fn an_agreement_that_was_never_checked_does_not_panic() {
    let mut agreement = agreement();
    agreement.price_sat = Sat(u64::MAX);
    agreement.oracles.threshold = u64::MAX;
    assert_eq!(agreement.total_sat(), Sat(u64::MAX));
    assert!(agreement.validate().is_err());
    assert!(matches!(agreement.compile(), Err(CompileError::Invalid(error)) if error.field == "price_sat"));
}

#[test]
fn the_next_window_begins_where_this_one_ends_and_all_its_moments_move_along() {
    let this = accepted(&[]);
    let next = this.renewed().unwrap();
    let (window, by) = (this.measurement.window, this.measurement.window.seconds());
    assert_eq!(next.measurement.window.start, window.end, "no pause and no overlap");
    assert_eq!(next.measurement.window.seconds(), by);
    assert_eq!(next.funding_deadline.0, this.funding_deadline.0 + by);
    assert_ne!(next.event_id, this.event_id);
    assert_eq!(next.event_id, next.measurement.event_id());
    let excluded = this.measurement.exclusions.iter().zip(&next.measurement.exclusions);
    for (before, after) in excluded {
        assert_eq!((after.start.0, after.end.0), (before.start.0 + by, before.end.0 + by));
    }
    let moved = Agreement {
        measurement: this.measurement.clone(),
        event_id: this.event_id.clone(),
        funding_deadline: this.funding_deadline,
        ..next.clone()
    };
    assert_eq!(moved, this, "all else is the same");
    assert_eq!(Agreement::parse(&next.canonical()).unwrap(), next);
}

#[test]
fn a_deliverys_deadline_moves_with_its_window() {
    let this = common::agreement().measurement;
    let deadline = this.window.start.0 + 60;
    let lateness = json!({"lateness": {"deadline": deadline, "unit_s": 60}});
    let scale = json!({"numeric": {"unit": "minutes", "digits": 10, "max": 500, "indeterminate_from": 512, "worse": "higher"}});
    let document = common::agreement_about(&[
        ("/indicator", lateness),
        ("/method", json!({"occurrences": {}})),
        ("/outcome", scale),
    ]);
    let agreement = Agreement::parse(&document).unwrap();
    let next = agreement.renewed().unwrap();
    let terms::Indicator::Lateness { deadline: moved, .. } = next.measurement.indicator else {
        panic!("lateness")
    };
    assert_eq!(moved.0, deadline + this.window.seconds());
}

#[test]
fn a_window_too_late_for_locktimes_is_not_renewed() {
    let this = accepted(&[]);
    let mut last = this.clone();
    let by = this.measurement.window.seconds();
    let room = (4_231_722_495 - this.measurement.window.end.0) / by;
    last.measurement.window.start.0 += by * room;
    last.measurement.window.end.0 += by * room;
    last.measurement.exclusions.clear();
    last.funding_deadline.0 += by * room;
    last.event_id = last.measurement.event_id();
    last.validate().unwrap();
    assert_eq!(last.renewed().unwrap_err().field, "measurement.window.end");
}
