//! Measured failures and repairs: read, and drawn from.

use negotiation::history::{History, read};
use negotiation::simulate::{Delivery, Renewal, Service};
use serde_json::json;
use terms::{DocumentError, Measurement};

use crate::common::{DAY, HOUR, MINUTE, START, month, simulation};

fn history(text: &str, measurement: &Measurement, over_ms: Option<u64>) -> Result<History, DocumentError> {
    match read(text, measurement, over_ms)?.service {
        Service::Renewal(Renewal::Measured(history)) => Ok(history),
        other => panic!("{other:?} is no history of outages"),
    }
}

#[test]
fn a_list_of_outages_is_read_joined_and_completed_to_the_time_it_covers() {
    let text = "start,end,severity\n2021-06-08T09:47:00Z,2021-06-08T10:36:00Z,down\n\
                1623312000,1623312600,\n1623312500,1623313200,major\n1623400000,1623400060,minor\n";
    let reading = read(text, &month(json!({})), Some(30 * DAY)).unwrap();
    assert_eq!(reading.left_out, 1);
    let read = history(text, &month(json!({})), Some(30 * DAY)).unwrap();
    // 49 minutes, and 1200 seconds where two overlap.
    assert_eq!(read.outages(), 2);
    assert_eq!(read.mttr_ms(), (49 * MINUTE + 20 * MINUTE) / 2);
    assert_eq!(read.mtbf_ms(), (30 * DAY - 69 * MINUTE) / 2);
}

#[test]
fn a_history_says_what_it_lacks() {
    let cases = [
        ("start,end\n1,2\n", None, "over"),
        ("start,end\n1000,2000\n", Some(1_000), "over"),
        ("start,end\n2000,1000\n", Some(DAY), "history"),
        ("start,end\nyesterday,1000\n", Some(DAY), "history"),
        ("start,end\n", Some(DAY), "history"),
        ("start,end\n1\n", Some(DAY), "history"),
        ("from,to\n1,2\n", Some(DAY), "history"),
        ("unix_ms,vantage,ok,latency_ms\n1000,v1,1,3\n", Some(DAY), "over"),
        ("unix_ms,vantage,ok,latency_ms\n1000,v1,1,3\n", None, "history"),
        ("unix_ms,vantage,ok,latency_ms,cause\n1000,v1,0,3,connect\n", None, "over"),
        ("", None, "history"),
    ];
    for (text, over_ms, field) in cases {
        let error = read(text, &month(json!({})), over_ms).unwrap_err();
        assert_eq!(error.field, field, "{text}: {error}");
    }
    let error = read("start,end\n1,2\n3,x\n", &month(json!({})), Some(DAY)).unwrap_err();
    assert!(error.rule.starts_with("line 3: "), "{error}");
    let latency = month(json!({ "indicator": { "latency": { "threshold_ms": 30 } } }));
    let failures = "unix_ms,vantage,ok,latency_ms,cause\n1000,v1,0,3,connect\n";
    assert_eq!(read(failures, &latency, Some(DAY)).unwrap_err().field, "history");
}

#[test]
fn samples_and_failures_of_an_oracle_tell_the_same_history() {
    let measurement = month(json!({ "quorum": { "agree": 2, "vantages": 2 } }));
    let (mut samples, mut failures) = (
        String::from("unix_ms,vantage,ok,latency_ms\n"),
        String::from("unix_ms,vantage,ok,latency_ms,cause\n"),
    );
    for slot in 0..5_760_u64 {
        for (vantage, alone) in [("ams1", 7), ("fra1", 9)] {
            // One outage of four slots, one of two, and two slots in which one vantage alone fails.
            let bad = (100..104).contains(&slot) || (3_000..3_002).contains(&slot) || slot == alone;
            let at = START * 1000 + slot * 15_000 + 1_000;
            samples += &format!("{at},{vantage},{},20\n", u8::from(!bad));
            if bad {
                failures += &format!("{at},{vantage},0,20,status\n");
            }
        }
    }
    let read_samples = history(&samples, &measurement, None).unwrap();
    assert_eq!(read_samples.outages(), 2);
    assert_eq!(read_samples.mttr_ms(), 3 * 15_000);
    // Two slots are undecided, and no time.
    assert_eq!(read_samples.mtbf_ms(), (5_760 - 2 - 6) * 15_000 / 2);
    let read_failures = history(&failures, &measurement, Some(DAY)).unwrap();
    assert_eq!((read_failures.outages(), read_failures.mttr_ms()), (2, 3 * 15_000));
}

#[test]
fn windows_drawn_from_a_history_are_down_as_much_as_it_was() {
    let outages = (0..12).map(|n| n * 30 * DAY..n * 30 * DAY + (n + 1) * 10 * MINUTE).collect();
    let history = History::new(outages, 365 * DAY).unwrap();
    // 780 minutes in a year.
    let expected_ppm = 780 * MINUTE * 1_000_000 / (365 * DAY);
    let service = Service::Renewal(Renewal::Measured(history));
    let distribution = simulation(&month(json!({})), service, 9).run(0..4_000);
    let down_ppm = 1_000_000 - distribution.up_ms() * 1_000_000 / (4_000 * u128::from(30 * DAY));
    // About one failure a window of 65 minutes, with a standard error of 1.5 %.
    assert!(
        down_ppm.abs_diff(u128::from(expected_ppm)) < u128::from(expected_ppm) / 15,
        "{down_ppm}, {expected_ppm}"
    );
}

#[test]
fn deliveries_are_as_late_as_they_were() {
    let measurement = month(json!({
        "indicator": { "lateness": { "deadline": START + 86_400, "unit_s": 3_600 } },
        "outcome": { "numeric": {
            "unit": "h", "digits": 7, "max": 72, "indeterminate_from": 96, "worse": "higher"
        } },
    }));
    let text = "deadline,delivered\n1000,900\n2000,5600\n3000,\n";
    let service = read(text, &measurement, None).unwrap().service;
    let late = vec![-100_000, i64::try_from(HOUR).unwrap(), 3_653 * i64::try_from(DAY).unwrap()];
    assert_eq!(service, Service::Delivery(Delivery::Measured(late)));
    let distribution = simulation(&measurement, service, 4).run(0..300);
    let outcomes: Vec<String> = distribution.endings().map(|(ending, _)| format!("{ending:?}")).collect();
    // In time; an hour late, and up to a probe more, rounded up; never.
    assert_eq!(outcomes, ["Value(OutcomeValue(0))", "Value(OutcomeValue(1))", "Value(OutcomeValue(72))"]);
}
