//! The rules of a measurement, each broken once and named by its field.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use crate::common;

use common::{MEASUREMENT, measurement, refused_measurement, with};
use serde_json::{Value, json};
use terms::{Measurement, NumericScale, TimeRange, UnixSeconds};

const START: u64 = 1_622_505_600;
const END: u64 = 1_625_097_600;

/// Each change breaks a rule of the field that is named beside it.
fn each_is_refused(cases: &[(&str, Value, &str)]) {
    for (pointer, value, field) in cases {
        let error = refused_measurement(&[(pointer, value.clone())]);
        assert_eq!(error.field, *field, "{pointer} = {value}: {}", error.rule);
    }
}

fn accepted(changes: &[(&str, Value)]) -> Measurement {
    Measurement::parse(&with(MEASUREMENT, changes)).unwrap()
}

fn lateness() -> Vec<(&'static str, Value)> {
    let hours = NumericScale::count("h", 48).unwrap();
    vec![
        ("/indicator", json!({"lateness": {"deadline": START + 3600, "unit_s": 3600}})),
        ("/method", json!({"occurrences": {}})),
        ("/outcome/numeric", serde_json::to_value(hours).unwrap()),
    ]
}

#[test]
fn there_is_one_version() {
    each_is_refused(&[("/v", json!(0), "v"), ("/v", json!(2), "v")]);
}

#[test]
fn a_target_is_one_http_url_in_normal_form() {
    for url in [
        "",
        "edge.example/health",
        "ftp://edge.example/",
        "file:///etc/passwd",
        "http://",
        "http://user@edge.example/",
        "http://user:password@edge.example/",
        "http://edge.example/#part",
        "http://edge.example:0/",
        "http://edge.example:99999/",
        "http://EDGE.example/",
        "HTTP://edge.example/",
        "http://edge.example",
        "http://edge.example:80/",
        "http://edge.example/a/../b",
        "http://edge.example\\health",
        " http://edge.example/",
        "http://edge.example/\n",
        "http://edge.example/a b",
    ] {
        assert_eq!(refused_measurement(&[("/target/url", json!(url))]).field, "target.url", "{url:?}");
    }
    let long = format!("http://edge.example/{}", "x".repeat(2048));
    assert_eq!(refused_measurement(&[("/target/url", json!(long))]).field, "target.url");
    for url in [
        "http://edge.example/",
        "https://edge.example:8443/a?b=c&d",
        "http://127.0.0.1:4000/ok",
        "http://[::1]/",
    ] {
        accepted(&[("/target/url", json!(url))]);
    }
}

#[test]
fn a_url_that_is_not_in_normal_form_is_told_its_normal_form() {
    let error = refused_measurement(&[("/target/url", json!("http://Edge.Example"))]);
    assert_eq!(error.rule, "must be in normal form: http://edge.example/");
}

#[test]
fn a_probe_is_bounded() {
    each_is_refused(&[
        ("/target/method", json!("PUT"), "target.method"),
        ("/target/method", json!("get"), "target.method"),
        ("/target/timeout_ms", json!(0), "target.timeout_ms"),
        ("/target/timeout_ms", json!(60_001), "target.timeout_ms"),
        // One probe would still be under way when the next one starts.
        ("/target/timeout_ms", json!(15_001), "target.timeout_ms"),
        ("/target/expect/status_from", json!(99), "target.expect.status_from"),
        ("/target/expect/status_to", json!(600), "target.expect.status_to"),
        ("/target/expect/status_to", json!(199), "target.expect.status_to"),
        ("/target/expect/body_max_bytes", json!(16 * 1024 * 1024 + 1), "target.expect.body_max_bytes"),
        ("/target/expect/body_contains", json!(""), "target.expect.body_contains"),
        ("/target/expect/body_contains", json!("x".repeat(1025)), "target.expect.body_contains"),
        ("/target/expect/body_sha256", json!("00"), "target.expect.body_sha256"),
    ]);
}

#[test]
fn a_text_longer_than_the_body_may_be_is_never_found() {
    let changes =
        [("/target/expect/body_contains", json!("pong")), ("/target/expect/body_max_bytes", json!(3))];
    assert_eq!(refused_measurement(&changes).field, "target.expect.body_contains");
}

#[test]
fn an_answer_to_head_has_no_body_to_check() {
    let head = ("/target/method", json!("HEAD"));
    accepted(std::slice::from_ref(&head));
    for (pointer, value, field) in [
        ("/target/expect/body_contains", json!("ok"), "target.expect.body_contains"),
        ("/target/expect/body_sha256", json!("00".repeat(32)), "target.expect.body_sha256"),
    ] {
        assert_eq!(refused_measurement(&[head.clone(), (pointer, value)]).field, field);
    }
}

#[test]
fn a_window_ends_after_it_starts_and_its_locktimes_are_times_of_32_bits() {
    each_is_refused(&[
        ("/window/end", json!(START), "window.end"),
        ("/window/end", json!(START - 300), "window.end"),
        ("/window/start", json!(499_999_800), "window.start"),
        ("/window", json!({"start": 4_231_722_600_u64, "end": 4_231_722_900_u64}), "window.end"),
        ("/window/end", json!(u32::MAX), "window.end"),
        ("/window/end", json!(9_007_199_254_740_991_u64), "window.end"),
    ]);
}

#[test]
fn slices_divide_the_window_and_probes_divide_a_slice() {
    each_is_refused(&[
        ("/slice_s", json!(0), "slice_s"),
        ("/slice_s", json!(301), "slice_s"),
        ("/slice_s", json!(END - START + 1), "slice_s"),
        ("/slice_s", json!(9_007_199_254_740_991_u64), "slice_s"),
        ("/probe_every_ms", json!(7_000), "probe_every_ms"),
        ("/probe_every_ms", json!(300_001), "probe_every_ms"),
    ]);
    // No pause at all is already too short for the timeout.
    each_is_refused(&[("/probe_every_ms", json!(0), "target.timeout_ms")]);
    let short = [("/probe_every_ms", json!(50)), ("/target/timeout_ms", json!(50))];
    assert_eq!(refused_measurement(&short).field, "probe_every_ms", "51,840,000 probes");
}

#[test]
fn a_month_of_quarter_minutes_has_172800_probes_in_8640_slices() {
    let measurement = measurement();
    assert_eq!(measurement.probe_count(), 172_800);
    assert_eq!(measurement.slice_count(), 8_640);
    assert_eq!(measurement.probes_per_slice(), 20);
}

#[test]
fn a_measurement_that_was_never_checked_counts_nothing_and_does_not_panic() {
    let mut measurement = measurement();
    measurement.probe_every_ms = 0;
    measurement.slice_s = u64::MAX;
    measurement.window = TimeRange { start: UnixSeconds(9), end: UnixSeconds(8) };
    assert_eq!(
        (measurement.probe_count(), measurement.probes_per_slice(), measurement.slice_count()),
        (0, 0, 0)
    );
    assert!(measurement.validate().is_err());
}

#[test]
fn exclusions_are_whole_slices_in_order_and_apart() {
    let range = |from: u64, to: u64| json!({"start": START + from, "end": START + to});
    let kept = accepted(&[("/exclusions", json!([range(0, 300), range(600, 1200)]))]);
    assert_eq!(kept.exclusions.len(), 2);
    for (exclusions, field) in [
        (json!([range(300, 300)]), "exclusions[0].end"),
        (json!([{"start": START - 300, "end": START + 300}]), "exclusions[0].start"),
        (json!([{"start": START, "end": END + 300}]), "exclusions[0].end"),
        (json!([range(0, 600), range(300, 900)]), "exclusions[1].start"),
        (json!([range(600, 900), range(0, 300)]), "exclusions[1].start"),
        (json!([range(0, 300), range(300, 600)]), "exclusions[1].start"),
        (json!([range(1, 300)]), "exclusions[0].start"),
        (json!([range(0, 299)]), "exclusions[0].end"),
        (json!([{"start": START, "end": END}]), "exclusions"),
    ] {
        assert_eq!(refused_measurement(&[("/exclusions", exclusions.clone())]).field, field, "{exclusions}");
    }
    let many: Vec<_> = (0..1025).map(|index| range(index * 600, index * 600 + 300)).collect();
    assert_eq!(refused_measurement(&[("/exclusions", json!(many))]).field, "exclusions");
}

#[test]
fn more_than_half_of_the_vantages_must_agree() {
    each_is_refused(&[
        ("/quorum", json!({"agree": 1, "vantages": 0}), "quorum.vantages"),
        ("/quorum", json!({"agree": 33, "vantages": 65}), "quorum.vantages"),
        ("/quorum", json!({"agree": 0, "vantages": 1}), "quorum.agree"),
        ("/quorum", json!({"agree": 2, "vantages": 1}), "quorum.agree"),
        ("/quorum", json!({"agree": 1, "vantages": 2}), "quorum.agree"),
        ("/quorum", json!({"agree": 2, "vantages": 4}), "quorum.agree"),
        ("/quorum", json!({"agree": 9_007_199_254_740_991_u64, "vantages": 3}), "quorum.agree"),
    ]);
    accepted(&[("/quorum", json!({"agree": 2, "vantages": 3}))]);
}

#[test]
fn counting_has_bounds() {
    each_is_refused(&[
        ("/least_samples", json!(0), "least_samples"),
        ("/least_samples", json!(21), "least_samples"),
        ("/indeterminate_above_ppm", json!(1_000_001), "indeterminate_above_ppm"),
        ("/method", json!({"timeslices": {"bad_above_ppm": 1_000_000}}), "method.timeslices.bad_above_ppm"),
        ("/rounding", json!("nearest"), "rounding"),
    ]);
}

#[test]
fn a_latency_lies_below_the_timeout_and_a_percentile_belongs_to_timeslices() {
    let latency = |fields: Value| ("/indicator", json!({"latency": fields}));
    let timeslices = |ppm: u64| ("/method", json!({"timeslices": {"bad_above_ppm": ppm}}));
    accepted(&[latency(json!({"threshold_ms": 5000}))]);
    accepted(&[latency(json!({"threshold_ms": 200, "percentile_ppm": 950_000})), timeslices(0)]);
    for (changes, field) in [
        (vec![latency(json!({"threshold_ms": 0}))], "indicator.latency.threshold_ms"),
        (vec![latency(json!({"threshold_ms": 5001}))], "indicator.latency.threshold_ms"),
        (
            vec![latency(json!({"threshold_ms": 200, "percentile_ppm": 950_000}))],
            "indicator.latency.percentile_ppm",
        ),
        (
            vec![latency(json!({"threshold_ms": 200, "percentile_ppm": 950_000})), timeslices(50_000)],
            "indicator.latency.percentile_ppm",
        ),
        (
            vec![latency(json!({"threshold_ms": 200, "percentile_ppm": 0})), timeslices(0)],
            "indicator.latency.percentile_ppm",
        ),
    ] {
        assert_eq!(refused_measurement(&changes).field, field);
    }
}

#[test]
fn a_delivery_is_due_in_the_window_and_adds_up_no_slices() {
    accepted(&lateness());
    let changed = |pointer, value| {
        let mut changes = lateness();
        changes.push((pointer, value));
        refused_measurement(&changes).field
    };
    let deadline = "/indicator/lateness/deadline";
    assert_eq!(changed(deadline, json!(START - 1)), "indicator.lateness.deadline");
    assert_eq!(changed(deadline, json!(END)), "indicator.lateness.deadline");
    assert_eq!(changed("/indicator/lateness/unit_s", json!(0)), "indicator.lateness.unit_s");
    assert_eq!(changed("/indicator/lateness/unit_s", json!(END - START + 1)), "indicator.lateness.unit_s");
    assert_eq!(changed("/method", json!({"ratio_timeslices": {}})), "method");
    assert_eq!(changed("/outcome/numeric/worse", json!("lower")), "outcome.numeric.worse");
}

#[test]
fn a_share_is_measured_in_ppm_and_more_is_worse() {
    each_is_refused(&[
        ("/outcome/numeric/unit", json!("percent"), "outcome.numeric.unit"),
        ("/outcome/numeric/max", json!(999_999), "outcome.numeric.max"),
        ("/outcome/numeric/worse", json!("lower"), "outcome.numeric.worse"),
        (
            "/outcome",
            json!({"enum": {
                "levels": [{"name": "good", "from": 0}, {"name": "bad", "from": 1_000_001}],
                "indeterminate": "unknown",
                "worse": "higher"
            }}),
            "outcome.enum.levels",
        ),
    ]);
}

#[test]
fn a_numeric_scale_leaves_a_power_of_two_for_indeterminate() {
    let scale = |name: &str| format!("/outcome/numeric/{name}");
    for (name, value, field) in [
        ("digits", json!(0), "outcome.numeric.digits"),
        ("digits", json!(25), "outcome.numeric.digits"),
        ("digits", json!(9_007_199_254_740_991_u64), "outcome.numeric.digits"),
        ("unit", json!(""), "outcome.numeric.unit"),
        ("unit", json!("Hours"), "outcome.numeric.unit"),
        ("unit", json!("x".repeat(33)), "outcome.numeric.unit"),
        ("indeterminate_from", json!(0), "outcome.numeric.indeterminate_from"),
        ("indeterminate_from", json!(1_015_809), "outcome.numeric.indeterminate_from"),
        ("indeterminate_from", json!(1 << 20), "outcome.numeric.indeterminate_from"),
        ("indeterminate_from", json!(1 << 21), "outcome.numeric.indeterminate_from"),
        // 2^20 - 2^19 is such a block, but max lies in it.
        ("indeterminate_from", json!(1 << 19), "outcome.numeric.max"),
    ] {
        assert_eq!(refused_measurement(&[(&scale(name), value.clone())]).field, field, "{name} = {value}");
    }
    // A block of one value.
    accepted(&[("/outcome/numeric/indeterminate_from", json!((1 << 20) - 1))]);
}

#[test]
fn an_enum_scale_starts_at_0_ascends_and_has_names_of_its_own() {
    let level = |name: &str, from: u64| json!({"name": name, "from": from});
    let scale = |levels: Vec<Value>, indeterminate: &str| json!({"enum": {"levels": levels, "indeterminate": indeterminate, "worse": "higher"}});
    let three = || vec![level("good", 0), level("fair", 1001), level("bad", 10_001)];
    accepted(&[("/outcome", scale(three(), "unknown"))]);
    let many = |count: u64| (0..count).map(|index| level(&format!("l{index}"), index)).collect();
    accepted(&[("/outcome", scale(many(64), "unknown"))]);
    for (scale, field) in [
        (scale(vec![level("good", 0)], "unknown"), "levels"),
        (scale(many(65), "unknown"), "levels"),
        (scale(vec![level("good", 1), level("bad", 2)], "unknown"), "levels[0].from"),
        (scale(vec![level("good", 0), level("bad", 0)], "unknown"), "levels[1].from"),
        (scale(vec![level("good", 0), level("good", 5)], "unknown"), "levels[0].name"),
        (scale(vec![level("good", 0), level("Bad", 5)], "unknown"), "levels[1].name"),
        (scale(vec![level("good", 0), level("", 5)], "unknown"), "levels[1].name"),
        (scale(three(), "bad"), "indeterminate"),
        (scale(three(), "no data"), "indeterminate"),
    ] {
        let error = refused_measurement(&[("/outcome", scale)]);
        assert_eq!(error.field, format!("outcome.enum.{field}"), "{}", error.rule);
    }
}
