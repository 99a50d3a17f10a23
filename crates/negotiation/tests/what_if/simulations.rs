//! Imagined windows are measured as real ones are, and fail as often as they should.

#![allow(clippy::float_arithmetic, reason = "known distributions, to compare with")]

use ledger::schedule::probe_at_ms;
use ledger::{Sample, Verdict};
use negotiation::payouts::Payouts;
use negotiation::simulate::{Delivery, Ending, OracleRisk, Service, Simulation, Timeline};
use proptest::prelude::*;
use serde_json::{Value, json};
use terms::{Measurement, OutcomeValue, PayoutTable, Ppm, Rounding, Sat};

use crate::common::{DAY, HOUR, MINUTE, START, failing, month, proportional, simulation};

/// What every vantage would have written down.
fn samples(measurement: &Measurement, timeline: &Timeline) -> Vec<Sample> {
    let start_ms = measurement.window.start.0 * 1000;
    let sample = |vantage: &String, slot| {
        let unix_ms = probe_at_ms(measurement, &timeline.probe_seed, vantage, slot);
        let is_down = timeline.down_ms.iter().any(|range| range.contains(&(unix_ms - start_ms)));
        let verdict = if is_down { Verdict::Bad } else { Verdict::Good };
        Sample { unix_ms, vantage: vantage.clone(), verdict, latency_ms: 20, value: None }
    };
    let vantages: Vec<String> =
        (1..=measurement.quorum.vantages).map(|number| format!("v{number}")).collect();
    let slots = 0..measurement.probe_count();
    vantages.iter().flat_map(|vantage| slots.clone().map(|slot| sample(vantage, slot))).collect()
}

/// Four hours under every rule that a simulation knows.
fn variants() -> Vec<(Measurement, bool)> {
    let window = json!({ "start": START, "end": START + 14_400 });
    let timeslices = json!({ "timeslices": { "bad_above_ppm": 400_000 } });
    let quorum = json!({ "agree": 3, "vantages": 4 });
    let exclusions = json!([{ "start": START + 3_600, "end": START + 5_400 }]);
    let lateness = json!({ "lateness": { "deadline": START + 3_600, "unit_s": 60 } });
    let scale = json!({ "numeric": {
        "unit": "min", "digits": 9, "max": 300, "indeterminate_from": 384, "worse": "higher"
    } });
    let with = |changes: Value| {
        let mut all = json!({ "window": window, "slice_s": 300, "least_samples": 18 });
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        (month(all), changes.get("outcome").is_some())
    };
    [
        json!({}),
        json!({ "method": timeslices, "quorum": quorum }),
        json!({ "method": { "ratio_timeslices": {} }, "exclusions": exclusions }),
        json!({ "confirm": { "bad": 3, "good": 2 }, "exclusions": exclusions, "quorum": { "agree": 2, "vantages": 3 } }),
        json!({ "confirm": { "bad": 1, "good": 20 }, "method": timeslices }),
        json!({ "indicator": { "latency": { "threshold_ms": 30 } }, "method": { "ratio_timeslices": {} }, "quorum": quorum }),
        json!({ "indicator": lateness, "outcome": scale, "exclusions": exclusions, "quorum": quorum }),
    ]
    .map(with)
    .into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn an_imagined_window_comes_to_what_all_its_samples_come_to(
        (measurement, is_delivery) in prop::sample::select(variants()),
        mtbf_ms in prop_oneof![1_000..100_000_u64, 100_000..20_000_000_u64],
        mttr_ms in prop_oneof![100..60_000_u64, 60_000..4_000_000_u64],
        seed in any::<u64>(),
    ) {
        let service = if is_delivery {
            Service::Delivery(Delivery::Planned { lead_ms: HOUR / 2, slip_ms: mttr_ms })
        } else {
            failing(mtbf_ms, mttr_ms)
        };
        let simulation = simulation(&measurement, service, seed);
        for number in 0..3 {
            let timeline = simulation.timeline(number);
            let whole = ledger::outcome(&measurement, &samples(&measurement, &timeline)).unwrap();
            prop_assert_eq!(simulation.measure(&timeline), whole.outcome, "{:?}", timeline);
        }
    }
}

#[test]
fn the_same_seed_imagines_the_same_windows_however_they_are_shared_out() {
    let simulation = simulation(&month(json!({})), failing(5 * DAY, 20 * MINUTE), 11);
    let whole = simulation.run(0..60);
    let mut parts = simulation.run(40..60);
    parts.merge(simulation.run(0..40));
    assert_eq!(parts, whole);
    assert_eq!(whole.runs(), 60);
    // Fixed for ever: another machine, compiler or version must imagine the same.
    let values: Vec<&Ending> = whole.endings().map(|(ending, _)| ending).take(3).collect();
    assert_eq!(values, [458, 585, 770].map(|value| Ending::Value(OutcomeValue(value))).each_ref());
    assert_eq!(whole.up_ms(), 155_106_146_083);
}

#[test]
fn the_share_of_windows_without_a_failure_is_the_exponential_one() {
    // No failure in 30 days of a mean of 20: up at the start (480 of 481 hours), and exp(-30/20).
    let distribution = simulation(&month(json!({})), failing(20 * DAY, HOUR), 3).run(0..4_000);
    let spotless = distribution
        .endings()
        .filter(|(ending, _)| **ending == Ending::Value(OutcomeValue(0)))
        .map(|(_, count)| count)
        .sum::<u64>();
    let expected = 4_000.0 * (-1.5_f64).exp() * 480.0 / 481.0;
    // Failures that fall between two probes are missed: at most 15 of 3,600 seconds' worth. Four standard errors: 105.
    assert!(
        (f64::from(u32::try_from(spotless).unwrap()) - expected).abs() < 105.0 + 15.0,
        "{spotless}, {expected}"
    );
}

#[test]
fn the_mean_time_up_is_mtbf_over_mtbf_and_mttr() {
    let distribution = simulation(&month(json!({})), failing(9 * HOUR, HOUR), 5).run(0..1_000);
    let up_ppm = distribution.up_ms() * 1_000_000 / (1_000 * u128::from(30 * DAY));
    // A window has 72 cycles; the standard error over 1,000 of them is about 500 ppm.
    assert!(up_ppm.abs_diff(900_000) < 2_000, "{up_ppm}");
}

/// The chance that independent exponential repairs, as many as a Poisson number of this mean, take longer than `x` of
/// their mean together.
fn longer(failures: f64, x: f64) -> f64 {
    let (mut all, mut count) = (0.0, (-failures).exp());
    // The chance that the n-th of a row of events comes later than x: fewer than n Poisson events by then.
    let (mut fewer, mut term) = (0.0, (-x).exp());
    for n in 1..400 {
        count *= failures / f64::from(n);
        fewer += term;
        term *= x / f64::from(n);
        all += count * fewer;
    }
    all
}

/// The mean share of a penalty that grows from 0 at 0.1 % of downtime to all of it at 1 %.
fn expected_share(mttr_min: f64) -> f64 {
    let month_min = 43_200.0;
    let failures = month_min / (1_000.0 * mttr_min);
    let (from, to) = (month_min / 1_000.0, month_min / 100.0);
    let steps = 4_000;
    let width = (to - from) / f64::from(steps);
    let at = |step: i32| longer(failures, (from + (f64::from(step) + 0.5) * width) / mttr_min);
    (0..steps).map(at).sum::<f64>() / f64::from(steps)
}

/// DESIGN.md, section 6: the same 99.9 % costs 1 % or 8 % of full penalty as mean repair time goes from a minute to two
/// hours.
#[test]
fn the_same_availability_costs_one_or_eight_per_cent_of_the_penalty() {
    let table =
        PayoutTable::compile(&proportional(), &month(json!({})).outcome, Sat(10_000_000), Sat(0)).unwrap();
    for (mttr_ms, per_cent) in [(MINUTE, 1), (120 * MINUTE, 8)] {
        let distribution = simulation(&month(json!({})), failing(999 * mttr_ms, mttr_ms), 1).run(0..3_000);
        let payouts = Payouts::of(&distribution, &table, Sat(10_000_000)).unwrap();
        let expected = payouts.expected(Rounding::Up);
        let known = expected_share(f64::from(u32::try_from(mttr_ms / MINUTE).unwrap()));
        assert_eq!((known * 100.0).round(), f64::from(per_cent), "{known}");
        let off = (f64::from(u32::try_from(expected.0).unwrap()) / 1e7 - known).abs();
        // Four standard errors; and ramps are evaluated at the start of their quanta of 16 ppm.
        let error = f64::from(u32::try_from(payouts.standard_error().0).unwrap()) / 1e7;
        assert!(off < 4.0 * error + 16.0 / 9_000.0, "{expected:?}, not {known}");
    }
}

#[test]
fn an_oracle_that_fails_ends_so_many_windows_without_a_measurement() {
    let risk = OracleRisk { indeterminate_ppm: Ppm(300_000), silent_ppm: Ppm(200_000) };
    let simulation = Simulation::new(&month(json!({})), failing(DAY, HOUR), risk, 1).unwrap();
    let distribution = simulation.run(0..1_000);
    let count = |wanted: &Ending| {
        distribution.endings().filter(|(ending, _)| *ending == wanted).map(|(_, count)| count).sum::<u64>()
    };
    assert!(count(&Ending::Indeterminate).abs_diff(300) < 60);
    assert!(count(&Ending::Refund).abs_diff(200) < 52);
    let risk = OracleRisk { indeterminate_ppm: Ppm(300_000), silent_ppm: Ppm(700_001) };
    let error = Simulation::new(&month(json!({})), failing(DAY, HOUR), risk, 1).unwrap_err();
    assert_eq!(error.field, "silent_ppm");
}

#[test]
fn what_cannot_be_imagined_is_refused_by_the_name_of_its_field() {
    let lateness = json!({
        "indicator": { "lateness": { "deadline": START + 3_600, "unit_s": 60 } },
    });
    let metric = json!({
        "indicator": { "metric": { "source": { "pointer": "/n" }, "aggregate": "mean", "scale": "1" } },
    });
    let delivery = || Service::Delivery(Delivery::Planned { lead_ms: HOUR, slip_ms: HOUR });
    let cases = [
        (metric, failing(DAY, HOUR), "measurement.indicator.metric"),
        (lateness, failing(DAY, HOUR), "measurement.indicator.lateness"),
        (json!({}), delivery(), "measurement.indicator"),
        (json!({}), failing(0, HOUR), "mtbf"),
        (json!({}), failing(DAY, u64::MAX), "mttr"),
        (json!({}), failing(10, 10), "mtbf"),
    ];
    for (changes, service, field) in cases {
        let measurement = month(changes);
        let error = Simulation::new(&measurement, service, OracleRisk::default(), 1).unwrap_err();
        assert_eq!(error.field, field);
    }
}
