//! What holds for all samples.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use common::{measurement, sample};
use ledger::bundle::{AuditError, Bundle, Check, Draft};
use ledger::{Grid, Sample, Verdict, csv, evaluate, outcome, report, slice_verdict};
use proptest::prelude::*;
use serde_json::{Value, json};
use terms::{Measurement, Outcome};

/// Every indicator with the methods it allows, two of three vantages.
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
    };
    prop::collection::vec(one.prop_map(sample), 0..200)
}

/// All vantages, all probes, mostly good.
fn full_window(measurement: &Measurement, bad: &[(usize, u64)]) -> Vec<Sample> {
    let vantages = ["ams1", "fra1", "nyc1"].into_iter().enumerate();
    let probes =
        vantages.flat_map(|(v, name)| (0..measurement.probe_count()).map(move |probe| (v, name, probe)));
    let verdict = |v, probe| if bad.contains(&(v, probe)) { Verdict::Bad } else { Verdict::Good };
    probes.map(|(v, name, probe)| sample(measurement, name, probe, verdict(v, probe))).collect()
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
    ) {
        let grid = Grid::new(&measurement).unwrap();
        let mut slices: Vec<_> = (0..grid.slices()).map(|index| slice_verdict(&grid, index, &samples)).collect();
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
        let fine = match evaluation.report.outcome {
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
            let flipped = &mut samples[index].verdict;
            *flipped = if *flipped == Verdict::Good { Verdict::Bad } else { Verdict::Good };
        }
        bundle.samples = csv::write(&samples);
        prop_assert_eq!(
            bundle.audit().unwrap_err(),
            AuditError::Slice { index: slice, check: Check::SamplesHash }
        );
    }
}
