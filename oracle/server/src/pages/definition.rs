//! What an event measures, in words.

use maud::{Markup, html};
use terms::{
    Expectations, HttpTarget, Indicator, Measurement, Method, Metric, MetricSource, Outcome, Ppm, Rounding,
    Scale, Target,
};

use super::words::{counted, length_ms, length_s, moment, thousands};

/// The definition as a list of facts.
pub(super) fn facts(measurement: &Measurement) -> Markup {
    html! {
        dl.facts {
            dt { "What is probed" } dd { (target(&measurement.target)) }
            @if let Target::Http(http) = &measurement.target { dt { "A good answer" } dd { (expected(http)) } }
            dt { "What counts" } dd { (indicator(&measurement.indicator)) }
            dt { "When" } dd { (moment(measurement.window.start.0)) " to " (moment(measurement.window.end.0)) ", "
                (length_s(measurement.window.seconds())) }
            dt { "How often" } dd { "one probe in every " (length_ms(measurement.probe_every_ms)) ", "
                (counted(measurement.probe_count(), "probe", "probes")) " in all, "
                (quorum(measurement)) }
            dt { "How it adds up" } dd { (method(measurement)) }
            @if let Some(confirm) = measurement.confirm {
                dt { "Confirmation" } dd { "an outage counts from " (counted(confirm.bad, "bad probe", "bad probes")) " in a row on, and ends with "
                    (counted(confirm.good, "good one", "good ones")) " in a row" }
            }
            dt { "Left out" } dd { (exclusions(measurement)) }
            dt { "Too little measured" } dd { "when more than " (measurement.indeterminate_above_ppm.percent()) " of the slices that count are unmeasured, the outcome is indeterminate. A slice is measured from "
                (counted(measurement.least_samples, "decided probe", "decided probes")) " on." }
            dt { "What is signed" } dd { (scale(&measurement.outcome)) ", rounded " (side(measurement.rounding)) }
        }
    }
}

fn target(target: &Target) -> Markup {
    html! {
        @match target {
            Target::Http(http) => { (http.method) " " span.mono { (http.url) } },
            Target::Tcp(_) => { "a TCP connection to " span.mono { (target) } },
            Target::Tls(_) => { "a TLS handshake with " span.mono { (target) } },
            Target::Dns(_) => { "the domain name system's answer to " span.mono { (target) } },
            Target::Heartbeat(beat) => { "signs of life of " span.mono { (beat.name) } ", signed by " span.mono { (beat.key) } },
        }
        @if let Some(timeout_ms) = target.timeout_ms() { ", within " (length_ms(timeout_ms)) }
    }
}

fn expected(http: &HttpTarget) -> String {
    let Expectations { status_from, status_to, .. } = &http.expect;
    let mut parts = vec![if status_from == status_to {
        format!("status {status_from}")
    } else {
        format!("status {status_from} to {status_to}")
    }];
    parts.extend(http.expect.status_also.iter().map(|range| format!("or {} to {}", range.from, range.to)));
    parts.extend(body(&http.expect));
    if let Some(hops) = http.redirects {
        parts.push(format!("after at most {}", counted(hops, "redirect", "redirects")));
    }
    parts.join(", ")
}

fn body(expect: &Expectations) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(hash) = &expect.body_sha256 {
        parts.push(format!("a body whose SHA-256 is {hash}"));
    }
    if let Some(text) = &expect.body_contains {
        parts.push(format!("a body that contains “{text}”"));
    }
    if let Some(pattern) = &expect.body_matches {
        parts.push(format!("a body that matches “{pattern}”"));
    }
    if let Some(least) = expect.body_min_bytes {
        parts.push(format!("at least {} bytes", thousands(least)));
    }
    parts.push(format!("at most {} bytes", thousands(expect.body_max_bytes)));
    parts.extend(expect.json.iter().map(|check| format!("JSON with the right value at “{}”", check.pointer)));
    if expect.json_schema.is_some() {
        parts.push("JSON of the given schema".to_owned());
    }
    if let Some(valid_s) = expect.certificate_valid_s {
        parts.push(format!("a certificate valid for {} more", length_s(valid_s)));
    }
    parts
}

fn indicator(indicator: &Indicator) -> String {
    match indicator {
        Indicator::Availability {} => "whether it answered well".to_owned(),
        Indicator::Latency { threshold_ms, percentile_ppm: None } => {
            format!("whether it answered well within {}", length_ms(*threshold_ms))
        }
        Indicator::Latency { threshold_ms, percentile_ppm: Some(percentile) } => format!(
            "whether {} of a slice's answers came within {}",
            percentile.percent(),
            length_ms(*threshold_ms)
        ),
        Indicator::Lateness { deadline, unit_s } => {
            format!(
                "how late the delivery was after {}, in units of {}",
                moment(deadline.0),
                length_s(*unit_s)
            )
        }
        Indicator::Metric(metric) => reading(metric),
    }
}

fn reading(metric: &Metric) -> String {
    let source = match &metric.source {
        MetricSource::Pointer(pointer) => format!("the number at “{pointer}” in the answer's JSON"),
        MetricSource::Prometheus { name, labels } => {
            let labels: Vec<String> =
                labels.iter().map(|label| format!("{}=“{}”", label.name, label.value)).collect();
            let with = if labels.is_empty() { "" } else { " with " };
            format!("the sample “{name}”{with}{} in the answer", labels.join(", "))
        }
    };
    match metric.scale.to_string().as_str() {
        "1" => source,
        scale => format!("{source}, times {scale}"),
    }
}

fn quorum(measurement: &Measurement) -> String {
    match measurement.quorum.vantages {
        1 => "from one vantage".to_owned(),
        vantages => {
            format!("from each of {vantages} vantages, of which {} must agree", measurement.quorum.agree)
        }
    }
}

fn method(measurement: &Measurement) -> String {
    let slices = format!(
        "{} of {}",
        counted(measurement.slice_count(), "slice", "slices"),
        length_s(measurement.slice_s)
    );
    match (&measurement.indicator, &measurement.method) {
        (Indicator::Lateness { .. }, _) => "from the deadline to the first probe that found it".to_owned(),
        (Indicator::Metric(metric), Method::RatioTimeslices {}) => {
            format!("the mean of each one's {} reading over the measured ones of {slices}", metric.aggregate)
        }
        (Indicator::Metric(metric), _) => {
            format!("the {} of all readings, in {slices}", metric.aggregate)
        }
        (Indicator::Latency { percentile_ppm: Some(_), .. }, _) => {
            format!("the share of bad slices among the measured ones of {slices}")
        }
        (_, Method::Timeslices { bad_above_ppm: Ppm(0) }) => format!(
            "the share of bad slices among the measured ones of {slices}; a slice is bad when any of its probes is"
        ),
        (_, Method::Timeslices { bad_above_ppm }) => format!(
            "the share of bad slices among the measured ones of {slices}; a slice is bad when more than {} of its probes are",
            bad_above_ppm.percent()
        ),
        (_, Method::RatioTimeslices {}) => format!("the mean error rate of the measured ones of {slices}"),
        (_, Method::Occurrences {}) => format!("bad probes over all decided probes, in {slices}"),
    }
}

fn exclusions(measurement: &Measurement) -> Markup {
    html! {
        @if measurement.exclusions.is_empty() { "nothing" } @else {
            ul.plain {
                @for exclusion in measurement.exclusions.iter().take(20) {
                    li { (moment(exclusion.start.0)) " to " (moment(exclusion.end.0)) }
                }
                @if measurement.exclusions.len() > 20 { li { "and " (thousands(measurement.exclusions.len() as u64 - 20)) " more" } }
            }
        }
    }
}

fn scale(scale: &Scale) -> String {
    match scale {
        Scale::Numeric(numeric) => {
            format!(
                "a number from 0 to {} in {}, or that it is indeterminate",
                thousands(numeric.max.0),
                numeric.unit
            )
        }
        Scale::Enum(levels) => {
            let names: Vec<String> = levels.levels.iter().map(|level| format!("“{}”", level.name)).collect();
            format!("one of {}, or “{}” when it is indeterminate", names.join(", "), levels.indeterminate)
        }
    }
}

fn side(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::Up => "up",
        Rounding::Down => "down",
    }
}

/// An outcome in the unit of its scale; ppm also in percent.
pub(super) fn outcome(outcome: &Outcome, scale: &Scale) -> String {
    match (outcome, scale) {
        (Outcome::Indeterminate, _) => "indeterminate".to_owned(),
        (Outcome::Level(level), _) => format!("“{level}”"),
        (Outcome::Value(value), Scale::Numeric(numeric)) if numeric.unit == "ppm" => {
            format!("{} ppm ({})", thousands(value.0), Ppm(value.0).percent())
        }
        (Outcome::Value(value), Scale::Numeric(numeric)) => {
            format!("{} {}", thousands(value.0), numeric.unit)
        }
        (Outcome::Value(value), Scale::Enum(_)) => thousands(value.0),
    }
}
