//! Readings of a metric, from JSON and from Prometheus' text.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::routing::get;
use earnest_oracle::probe::{Cause, Prober};
use ledger::Verdict;
use serde_json::{Value, json};
use terms::{Decimal, MetricSource, Outcome, OutcomeValue};

use super::common::{Http, START, World, measurement};
use super::{http, led_to, prober, read, serve};

const METRICS: &str = "\
# HELP tokens_per_second Tokens a second.
# TYPE tokens_per_second gauge
tokens_per_second{model=\"small\",zone=\"a\"} 812.0625
tokens_per_second{model=\"large\",zone=\"a\"} 9.1e+1
tokens_per_second{model=\"large\",zone=\"b\"} NaN
";

fn source(document: Value) -> MetricSource {
    serde_json::from_value(document).unwrap()
}

fn prometheus(labels: &[(&str, &str)]) -> MetricSource {
    let labels: Vec<Value> =
        labels.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    source(json!({ "prometheus": { "name": "tokens_per_second", "labels": labels } }))
}

async fn service() -> Prober {
    let router = Router::new().route("/metrics", get(|| async { METRICS })).route(
        "/json",
        get(|| async { r#"{"grid":{"curtailed_mw":12.345678901234567890123,"unit":"MW"}}"# }),
    );
    prober(&led_to("edge.example", serve(router).await))
}

/// From the page to the outcome: an hour of 240 readings, of which the last 60 are half as large.
#[tokio::test]
async fn a_metric_is_measured_from_its_page_to_its_outcome() {
    let reading = Arc::new(AtomicU32::new(900));
    let shown = Arc::clone(&reading);
    let page = move || async move {
        format!("tokens_per_second{{model=\"m1\"}} {}.5\n", shown.load(Ordering::SeqCst))
    };
    let addr = serve(Router::new().route("/metrics", get(page))).await;
    let mut world = World::new().await;
    world.configure(&format!("[probe]\njitter = false\n{}", led_to("metrics.example", addr)));
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let tokens = measurement(|m| {
        m["target"]["url"] = json!("http://metrics.example/metrics");
        m["indicator"] = json!({ "metric": {
            "source": { "prometheus": { "name": "tokens_per_second", "labels": [{ "name": "model", "value": "m1" }] } },
            "aggregate": "mean", "scale": "1",
        } });
        m["method"] = json!({ "occurrences": {} });
        m["rounding"] = json!("down");
        m["outcome"] = json!({ "numeric": {
            "unit": "tok/s", "digits": 10, "max": 950, "indeterminate_from": 960, "worse": "lower"
        } });
    });
    let id = http.announce(&tokens).await.event_id;
    // Between the probes of second 2,685 and 2,700.
    world.until(START + 2_690).await;
    reading.store(450, Ordering::SeqCst);
    world.until(START + 3_600 + 601).await;
    // (180 * 900.5 + 60 * 450.5) / 240 = 788
    let outcome = http.event(&id).await.provisional.unwrap().outcome;
    assert_eq!(outcome, Outcome::Value(OutcomeValue(788)));
    let (_, samples) = http.text(&format!("/v1/events/{id}/samples")).await;
    assert_eq!(samples.lines().filter(|line| line.ends_with(",900.5")).count(), 180, "{samples}");
    world.stop(oracle).await;
}

async fn value(prober: &Prober, path: &str, source: &MetricSource) -> Result<String, Cause> {
    let observation = read(prober, &http(path, |_| ()), Some(source)).await;
    assert_eq!(observation.value.is_some(), observation.verdict == Verdict::Good);
    observation.value.as_ref().map(Decimal::to_string).ok_or_else(|| observation.cause.unwrap())
}

#[tokio::test]
async fn a_good_answer_is_read_to_the_last_digit_that_is_kept() {
    let prober = service().await;
    let curtailed = source(json!({ "pointer": "/grid/curtailed_mw" }));
    assert_eq!(value(&prober, "/json", &curtailed).await.unwrap(), "12.345678901234567");
    assert_eq!(value(&prober, "/metrics", &prometheus(&[("model", "small")])).await.unwrap(), "812.0625");
    let large = [("model", "large"), ("zone", "a")];
    assert_eq!(value(&prober, "/metrics", &prometheus(&large)).await.unwrap(), "91");
}

#[tokio::test]
async fn an_answer_without_exactly_one_number_is_bad() {
    let prober = service().await;
    for (path, source, fault) in [
        ("/json", source(json!({ "pointer": "/grid/none" })), Cause::NoReading),
        ("/json", source(json!({ "pointer": "/grid/unit" })), Cause::NotANumber),
        ("/metrics", source(json!({ "pointer": "/grid" })), Cause::NotJson),
        ("/metrics", prometheus(&[("model", "large")]), Cause::SeveralReadings),
        ("/metrics", prometheus(&[("model", "tiny")]), Cause::NoReading),
        ("/metrics", prometheus(&[("model", "large"), ("zone", "b")]), Cause::NotANumber),
        ("/json", prometheus(&[]), Cause::NoReading),
    ] {
        assert_eq!(value(&prober, path, &source).await, Err(fault));
    }
}

#[tokio::test]
async fn an_answer_that_is_bad_is_not_read() {
    let prober = service().await;
    let source = prometheus(&[("model", "small")]);
    let missing = read(&prober, &http("/none", |_| ()), Some(&source)).await;
    assert_eq!((missing.cause, missing.value), (Some(Cause::Status(404)), None));
    let strict = http("/metrics", |t| t["expect"]["body_contains"] = json!("# EOF"));
    let strict = read(&prober, &strict, Some(&source)).await;
    assert_eq!((strict.cause, strict.value), (Some(Cause::BodyLacksText), None));
}
