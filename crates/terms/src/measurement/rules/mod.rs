//! The rules that the fields of a measurement obey together.

mod expect;
mod http;
mod indicator;
mod names;
mod schema;
mod target;
mod url;

use super::{Confirm, Indicator, Measurement, Method, Quorum, TimeRange};
use crate::canonical::{DocumentError, ensure};
use crate::units::{PPM_WHOLE, UnixSeconds};

/// The latest end of a window: maturity and refund locktime, which come later, must fit 32 bits of unix seconds.
/// Two leap years of room for both.
const LATEST_END: UnixSeconds = UnixSeconds(u32::MAX as u64 - 2 * 366 * 86_400);

/// Locktimes below this are block heights (BIP65), so no window reaches down there.
const EARLIEST_START: UnixSeconds = UnixSeconds(500_000_000);

/// The most probes of one vantage in a window.
const MAX_PROBES: u64 = 50_000_000;

const MAX_EXCLUSIONS: usize = 1024;
const MAX_VANTAGES: u64 = 64;
/// With it a slice is decided at most some 10,000 slots after its end.
const MAX_CONFIRM: u64 = 100;

/// Checks them all.
pub(super) fn check(measurement: &Measurement) -> Result<(), DocumentError> {
    ensure(measurement.v == 1, "v", "must be 1, the only version there is")?;
    target::check(&measurement.target, measurement.probe_every_ms).map_err(|error| error.within("target"))?;
    window(measurement)?;
    exclusions(measurement)?;
    quorum(measurement.quorum).map_err(|error| error.within("quorum"))?;
    counting(measurement)?;
    measurement.outcome.validate().map_err(|error| error.within("outcome"))?;
    indicator::check(measurement)?;
    confirm(measurement)
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

/// Runs have a meaning where probes are good or bad and nothing else: a delivery is late at its first good probe, a
/// metric has readings, and a percentile is read from latencies.
fn confirm(measurement: &Measurement) -> Result<(), DocumentError> {
    let Some(Confirm { bad, good }) = measurement.confirm else {
        return Ok(());
    };
    let bounds = 1..=MAX_CONFIRM;
    ensure(bounds.contains(&bad), "confirm.bad", "must be from 1 to 100")?;
    ensure(bounds.contains(&good), "confirm.good", "must be from 1 to 100")?;
    ensure(bad > 1 || good > 1, "confirm", "must be left out: one bad probe and one good one is no rule")?;
    let has_runs = matches!(
        measurement.indicator,
        Indicator::Availability {} | Indicator::Latency { percentile_ppm: None, .. }
    );
    ensure(
        has_runs,
        "confirm",
        "must be left out: only availability, and latency without a percentile, know it",
    )
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
