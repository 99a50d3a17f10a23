//! One story per outcome.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{START_S, measurement, sample, samples};
use ledger::{Sample, SliceState, Verdict, evaluate, outcome};
use serde_json::{Value, json};
use terms::{Measurement, Outcome, OutcomeValue};

const UP: &str = "++++++++++";

fn value(changes: Value, probes: &str) -> Outcome {
    let measurement = measurement(changes);
    outcome(&measurement, &samples(&measurement, "fra1", probes)).unwrap().outcome
}

fn ppm(value: u64) -> Outcome {
    Outcome::Value(OutcomeValue(value))
}

/// FACTS: 49 min x 4 probes x 0.85 = 166 of 196, 24 min x 4 x 0.05 = 4 of 96, 95 min x 4 x 0.01 = 3 of 380.
fn fastly() -> (Measurement, Vec<Sample>) {
    let fastly = measurement(json!({
        "window": { "start": START_S, "end": START_S + 30 * 86_400 },
        "slice_s": 300, "probe_every_ms": 15_000, "least_samples": 10,
    }));
    let outage = (7 * 86_400 + 9 * 3600 + 47 * 60) * 1000 / fastly.probe_every_ms;
    let phases = [(196, 850_000), (96, 50_000), (380, 10_000)];
    let mut failing = Vec::new();
    let mut first = outage;
    for (probes, share_ppm) in phases {
        let failed_by = |k: u64| k * share_ppm / 1_000_000;
        failing.extend((0..probes).filter(|k| failed_by(k + 1) > failed_by(*k)).map(|k| first + k));
        first += probes;
    }
    assert_eq!(failing.len(), 173);
    let verdict = |probe| if failing.contains(&probe) { Verdict::Bad } else { Verdict::Good };
    let all = (0..fastly.probe_count()).map(|probe| sample(&fastly, "local", probe, verdict(probe)));
    let all = all.collect();
    (fastly, all)
}

#[test]
fn fastly_on_2021_06_08_is_1002_ppm() {
    let (fastly, samples) = fastly();
    assert_eq!(samples.len(), 172_800);
    let report = outcome(&fastly, &samples).unwrap();
    assert_eq!(report.outcome, ppm(1002), "1001.157 is rounded up");
    assert_eq!(report.reading.as_ref().unwrap().to_string(), "173/172800");
    assert_eq!((report.slices.total, report.slices.unmeasured), (8640, 0));
    let words = report.explain(&fastly);
    assert!(
        words.contains("173/172800, or 1001.157 ppm, rounded up, 1002: the outcome is 1002 ppm."),
        "{words}"
    );
}

#[test]
fn rounding_down_is_the_other_side_of_the_same_reading() {
    // 1 of 30 probes in three measured slices: 33,333.3 ppm.
    let probes = format!("-+++++++++{UP}{UP}..........");
    assert_eq!(value(json!({ "rounding": "up" }), &probes), ppm(33_334));
    assert_eq!(value(json!({ "rounding": "down" }), &probes), ppm(33_333));
}

#[test]
fn rates_of_slices_with_missing_samples_are_averaged_exactly() {
    // 1/7, 2/9, 0/10, 3/10 of four slices: (1/7 + 2/9 + 3/10) / 4 = 419/2520 = 166,269.8 ppm.
    let probes = "-++++++... --+++++++. ++++++++++ ---+++++++";
    let measurement = measurement(json!({}));
    let report = outcome(&measurement, &samples(&measurement, "fra1", probes)).unwrap();
    assert_eq!(report.reading.as_ref().unwrap().to_string(), "419/2520");
    assert_eq!(report.outcome, ppm(166_270));
}

#[test]
fn each_method_counts_the_same_samples_its_own_way() {
    let probes = "-----+.... -+++++++++ ++++++++++ ++++++++++";
    // Rates 5/6 and 1/10: their mean with two zeros is 7/30.
    assert_eq!(value(json!({ "method": { "ratio_timeslices": {} } }), probes), ppm(233_334));
    // 6 of 36 probes.
    assert_eq!(value(json!({ "method": { "occurrences": {} } }), probes), ppm(166_667));
    // Both first slices are bad; only the first is where a tenth is allowed.
    let timeslices = |ppm: u64| json!({ "method": { "timeslices": { "bad_above_ppm": ppm } } });
    assert_eq!(value(timeslices(0), probes), ppm(500_000));
    assert_eq!(value(timeslices(100_000), probes), ppm(250_000));
}

#[test]
fn two_bad_minutes_of_a_month_are_47_or_46_ppm() {
    let month = |rounding: &str| {
        measurement(json!({
            "window": { "start": START_S, "end": START_S + 43_200 * 60 }, "slice_s": 60, "least_samples": 1,
            "method": { "timeslices": { "bad_above_ppm": 0 } }, "rounding": rounding,
        }))
    };
    let ppm_of = |month: &Measurement| {
        let verdict = |probe| if probe == 7 || probe == 9000 { Verdict::Bad } else { Verdict::Good };
        let samples: Vec<_> =
            (0..month.probe_count()).map(|probe| sample(month, "fra1", probe, verdict(probe))).collect();
        outcome(month, &samples).unwrap().outcome
    };
    assert_eq!(ppm_of(&month("up")), ppm(47));
    assert_eq!(ppm_of(&month("down")), ppm(46));
}

#[test]
fn unknown_is_not_down() {
    // Half a slice unknown: it is measured by the other half, which is good.
    assert_eq!(value(json!({}), &format!("?????+++++{UP}{UP}{UP}")), ppm(0));
    // A slice of fewer than five decided probes is unmeasured, and its bad probes do not count.
    assert_eq!(value(json!({}), &format!("----??????{UP}{UP}{UP}")), ppm(0));
}

#[test]
fn too_many_unmeasured_slices_make_the_outcome_indeterminate() {
    let one_of_four = format!("..........{UP}{UP}{UP}");
    assert_eq!(value(json!({}), &one_of_four), ppm(0), "250,000 ppm is not above 250,000");
    assert_eq!(value(json!({}), &format!("....................{UP}{UP}")), Outcome::Indeterminate);
    assert_eq!(value(json!({}), ""), Outcome::Indeterminate);
    let never = json!({ "indeterminate_above_ppm": 1_000_000 });
    assert_eq!(
        value(never, ""),
        Outcome::Indeterminate,
        "without any measured slice there is nothing to say"
    );
}

#[test]
fn an_excluded_slice_counts_nowhere() {
    let excluded = json!({ "exclusions": [{ "start": START_S + 600, "end": START_S + 1200 }] });
    // One bad probe of 30: the ten bad ones fall into the maintenance.
    let probes = format!("-+++++++++ ---------- {UP}{UP}");
    assert_eq!(value(excluded.clone(), &probes), ppm(33_334));
    // One of the three slices left is unmeasured, more than a quarter.
    assert_eq!(value(excluded, &format!(".......... {UP}{UP}{UP}")), Outcome::Indeterminate);
}

#[test]
fn a_level_is_named_when_the_scale_has_levels() {
    let levels = json!({ "outcome": { "enum": {
        "levels": [{ "name": "kept", "from": 0 }, { "name": "missed", "from": 1001 }],
        "indeterminate": "no-data", "worse": "higher"
    } } });
    assert_eq!(value(levels.clone(), &UP.repeat(4)), Outcome::Level("kept".to_owned()));
    assert_eq!(
        value(levels.clone(), &format!("-+++++++++{UP}{UP}{UP}")),
        Outcome::Level("missed".to_owned())
    );
    assert_eq!(value(levels, ""), Outcome::Indeterminate);
}

#[test]
fn a_slow_answer_is_bad_for_a_latency_and_a_failed_one_too() {
    let latency = measurement(json!({ "indicator": { "latency": { "threshold_ms": 20 } } }));
    let mut all = samples(&latency, "fra1", &format!("-+++++++++{UP}{UP}{UP}"));
    assert_eq!(outcome(&latency, &all).unwrap().outcome, ppm(25_000), "20 ms is not over the threshold");
    all[5].latency_ms = 21;
    assert_eq!(outcome(&latency, &all).unwrap().outcome, ppm(50_000));
}

#[test]
fn a_percentile_is_the_nearest_rank_of_a_slice() {
    let latency = |percentile_ppm: u64| {
        measurement(json!({
            "indicator": { "latency": { "threshold_ms": 20, "percentile_ppm": percentile_ppm } },
            "method": { "timeslices": { "bad_above_ppm": 0 } },
        }))
    };
    let slow_share = |percentile_ppm| {
        let latency = latency(percentile_ppm);
        let mut all = samples(&latency, "fra1", &UP.repeat(4));
        all[3].latency_ms = 500;
        outcome(&latency, &all).unwrap().outcome
    };
    // Of ten latencies one is 500 ms: the 9th is fast, the 10th slow; 0.9 asks for the 9th, 0.95 for the 10th.
    assert_eq!(slow_share(900_000), ppm(0));
    assert_eq!(slow_share(900_001), ppm(250_000));
    assert_eq!(slow_share(1_000_000), ppm(250_000));
}

#[test]
fn a_probe_is_decided_when_enough_vantages_say_the_same() {
    let two_of_three = measurement(json!({ "quorum": { "agree": 2, "vantages": 3 } }));
    let vantages = [
        ("ams1", "--++??+++++++++++++++++++++++++++++++++++"),
        ("fra1", "-+--??+-+-++++++++++++++++++++++++++++++"),
        ("nyc1", "-+++-+-?--++++++++++++++++++++++++++++++"),
    ];
    let all: Vec<_> =
        vantages.iter().flat_map(|(name, probes)| samples(&two_of_three, name, probes)).collect();
    let first = evaluate(&two_of_three, &all).unwrap().slices[0].clone();
    // Bad by quorum: 0 (three), 9 (two of three). Undecided: 4 and 5 (one voice), 7 (one against one).
    assert_eq!((first.good, first.bad, first.undecided), (5, 2, 3));
}

#[test]
fn more_voices_than_vantages_decide_nothing() {
    let one = measurement(json!({}));
    let mut all = samples(&one, "fra1", &UP.repeat(4));
    all.extend(samples(&one, "rogue", "----------"));
    let slices = evaluate(&one, &all).unwrap().slices;
    assert_eq!((slices[0].state, slices[0].undecided), (SliceState::Unmeasured, 10));
}

#[test]
fn of_two_samples_in_one_slot_the_earlier_counts_and_a_contradiction_says_nothing() {
    let one = measurement(json!({}));
    let mut all = samples(&one, "fra1", &UP.repeat(4));
    let later = Sample { unix_ms: all[0].unix_ms + 5, verdict: Verdict::Bad, ..all[0].clone() };
    let contradiction = Sample { verdict: Verdict::Bad, ..all[1].clone() };
    all.extend([later, contradiction]);
    let first = evaluate(&one, &all).unwrap().slices[0].clone();
    assert_eq!((first.good, first.bad, first.undecided), (9, 0, 1));
}

#[test]
fn samples_outside_the_window_change_nothing() {
    let one = measurement(json!({}));
    let inside = samples(&one, "fra1", &UP.repeat(4));
    let mut all = inside.clone();
    for unix_ms in [0, START_S * 1000 - 1, (START_S + 2400) * 1000, u64::MAX] {
        all.push(Sample { unix_ms, verdict: Verdict::Bad, ..inside[0].clone() });
    }
    assert_eq!(evaluate(&one, &all), evaluate(&one, &inside));
}

#[test]
fn a_run_of_bad_slices_is_one_incident() {
    let one = measurement(json!({}));
    let report = outcome(&one, &samples(&one, "fra1", &format!("{UP} -+++++++++ --++++++++ {UP}"))).unwrap();
    let [incident] = report.incidents[..] else { panic!("{:?}", report.incidents) };
    assert_eq!((incident.start.0, incident.end.0), (START_S + 600, START_S + 1800));
    assert_eq!((incident.bad, incident.decided), (3, 20));
}

mod lateness {
    use super::*;

    /// Ten hours of one-minute probes, due after the first hour, counted in hours.
    fn delivery(rounding: &str) -> Measurement {
        measurement(json!({
            "indicator": { "lateness": { "deadline": START_S + 3600, "unit_s": 3600 } },
            "window": { "start": START_S, "end": START_S + 36_000 },
            "method": { "occurrences": {} }, "rounding": rounding,
            "outcome": { "numeric": {
                "unit": "h", "digits": 6, "max": 48, "indeterminate_from": 56, "worse": "higher"
            } },
        }))
    }

    fn late(rounding: &str, probes: &str) -> Outcome {
        let delivery = delivery(rounding);
        outcome(&delivery, &samples(&delivery, "fra1", probes)).unwrap().outcome
    }

    fn minutes(c: &str, count: usize) -> String {
        c.repeat(count)
    }

    #[test]
    fn three_hours_late_to_the_minute_are_three_units_on_either_side() {
        let probes = minutes("-", 240) + &minutes("+", 360);
        assert_eq!(late("up", &probes), ppm(3));
        assert_eq!(late("down", &probes), ppm(3));
    }

    #[test]
    fn one_minute_more_is_a_unit_more_when_rounded_up() {
        let probes = minutes("-", 241) + &minutes("+", 359);
        assert_eq!(late("up", &probes), ppm(4));
        assert_eq!(late("down", &probes), ppm(3));
    }

    #[test]
    fn a_delivery_before_the_deadline_is_not_late_whatever_comes_afterwards() {
        assert_eq!(late("up", &(minutes("-", 60) + &minutes("+", 1) + &minutes("-", 500))), ppm(0));
        assert_eq!(late("up", "+"), ppm(0), "what was seen in time needs no further measuring");
        let blind_at_first = minutes("?", 50) + "+";
        assert_eq!(late("up", &blind_at_first), ppm(0), "nor any before");
    }

    #[test]
    fn a_delivery_that_never_comes_is_as_late_as_the_scale_goes() {
        let delivery = delivery("up");
        let report = outcome(&delivery, &samples(&delivery, "fra1", &minutes("-", 600))).unwrap();
        assert_eq!((report.outcome.clone(), report.value), (ppm(48), None));
        assert!(report.explain(&delivery).contains("Nothing was delivered"));
    }

    #[test]
    fn doubt_before_the_delivery_is_the_oracles_and_not_the_providers() {
        // Missing at 3 h, undecided for half an hour, there afterwards: it counts from 3 h, two hours late.
        let probes = minutes("-", 180) + &minutes("?", 30) + &minutes("+", 390);
        assert_eq!(late("up", &probes), ppm(2));
    }

    #[test]
    fn an_oracle_that_was_blind_for_too_long_cannot_say() {
        let blind = minutes("-", 100) + &minutes("?", 200) + &minutes("+", 300);
        assert_eq!(late("up", &blind), Outcome::Indeterminate);
        assert_eq!(late("up", &minutes("-", 100)), Outcome::Indeterminate);
        assert_eq!(late("up", ""), Outcome::Indeterminate);
    }
}
