//! The rules of an indicator: which target, method and scale it goes with.

use super::names;
use crate::canonical::{DocumentError, ensure};
use crate::decimal::Decimal;
use crate::measurement::{Aggregate, Indicator, Measurement, Method, Metric, MetricSource, Target};
use crate::scale::{Scale, Worse};
use crate::units::{PPM_WHOLE, Ppm, UnixSeconds};

const MAX_LABELS: usize = 16;
const MAX_LABEL_BYTES: usize = 256;

/// Beyond this no reading would leave anything of a scale of 24 bits.
const MAX_SCALE: u32 = 1_000_000_000;

/// Checks the indicator.
pub(super) fn check(measurement: &Measurement) -> Result<(), DocumentError> {
    let scale = &measurement.outcome;
    match &measurement.indicator {
        Indicator::Availability {} => share_scale(scale).map_err(|error| error.within("outcome")),
        Indicator::Latency { threshold_ms, percentile_ppm } => {
            latency(measurement, *threshold_ms, *percentile_ppm)
                .map_err(|error| error.within("indicator.latency"))?;
            share_scale(scale).map_err(|error| error.within("outcome"))
        }
        Indicator::Lateness { deadline, unit_s } => {
            over_http(&measurement.target, "lateness")?;
            lateness(measurement, *deadline, *unit_s).map_err(|error| error.within("indicator.lateness"))?;
            let occurrences = measurement.method == Method::Occurrences {};
            ensure(occurrences, "method", "must be occurrences: lateness adds up no slices")?;
            higher_is_worse(scale).map_err(|error| error.within("outcome"))
        }
        Indicator::Metric(metric) => {
            over_http(&measurement.target, "metric")?;
            check_metric(measurement, metric).map_err(|error| error.within("indicator.metric"))?;
            let adds_up = !matches!(measurement.method, Method::Timeslices { .. });
            ensure(
                adds_up,
                "method",
                "must be occurrences or ratio_timeslices: a metric is no share of slices",
            )
        }
    }
}

fn latency(
    measurement: &Measurement,
    threshold_ms: u64,
    percentile: Option<Ppm>,
) -> Result<(), DocumentError> {
    ensure(threshold_ms > 0, "threshold_ms", "must be at least 1")?;
    let Some(timeout_ms) = measurement.target.timeout_ms() else {
        return Err(DocumentError::new("threshold_ms", "can't be measured: heartbeats have no latency"));
    };
    ensure(threshold_ms <= timeout_ms, "threshold_ms", "must be at most target.timeout_ms")?;
    let Some(percentile) = percentile else {
        return Ok(());
    };
    ensure((1..=PPM_WHOLE).contains(&percentile.0), "percentile_ppm", "must be from 1 to 1000000")?;
    let Method::Timeslices { bad_above_ppm } = measurement.method else {
        return Err(DocumentError::new(
            "percentile_ppm",
            "must be left out: it belongs to method timeslices",
        ));
    };
    // The percentile alone decides a slice; another share beside it would have no meaning.
    ensure(bad_above_ppm.0 == 0, "percentile_ppm", "needs method.timeslices.bad_above_ppm to be 0")
}

fn lateness(measurement: &Measurement, deadline: UnixSeconds, unit_s: u64) -> Result<(), DocumentError> {
    ensure(measurement.window.contains(deadline), "deadline", "must lie in the window")?;
    let unit_holds = (1..=measurement.window.seconds()).contains(&unit_s);
    ensure(unit_holds, "unit_s", "must be from 1 to the window's length")
}

/// The scale of an indicator whose reading is a share in ppm.
fn share_scale(scale: &Scale) -> Result<(), DocumentError> {
    higher_is_worse(scale)?;
    match scale {
        Scale::Numeric(scale) => {
            ensure(scale.unit == "ppm", "numeric.unit", "must be ppm, the unit of this indicator")?;
            ensure(scale.max.0 == PPM_WHOLE, "numeric.max", "must be 1000000, the whole of a share")
        }
        Scale::Enum(scale) => {
            let reached = scale.levels.iter().all(|level| level.from.0 <= PPM_WHOLE);
            ensure(reached, "enum.levels", "must start at 1000000 ppm or below")
        }
    }
}

fn higher_is_worse(scale: &Scale) -> Result<(), DocumentError> {
    let field = match scale {
        Scale::Numeric(_) => "numeric.worse",
        Scale::Enum(_) => "enum.worse",
    };
    ensure(scale.worse() == Worse::Higher, field, "must be higher with this indicator")
}

/// A delivery and a reading are in the body of an answer.
fn over_http(target: &Target, indicator: &str) -> Result<(), DocumentError> {
    let http = matches!(target, Target::Http(_));
    ensure(http, &format!("indicator.{indicator}"), "needs an HTTP target, not one of another kind")
}

fn check_metric(measurement: &Measurement, metric: &Metric) -> Result<(), DocumentError> {
    let head = measurement.target.http().is_some_and(|http| http.method == "HEAD");
    ensure(!head, "source", "can't be read: an answer to HEAD has no body")?;
    source(&metric.source).map_err(|error| error.within("source"))?;
    ensure(metric.scale.is_positive(), "scale", "must be above 0")?;
    ensure(metric.scale <= Decimal::from(MAX_SCALE), "scale", "must be at most 1000000000")?;
    rank(metric.aggregate, &measurement.method)
}

fn source(source: &MetricSource) -> Result<(), DocumentError> {
    match source {
        MetricSource::Pointer(pointer) => names::pointer("pointer", pointer),
        MetricSource::Prometheus { name, labels } => {
            ensure(
                is_metric_name(name, true),
                "prometheus.name",
                "must be a name of Prometheus' text format",
            )?;
            ensure(labels.len() <= MAX_LABELS, "prometheus.labels", "must be at most 16")?;
            for (index, label) in labels.iter().enumerate() {
                let at = |field| format!("prometheus.labels[{index}].{field}");
                ensure(is_metric_name(&label.name, false), &at("name"), "must be a label's name")?;
                ensure(label.value.len() <= MAX_LABEL_BYTES, &at("value"), "must be at most 256 bytes long")?;
                let before = index.checked_sub(1).and_then(|before| labels.get(before));
                let ascends = before.is_none_or(|before| before.name < label.name);
                ensure(ascends, &at("name"), "must come after the name before it: labels ascend, each once")?;
            }
            Ok(())
        }
    }
}

/// Names as Prometheus has them; a colon is for names of metrics only.
fn is_metric_name(name: &str, colon: bool) -> bool {
    let first = |b: u8| b.is_ascii_alphabetic() || b == b'_' || (colon && b == b':');
    (1..=MAX_LABEL_BYTES).contains(&name.len())
        && name.bytes().next().is_some_and(first)
        && name.bytes().all(|b| first(b) || b.is_ascii_digit())
}

/// A rank needs all readings at once; those of a slice are few enough.
fn rank(aggregate: Aggregate, method: &Method) -> Result<(), DocumentError> {
    if let Aggregate::PercentilePpm(Ppm(ppm)) = aggregate {
        ensure((1..=PPM_WHOLE).contains(&ppm), "aggregate.percentile_ppm", "must be from 1 to 1000000")?;
        ensure(ppm != PPM_WHOLE / 2, "aggregate", "must be written as \"median\"")?;
        ensure(ppm != PPM_WHOLE, "aggregate", "must be written as \"max\"")?;
    }
    let ranked = matches!(aggregate, Aggregate::Median | Aggregate::PercentilePpm(_));
    let slices = matches!(method, Method::RatioTimeslices {});
    ensure(!ranked || slices, "aggregate", "needs method ratio_timeslices: it ranks the readings of a slice")
}
