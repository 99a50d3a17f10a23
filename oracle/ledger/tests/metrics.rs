//! Metrics: readings become one number, exactly, and are rounded once. The expected numbers were worked out by hand.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{measurement, sample};
use ledger::{Grid, Report, Sample, Verdict, close_slices, csv, evaluate, outcome, report};
use serde_json::{Value, json};
use terms::{Decimal, Measurement, Outcome, OutcomeValue};

/// Tokens per second, where less is worse: `scale` and what else is changed.
fn tokens(aggregate: Value, scale: &str, changes: &Value) -> Measurement {
    let mut all = json!({
        "indicator": { "metric": {
            "source": { "prometheus": { "name": "tokens_per_second", "labels": [{"name": "model", "value": "m1"}] } },
            "aggregate": aggregate, "scale": scale,
        } },
        "method": { "occurrences": {} },
        "outcome": { "numeric": {
            "unit": "tok/s", "digits": 10, "max": 900, "indeterminate_from": 960, "worse": "lower"
        } },
        "least_samples": 3,
    });
    for (field, value) in changes.as_object().unwrap() {
        all[field] = value.clone();
    }
    measurement(all)
}

/// One slot a word: a reading, `-` for a failed probe, `?` for an undecided one, `.` for none.
fn read(measurement: &Measurement, vantage: &str, words: &str) -> Vec<Sample> {
    let one = |(slot, word): (usize, &str)| {
        let slot = slot as u64;
        match word {
            "." => None,
            "-" => Some(sample(measurement, vantage, slot, Verdict::Bad)),
            "?" => Some(sample(measurement, vantage, slot, Verdict::Unknown)),
            number => {
                let value = Some(Decimal::parse(number).unwrap());
                Some(Sample { value, ..sample(measurement, vantage, slot, Verdict::Good) })
            }
        }
    };
    words.split_whitespace().enumerate().filter_map(one).collect()
}

/// Fills four slices of ten slots: each has its readings, and then nothing.
fn slices(readings: [&str; 4]) -> String {
    let padded = readings.map(|words| {
        let count = words.split_whitespace().count();
        format!("{words} {}", ". ".repeat(10 - count))
    });
    padded.concat()
}

fn value(measurement: &Measurement, words: &str) -> (u64, String) {
    let report = outcome(measurement, &read(measurement, "fra1", words)).unwrap();
    let Outcome::Value(OutcomeValue(value)) = report.outcome else { panic!("{:?}", report.outcome) };
    (value, report.reading.unwrap().to_string())
}

/// Two good slices, one with a failed probe, one that is unmeasured and does not count.
fn example() -> String {
    slices(["10.5 20.25 30", "100 200 - ?", "0.1 0.2 0.3 40", "7 7"])
}

#[test]
fn over_the_window_every_decided_probe_counts_once() {
    let over = |aggregate: &str| value(&tokens(json!(aggregate), "1", &json!({})), &example());
    // 10.5 + 20.25 + 30 + 100 + 200 + 0 + 0.1 + 0.2 + 0.3 + 40 = 401.35 of ten probes, the failed one as 0.
    assert_eq!(over("mean"), (41, "8027/200".to_owned()));
    assert_eq!(over("min"), (0, "0/1".to_owned()));
    assert_eq!(over("max"), (200, "200/1".to_owned()));
    assert_eq!(over("last"), (40, "40/1".to_owned()));
}

#[test]
fn by_slices_their_readings_are_averaged() {
    let by = json!({ "method": { "ratio_timeslices": {} } });
    let over = |aggregate: Value| value(&tokens(aggregate, "1", &by), &example());
    // (60.75/3 + 300/3 + 40.6/4) / 3 = (20.25 + 100 + 10.15) / 3 = 130.4 / 3.
    assert_eq!(over(json!("mean")), (44, "652/15".to_owned()));
    // (10.5 + 0 + 0.1) / 3.
    assert_eq!(over(json!("min")), (4, "53/15".to_owned()));
    // (30 + 200 + 40) / 3.
    assert_eq!(over(json!("max")), (90, "90/1".to_owned()));
    // (30 + 0 + 40) / 3: the last decided probe of the second failed.
    assert_eq!(over(json!("last")), (24, "70/3".to_owned()));
    // (20.25 + 100 + 0.2) / 3: of 0, 100, 200 the middle one; of four the second.
    assert_eq!(over(json!("median")), (41, "803/20".to_owned()));
    // The smallest that three quarters do not exceed: 30, 200 and 0.3.
    assert_eq!(over(json!({ "percentile_ppm": 750_000 })), (77, "2303/30".to_owned()));
}

#[test]
fn a_reading_is_scaled_rounded_once_and_clamped() {
    let words = slices(["0.1 0.2 0.4", "0.1 0.2 0.4", "0.1 0.2 0.4", "0.1 0.2 0.4"]);
    let mean = |scale: &str, rounding: &str| {
        value(&tokens(json!("mean"), scale, &json!({ "rounding": rounding })), &words).0
    };
    // 0.7/3 times 100 is 23.33...
    assert_eq!((mean("100", "up"), mean("100", "down")), (24, 23));
    // 0.7/3 times 1.5 is 0.35.
    assert_eq!((mean("1.5", "up"), mean("1.5", "down")), (1, 0));
    assert_eq!(mean("1000000", "up"), 900, "more than the scale has");
    let cold = slices(["-1 -1 -1", "-1 -1 -1", "-1 -1 -1", "-1 -1 -1"]);
    assert_eq!(value(&tokens(json!("mean"), "1", &json!({})), &cold), (0, "0/1".to_owned()));
}

#[test]
fn where_higher_is_worse_a_failed_probe_counts_as_the_largest_reading() {
    let queue = json!({ "outcome": { "numeric": {
        "unit": "jobs", "digits": 10, "max": 900, "indeterminate_from": 960, "worse": "higher"
    } } });
    let measurement = tokens(json!("mean"), "2", &queue);
    let words = slices(["10 20 -", "10 20 30", "10 20 30", "10 20 30"]);
    // 210 times 2 and once 900, of twelve.
    assert_eq!(value(&measurement, &words), (110, "110/1".to_owned()));
    let levels = json!({ "outcome": { "enum": {
        "levels": [{ "name": "short", "from": 0 }, { "name": "long", "from": 100 }],
        "indeterminate": "unknown", "worse": "higher",
    } } });
    let measurement = tokens(json!("max"), "2", &levels);
    let report = outcome(&measurement, &read(&measurement, "fra1", &words)).unwrap();
    assert_eq!((report.outcome, report.value), (Outcome::Level("long".to_owned()), Some(100)));
}

#[test]
fn of_several_vantages_the_middle_reading_counts() {
    let three = json!({ "quorum": { "agree": 2, "vantages": 3 }, "least_samples": 1 });
    let measurement = tokens(json!("last"), "1", &three);
    let of = |readings: [&str; 3]| {
        let [a, b, c] = readings;
        let all =
            [read(&measurement, "ams1", a), read(&measurement, "fra1", b), read(&measurement, "nyc1", c)];
        let report = outcome(&measurement, &all.concat()).unwrap();
        (report.value, report.probes.good, report.probes.bad)
    };
    let rest = format!("5 {} 5 {} 5 {}", ". ".repeat(9), ". ".repeat(9), ". ".repeat(8));
    let last = |word: &str| format!("{rest}{word}");
    assert_eq!(of([&last("10"), &last("30"), &last("20")]), (Some(20), 4, 0));
    // Of two the smaller; a vantage that could not tell has no say.
    assert_eq!(of([&last("30"), &last("20"), &last("?")]), (Some(20), 4, 0));
    assert_eq!(of([&last("30"), &last("-"), &last("-")]), (Some(0), 3, 1));
    // Nobody agrees: the reading before is the last.
    assert_eq!(of([&last("30"), &last("-"), &last("?")]), (Some(5), 3, 0));
}

#[test]
fn a_good_answer_without_a_reading_says_nothing() {
    let measurement = tokens(json!("mean"), "1", &json!({}));
    let mut samples = read(&measurement, "fra1", &slices(["1 2 3 4", "1 2 3 4", "1 2 3 4", "1 2 3 4"]));
    samples[0].value = None;
    let report = outcome(&measurement, &samples).unwrap();
    assert_eq!((report.probes.good, report.probes.bad), (15, 0));
    let text = csv::write(csv::Columns::of(&measurement), &samples);
    assert_eq!(outcome(&measurement, &csv::read(text.as_bytes()).unwrap()).unwrap(), report);
}

#[test]
fn slices_closed_one_by_one_survive_json_and_add_up_to_the_same() {
    let measurement = tokens(json!("mean"), "0.333", &json!({ "method": { "ratio_timeslices": {} } }));
    let samples = read(&measurement, "fra1", &example());
    let grid = Grid::new(&measurement).unwrap();
    let mut closed = Vec::new();
    for until in 1..=grid.probes() {
        closed.extend(close_slices(&grid, closed.last(), &samples, until));
    }
    let read_again: Vec<ledger::SliceVerdict> =
        closed.iter().map(|slice| serde_json::from_slice(&slice.leaf()).unwrap()).collect();
    let whole = evaluate(&measurement, &samples).unwrap();
    assert_eq!(read_again, whole.slices);
    assert_eq!(report(&grid, &read_again).unwrap(), whole.report);
}

fn explained(aggregate: Value, changes: &Value) -> (Report, String) {
    let measurement = tokens(aggregate, "1", changes);
    let report = outcome(&measurement, &read(&measurement, "fra1", &example())).unwrap();
    let words = report.explain(&measurement);
    (report, words)
}

#[test]
fn the_explanation_says_which_reading_it_is_and_what_failed_probes_count() {
    let (_, words) = explained(json!("mean"), &json!({}));
    let said = "The mean reading, where the failed probe counts as the worst reading, 0 tok/s, is \
                8027/200, or 40.135 tok/s, rounded up, 41: the outcome is 41 tok/s.";
    assert!(words.contains(said), "{words}");
    let (_, words) =
        explained(json!({ "percentile_ppm": 750_000 }), &json!({ "method": { "ratio_timeslices": {} } }));
    let said = "The mean over the measured slices of each one's 75 % percentile reading, where";
    assert!(words.contains(said), "{words}");
    let (report, words) = explained(json!("mean"), &json!({ "least_samples": 10 }));
    assert_eq!(report.outcome, Outcome::Indeterminate);
    assert!(words.contains("indeterminate"), "{words}");
}
