//! The rules that the fields of a measurement obey together.

use super::{Expectations, Indicator, Measurement, Method, Quorum, Target, TimeRange, target_url};
use crate::canonical::{DocumentError, ensure};
use crate::scale::{Scale, Worse};
use crate::units::{PPM_WHOLE, Ppm, UnixSeconds};

/// The latest end of a window: maturity and refund locktime, which come later, must fit 32 bits of unix seconds.
/// Two leap years of room for both.
const LATEST_END: UnixSeconds = UnixSeconds(u32::MAX as u64 - 2 * 366 * 86_400);

/// Locktimes below this are block heights (BIP65), so no window reaches down there.
const EARLIEST_START: UnixSeconds = UnixSeconds(500_000_000);

/// The most probes of one vantage in a window.
const MAX_PROBES: u64 = 50_000_000;

const MAX_EXCLUSIONS: usize = 1024;
const MAX_BODY_BYTES: u64 = 16 * 1024 * 1024;
const MAX_BODY_TEXT_BYTES: usize = 1024;
const MAX_TIMEOUT_MS: u64 = 60_000;
const MAX_VANTAGES: u64 = 64;

/// Checks them all.
pub(super) fn check(measurement: &Measurement) -> Result<(), DocumentError> {
    ensure(measurement.v == 1, "v", "must be 1, the only version there is")?;
    target(&measurement.target, measurement.probe_every_ms).map_err(|error| error.within("target"))?;
    window(measurement)?;
    exclusions(measurement)?;
    quorum(measurement.quorum).map_err(|error| error.within("quorum"))?;
    counting(measurement)?;
    measurement.outcome.validate().map_err(|error| error.within("outcome"))?;
    indicator(measurement)
}

fn target(target: &Target, probe_every_ms: u64) -> Result<(), DocumentError> {
    target_url::check(&target.url)?;
    ensure(matches!(target.method.as_str(), "GET" | "HEAD"), "method", "must be GET or HEAD")?;
    ensure((1..=MAX_TIMEOUT_MS).contains(&target.timeout_ms), "timeout_ms", "must be from 1 to 60000")?;
    // So a vantage never has two probes of one target under way.
    ensure(target.timeout_ms <= probe_every_ms, "timeout_ms", "must be at most probe_every_ms")?;
    expectations(&target.expect, target.method == "HEAD").map_err(|error| error.within("expect"))
}

fn expectations(expect: &Expectations, head: bool) -> Result<(), DocumentError> {
    let statuses = 100..=599;
    ensure(statuses.contains(&expect.status_from), "status_from", "must be from 100 to 599")?;
    ensure(statuses.contains(&expect.status_to), "status_to", "must be from 100 to 599")?;
    ensure(expect.status_from <= expect.status_to, "status_to", "must not be below status_from")?;
    ensure(expect.body_max_bytes <= MAX_BODY_BYTES, "body_max_bytes", "must be at most 16777216 (16 MiB)")?;
    ensure(
        expect.body_sha256.is_none() || !head,
        "body_sha256",
        "must be left out: an answer to HEAD has no body",
    )?;
    let Some(text) = &expect.body_contains else {
        return Ok(());
    };
    ensure(!head, "body_contains", "must be left out: an answer to HEAD has no body")?;
    ensure((1..=MAX_BODY_TEXT_BYTES).contains(&text.len()), "body_contains", "must be 1 to 1024 bytes long")?;
    ensure(text.len() as u64 <= expect.body_max_bytes, "body_contains", "must fit into body_max_bytes")
}

fn window(measurement: &Measurement) -> Result<(), DocumentError> {
    let TimeRange { start, end } = measurement.window;
    ensure(
        start >= EARLIEST_START,
        "window.start",
        "must be at least 500000000: a locktime below is a height",
    )?;
    ensure(start < end, "window.end", "must come after window.start")?;
    ensure(end <= LATEST_END, "window.end", "must be at most 4231722495: later locktimes must fit 32 bits")?;
    let divides = |part: u64, whole: u64| part > 0 && whole.is_multiple_of(part);
    ensure(
        divides(measurement.slice_s, measurement.window.seconds()),
        "slice_s",
        "must divide the window's length",
    )?;
    let slice_ms = measurement.slice_s * 1000;
    ensure(divides(measurement.probe_every_ms, slice_ms), "probe_every_ms", "must divide slice_s * 1000")?;
    let few = measurement.probe_count() <= MAX_PROBES;
    ensure(few, "probe_every_ms", "must give at most 50000000 probes in the window")
}

fn exclusions(measurement: &Measurement) -> Result<(), DocumentError> {
    let exclusions = &measurement.exclusions;
    ensure(exclusions.len() <= MAX_EXCLUSIONS, "exclusions", "must be at most 1024")?;
    let mut last_end = None;
    for (index, range) in exclusions.iter().enumerate() {
        exclusion(measurement, *range, last_end)
            .map_err(|error| error.within(&format!("exclusions[{index}]")))?;
        last_end = Some(range.end);
    }
    let excluded: u64 = exclusions.iter().map(TimeRange::seconds).sum();
    ensure(
        excluded < measurement.window.seconds(),
        "exclusions",
        "must leave at least one slice of the window",
    )
}

/// Exclusions are made of whole slices, so that a slice counts entirely or not at all.
fn exclusion(
    measurement: &Measurement,
    range: TimeRange,
    last_end: Option<UnixSeconds>,
) -> Result<(), DocumentError> {
    let window = measurement.window;
    ensure(range.start < range.end, "end", "must come after start")?;
    ensure(window.start <= range.start, "start", "must not be before the window's")?;
    ensure(range.end <= window.end, "end", "must not be after the window's")?;
    let apart = last_end.is_none_or(|last_end| last_end < range.start);
    ensure(apart, "start", "must come after the end of the exclusion before; join those that touch")?;
    let aligned = |moment: UnixSeconds| (moment.0 - window.start.0).is_multiple_of(measurement.slice_s);
    ensure(aligned(range.start), "start", "must be where a slice starts")?;
    ensure(aligned(range.end), "end", "must be where a slice ends")
}

fn quorum(quorum: Quorum) -> Result<(), DocumentError> {
    ensure((1..=MAX_VANTAGES).contains(&quorum.vantages), "vantages", "must be from 1 to 64")?;
    ensure(quorum.agree <= quorum.vantages, "agree", "must be at most vantages")?;
    ensure(quorum.agree * 2 > quorum.vantages, "agree", "must be more than half of vantages")
}

fn counting(measurement: &Measurement) -> Result<(), DocumentError> {
    let least_holds = (1..=measurement.probes_per_slice()).contains(&measurement.least_samples);
    ensure(least_holds, "least_samples", "must be from 1 to the number of probes in a slice")?;
    let share = measurement.indeterminate_above_ppm;
    ensure(share.0 <= PPM_WHOLE, "indeterminate_above_ppm", "must be at most 1000000")?;
    let Method::Timeslices { bad_above_ppm } = measurement.method else {
        return Ok(());
    };
    let reachable = bad_above_ppm.0 < PPM_WHOLE;
    ensure(reachable, "method.timeslices.bad_above_ppm", "must be below 1000000, or no slice is ever bad")
}

fn indicator(measurement: &Measurement) -> Result<(), DocumentError> {
    let scale = &measurement.outcome;
    match &measurement.indicator {
        Indicator::Availability {} => share_scale(scale).map_err(|error| error.within("outcome")),
        Indicator::Latency { threshold_ms, percentile_ppm } => {
            latency(measurement, *threshold_ms, *percentile_ppm)
                .map_err(|error| error.within("indicator.latency"))?;
            share_scale(scale).map_err(|error| error.within("outcome"))
        }
        Indicator::Lateness { deadline, unit_s } => {
            lateness(measurement, *deadline, *unit_s).map_err(|error| error.within("indicator.lateness"))?;
            let occurrences = measurement.method == Method::Occurrences {};
            ensure(occurrences, "method", "must be occurrences: lateness adds up no slices")?;
            higher_is_worse(scale).map_err(|error| error.within("outcome"))
        }
        Indicator::Metric { .. } => Err(DocumentError::new("indicator.metric", "is not supported yet")),
    }
}

fn latency(
    measurement: &Measurement,
    threshold_ms: u64,
    percentile: Option<Ppm>,
) -> Result<(), DocumentError> {
    ensure(threshold_ms > 0, "threshold_ms", "must be at least 1")?;
    ensure(
        threshold_ms <= measurement.target.timeout_ms,
        "threshold_ms",
        "must be at most target.timeout_ms",
    )?;
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
