//! What holds for all samples.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{measurement, sample};
use ledger::bundle::{AuditError, Bundle, Check, Draft};
use ledger::{Grid, Run, Sample, SliceVerdict, Tally, Verdict, close_slices, csv, evaluate, outcome, report};
use proptest::prelude::*;
use serde_json::{Value, json};
use terms::{Confirm, Decimal, Indicator, Measurement, Outcome};

fn metric(aggregate: &str, method: &str) -> Value {
    json!({
        "indicator": { "metric": { "source": { "pointer": "/n" }, "aggregate": aggregate, "scale": "2.5" } },
        "method": { method: {} },
        "outcome": { "numeric": {
            "unit": "jobs", "digits": 8, "max": 200, "indeterminate_from": 224, "worse": "lower"
        } },
    })
}

/// Every indicator with the methods it allows, confirmed or not, two of three vantages.
fn measurements() -> Vec<Measurement> {
    let latency =
        |extra: Value, method: Value| json!({ "indicator": { "latency": extra }, "method": method });
    let timeslices = json!({ "timeslices": { "bad_above_ppm": 100_000 } });
    let variants = [
        json!({ "method": { "ratio_timeslices": {} } }),
        json!({ "method": { "occurrences": {} } }),
        json!({ "method": timeslices }),
        latency(json!({ "threshold_ms": 30 }), json!({ "ratio_timeslices": {} })),
        latency(
            json!({ "threshold_ms": 30, "percentile_ppm": 950_000 }),
            json!({ "timeslices": { "bad_above_ppm": 0 } }),
        ),
        json!({
            "indicator": { "lateness": { "deadline": common::START_S + 600, "unit_s": 60 } },
            "method": { "occurrences": {} },
            "outcome": { "numeric": {
                "unit": "min", "digits": 8, "max": 200, "indeterminate_from": 224, "worse": "higher"
            } },
        }),
        json!({ "method": { "occurrences": {} }, "confirm": { "bad": 2, "good": 2 } }),
        json!({ "method": timeslices, "confirm": { "bad": 3, "good": 1 } }),
        json!({
            "indicator": { "latency": { "threshold_ms": 30 } }, "method": { "ratio_timeslices": {} },
            "confirm": { "bad": 1, "good": 12 },
        }),
        metric("mean", "occurrences"),
        metric("mean", "ratio_timeslices"),
        metric("max", "occurrences"),
        metric("last", "occurrences"),
        metric("median", "ratio_timeslices"),
    ];
    let with_quorum = |mut changes: Value| {
        changes["quorum"] = json!({ "agree": 2, "vantages": 3 });
        changes["exclusions"] = json!([{ "start": common::START_S + 1200, "end": common::START_S + 1800 }]);
        measurement(changes)
    };
    variants.into_iter().map(with_quorum).collect()
}

fn any_measurement() -> impl Strategy<Value = Measurement> {
    prop::sample::select(measurements())
}

/// Samples in and around the window, some of them twice or in contradiction.
fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
    let vantages = prop::sample::select(vec!["ams1", "fra1", "nyc1", "rogue"]);
    let verdicts = prop::sample::select(vec![Verdict::Good, Verdict::Good, Verdict::Bad, Verdict::Unknown]);
    let one = (0..2_500_u64, 0..3_u64, vantages, verdicts, 0..60_u32);
    let sample = |(second, ms, vantage, verdict, latency_ms): (u64, u64, &str, Verdict, u32)| Sample {
        unix_ms: (common::START_S - 50 + second) * 1000 + ms,
        vantage: vantage.to_owned(),
        verdict,
        latency_ms,
        value: (verdict == Verdict::Good).then(|| Decimal::from(latency_ms / 7)),
    };
    prop::collection::vec(one.prop_map(sample), 0..200)
}

/// The sample with a reading, where it is good.
fn reading(sample: Sample, number: u64) -> Sample {
    let number = u32::try_from(number).unwrap();
    Sample { value: (sample.verdict == Verdict::Good).then(|| Decimal::from(number)), ..sample }
}

/// All vantages, all probes, mostly good.
fn full_window(measurement: &Measurement, bad: &[(usize, u64)]) -> Vec<Sample> {
    let vantages = ["ams1", "fra1", "nyc1"].into_iter().enumerate();
    let probes =
        vantages.flat_map(|(v, name)| (0..measurement.probe_count()).map(move |probe| (v, name, probe)));
    let verdict = |v, probe| if bad.contains(&(v, probe)) { Verdict::Bad } else { Verdict::Good };
    probes
        .map(|(v, name, probe)| reading(sample(measurement, name, probe, verdict(v, probe)), probe))
        .collect()
}

/// Closes slices as a window goes by, so many slots at a time: what is not known yet can't be used.
fn closed_step_by_step(grid: &Grid, samples: &[Sample], steps: &[u64]) -> Vec<SliceVerdict> {
    let mut slices: Vec<SliceVerdict> = Vec::new();
    let mut until = 0;
    for step in steps.iter().copied().chain([grid.probes()]) {
        until = (until + step).min(grid.probes());
        let next = slices.len() as u64 * grid.probes_per_slice();
        let known =
            |sample: &&Sample| grid.probe_of(sample.unix_ms).is_some_and(|p| (next..until).contains(&p));
        let known: Vec<Sample> = samples.iter().filter(known).cloned().collect();
        let closed = close_slices(grid, slices.last(), &known, until);
        slices.extend(closed);
    }
    slices
}

/// The rule of confirmation as the documentation tells it, over a whole window at once: `None` is undecided.
fn confirmed(rule: Confirm, probes: &[Option<bool>]) -> Vec<Option<bool>> {
    let gap = usize::try_from(rule.bad.max(rule.good)).unwrap();
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for (slot, good) in probes.iter().enumerate().filter(|(_, said)| said.is_some()) {
        match runs.last_mut().filter(|run| probes[run[0]] == *good && slot - run[run.len() - 1] - 1 <= gap) {
            Some(run) => run.push(slot),
            None => runs.push(vec![slot]),
        }
    }
    let (mut up, mut counts) = (true, probes.to_vec());
    for run in runs {
        let good = probes[run[0]].unwrap();
        let needed = if good { rule.good } else { rule.bad };
        if run.len() as u64 >= needed {
            up = good;
        }
        run.into_iter().for_each(|slot| counts[slot] = Some(up));
    }
    counts
}

/// What went wrong, as runs: `-` bad, `?` unknown, anything else good.
fn runs(probes: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (slot, c) in (0..).zip(probes.chars()) {
        let verdict = match c {
            '-' => Verdict::Bad,
            '?' => Verdict::Unknown,
            _ => continue,
        };
        match runs.last_mut().filter(|run| run.verdict == verdict && run.slots.end == slot) {
            Some(run) => run.slots.end += 1,
            None => runs.push(Run { slots: slot..slot + 1, verdict }),
        }
    }
    runs
}

fn bundle(measurement: &Measurement, samples: &[Sample]) -> Bundle {
    let draft = Draft {
        measurement: measurement.clone(),
        announcement: String::new(),
        attestation: None,
        seed_commitment: None,
        probe_seed: None,
        root_signature: None,
        log: None,
        vantages: Vec::new(),
    };
    Bundle::build(draft, samples).unwrap()
}

proptest! {
    #[test]
    fn order_and_repetition_of_samples_change_nothing(
        measurement in any_measurement(),
        samples in any_samples(),
        shuffled in any::<prop::sample::Index>().prop_flat_map(|_| any::<u64>()),
    ) {
        let expected = bundle(&measurement, &samples);
        let mut other = [&samples[..], &samples[..samples.len() / 2]].concat();
        other.sort_by_key(|sample| terms::canonical::sha256(format!("{shuffled}{sample:?}").as_bytes()));
        prop_assert_eq!(bundle(&measurement, &other).to_json(), expected.to_json());
    }

    #[test]
    fn slice_by_slice_and_all_at_once_give_the_same_report(
        measurement in any_measurement(),
        samples in any_samples(),
        seed in any::<u64>(),
        steps in prop::collection::vec(1..15_u64, 0..8),
    ) {
        let grid = Grid::new(&measurement).unwrap();
        let mut slices = closed_step_by_step(&grid, &samples, &steps);
        let whole = evaluate(&measurement, &samples).unwrap();
        prop_assert_eq!(&slices, &whole.slices);
        slices.sort_by_key(|slice| slice.index.wrapping_mul(seed | 1));
        prop_assert_eq!(report(&grid, &slices).unwrap(), whole.report);
    }

    #[test]
    fn silence_never_costs_more_than_what_it_hides(
        measurement in any_measurement(),
        samples in any_samples(),
        hidden in any::<prop::sample::Index>(),
    ) {
        // Turning all bad samples of a vantage's slot into unknown ones never makes the outcome worse.
        prop_assume!(!samples.is_empty());
        let slot = samples[hidden.index(samples.len())].probe(&measurement);
        let hush = |sample: &Sample| Sample {
            verdict: if sample.probe(&measurement) == slot && sample.verdict == Verdict::Bad { Verdict::Unknown } else { sample.verdict },
            ..sample.clone()
        };
        let hushed: Vec<_> = samples.iter().map(hush).collect();
        let before = evaluate(&measurement, &samples).unwrap();
        let after = evaluate(&measurement, &hushed).unwrap();
        let bad = |slices: &[ledger::SliceVerdict]| slices.iter().map(|slice| slice.bad).sum::<u64>();
        prop_assert!(bad(&after.slices) <= bad(&before.slices));
    }

    #[test]
    fn a_slice_without_a_bad_sample_is_never_bad(measurement in any_measurement(), samples in any_samples()) {
        let fast = |sample: &Sample| Sample { latency_ms: 0, ..sample.clone() };
        let samples: Vec<_> = samples.iter().filter(|s| s.verdict != Verdict::Bad).map(fast).collect();
        let evaluation = evaluate(&measurement, &samples).unwrap();
        prop_assert!(evaluation.slices.iter().all(|slice| slice.bad == 0));
        let metric = matches!(measurement.indicator, Indicator::Metric(_));
        let fine = metric || match evaluation.report.outcome {
            Outcome::Value(value) => value.0 == 0,
            // Nobody saw a delivery in time, and nobody saw it missing.
            Outcome::Indeterminate => true,
            Outcome::Level(_) => false,
        };
        prop_assert!(fine || evaluation.report.value.is_none(), "{:?}", evaluation.report);
    }

    #[test]
    fn a_bundle_passes_its_audit_and_survives_json(measurement in any_measurement(), samples in any_samples()) {
        let bundle = bundle(&measurement, &samples);
        let parsed = Bundle::parse(&bundle.to_json()).unwrap();
        prop_assert_eq!(&parsed, &bundle);
        prop_assert_eq!(parsed.audit().unwrap().report, outcome(&measurement, &samples).unwrap());
    }

    #[test]
    fn flipping_or_deleting_any_one_sample_fails_the_audit_and_names_the_slice(
        measurement in any_measurement(),
        bad in prop::collection::vec((0..3_usize, 0..40_u64), 0..30),
        pick in any::<prop::sample::Index>(),
        delete in any::<bool>(),
    ) {
        let mut bundle = bundle(&measurement, &full_window(&measurement, &bad));
        let mut samples = csv::read(bundle.samples.as_bytes()).unwrap();
        let index = pick.index(samples.len());
        let grid = Grid::new(&measurement).unwrap();
        let slice = grid.slice_of(samples[index].unix_ms).unwrap();
        if delete {
            samples.remove(index);
        } else {
            let flipped = &mut samples[index];
            flipped.verdict = if flipped.verdict == Verdict::Good { Verdict::Bad } else { Verdict::Good };
            flipped.value = Some(Decimal::ZERO);
        }
        bundle.samples = csv::write(csv::Columns::of(&measurement), &samples);
        prop_assert_eq!(
            bundle.audit().unwrap_err(),
            AuditError::Slice { index: slice, check: Check::SamplesHash }
        );
    }

    #[test]
    fn runs_of_probes_are_confirmed_as_the_documentation_has_it(
        bad in 1..5_u64,
        good in 1..5_u64,
        probes in "[+?.-]{40}",
        steps in prop::collection::vec(1..15_u64, 0..8),
    ) {
        prop_assume!(bad > 1 || good > 1);
        let measurement = measurement(json!({
            "confirm": { "bad": bad, "good": good }, "least_samples": 1, "method": { "occurrences": {} },
        }));
        let samples = common::samples(&measurement, "fra1", &probes);
        let said = probes.chars().map(|c| match c { '+' => Some(true), '-' => Some(false), _ => None });
        let expected = confirmed(Confirm { bad, good }, &said.collect::<Vec<_>>());
        let grid = Grid::new(&measurement).unwrap();
        let slices = closed_step_by_step(&grid, &samples, &steps);
        let whole = evaluate(&measurement, &samples).unwrap();
        prop_assert_eq!(&slices, &whole.slices);
        for (slice, probes) in slices.iter().zip(expected.chunks(10)) {
            let count = |wanted| probes.iter().filter(|said| **said == wanted).count() as u64;
            prop_assert_eq!((slice.good, slice.bad), (count(Some(true)), count(Some(false))), "slice {}", slice.index);
        }
        let incidents = &whole.report.incidents;
        prop_assert!(incidents.windows(2).all(|pair| pair[0].end <= pair[1].start));
        prop_assert_eq!(incidents.iter().map(|one| one.bad).sum::<u64>(), whole.report.probes.bad);
    }

    #[test]
    fn what_went_wrong_alone_leads_to_the_outcome_of_all_samples(
        measurement in any_measurement(),
        probes in "([+]{1,12}|-{1,8}|[?]{1,3}|[+?-]{1,6}){12}",
    ) {
        let tally = Tally::new(&measurement);
        if matches!(measurement.indicator, Indicator::Metric(_)) {
            prop_assert_eq!(tally.unwrap_err().field, "indicator.metric");
            return Ok(());
        }
        let whole: String = probes.chars().chain("+".repeat(40).chars()).take(40).collect();
        let samples: Vec<Sample> =
            ["ams1", "fra1", "nyc1"].iter().flat_map(|v| common::samples(&measurement, v, &whole)).collect();
        let expected = outcome(&measurement, &samples).unwrap().outcome;
        prop_assert_eq!(tally.unwrap().outcome(&runs(&whole)), expected, "{}", whole);
    }
}
