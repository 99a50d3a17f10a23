//! From slices to the reading that becomes the outcome.

use terms::{Indicator, Method, Outcome, Ppm, units::PPM_WHOLE};

use crate::grid::Grid;
use crate::metric::Gauge;
use crate::ratio::Ratio;
use crate::slice::{SliceState, SliceVerdict};

/// What the slices read.
pub(crate) struct Reading {
    pub(crate) outcome: Outcome,
    pub(crate) exact: Option<Ratio>,
    pub(crate) value: Option<u64>,
}

impl Reading {
    const INDETERMINATE: Self = Self { outcome: Outcome::Indeterminate, exact: None, value: None };
}

/// What slices add to the reading: so many alike, next to each other.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// How many slices.
    pub(crate) times: u64,
    pub(crate) state: SliceState,
    /// In each.
    pub(crate) good: u64,
    /// In each.
    pub(crate) bad: u64,
    pub(crate) first_good: Option<u64>,
    pub(crate) last_bad: Option<u64>,
}

impl Part {
    fn decided(&self) -> u64 {
        self.good + self.bad
    }

    fn is_measured(&self) -> bool {
        matches!(self.state, SliceState::Good | SliceState::Bad)
    }
}

impl From<&SliceVerdict> for Part {
    fn from(slice: &SliceVerdict) -> Self {
        let SliceVerdict { state, good, bad, first_good, last_bad, .. } = *slice;
        Self { times: 1, state, good, bad, first_good, last_bad }
    }
}

/// Reads slices, ascending by index.
pub(crate) fn read(grid: &Grid, slices: &[SliceVerdict]) -> Reading {
    match &grid.measurement().indicator {
        Indicator::Metric(_) => metric(grid, slices),
        _ => read_parts(grid, &slices.iter().map(Part::from).collect::<Vec<_>>()),
    }
}

/// Reads the parts of a window: for a lateness in their order, otherwise in any. A metric reads more than a part says.
pub(crate) fn read_parts(grid: &Grid, parts: &[Part]) -> Reading {
    match &grid.measurement().indicator {
        Indicator::Lateness { deadline, unit_s } => lateness(grid, parts, deadline.0 * 1000, unit_s * 1000),
        Indicator::Availability {} | Indicator::Latency { .. } => share(grid, parts),
        Indicator::Metric(_) => Reading::INDETERMINATE,
    }
}

fn metric(grid: &Grid, slices: &[SliceVerdict]) -> Reading {
    if too_few_measured(grid, &slices.iter().map(Part::from).collect::<Vec<_>>()) {
        return Reading::INDETERMINATE;
    }
    let measured = slices.iter().filter(|slice| slice.is_measured());
    let measurement = grid.measurement();
    let exact = Gauge::of(measurement).and_then(|gauge| gauge.of_window(&measurement.method, measured));
    exact.map_or(Reading::INDETERMINATE, |exact| valued(grid, exact, 1))
}

fn share(grid: &Grid, parts: &[Part]) -> Reading {
    if too_few_measured(grid, parts) {
        return Reading::INDETERMINATE;
    }
    let measured = parts.iter().filter(|part| part.is_measured());
    let exact = match grid.measurement().method {
        Method::Timeslices { .. } => {
            let (all, bad) = measured.fold((0, 0), |(all, bad), part| {
                (all + part.times, bad + if part.state == SliceState::Bad { part.times } else { 0 })
            });
            Ratio::new(bad, all)
        }
        Method::RatioTimeslices {} => {
            Ratio::mean(measured.map(|part| (part.bad, part.decided(), part.times)))
        }
        Method::Occurrences {} => {
            let (all, bad) = measured.fold((0, 0), |(all, bad), part| {
                (all + part.times * part.decided(), bad + part.times * part.bad)
            });
            Ratio::new(bad, all)
        }
    };
    exact.map_or(Reading::INDETERMINATE, |exact| valued(grid, exact, PPM_WHOLE))
}

fn valued(grid: &Grid, exact: Ratio, factor: u64) -> Reading {
    let value = exact.scaled(factor, grid.measurement().rounding);
    Reading { outcome: grid.measurement().outcome.classify(value), exact: Some(exact), value: Some(value) }
}

/// The delivery counts from the slot after the last probe that found it missing. Where the oracle
/// could not decide in between, the doubt is the oracle's, not the provider's.
fn lateness(grid: &Grid, parts: &[Part], deadline_ms: u64, unit_ms: u64) -> Reading {
    let delivered_in = parts.iter().position(|part| part.first_good.is_some());
    let up_to = delivered_in.map_or(parts, |position| &parts[..=position]);
    let since = up_to.iter().rev().find_map(|part| part.last_bad).map_or(0, |last_bad| last_bad + 1);
    let late_ms = grid.probe_start_ms(since).saturating_sub(deadline_ms);
    let before = &up_to[..delivered_in.unwrap_or(parts.len())];
    match delivered_in {
        Some(_) if late_ms == 0 => timed(grid, 0, unit_ms),
        Some(_) if before.is_empty() || !too_few_measured(grid, before) => timed(grid, late_ms, unit_ms),
        None if !too_few_measured(grid, parts) => never(grid),
        _ => Reading::INDETERMINATE,
    }
}

fn timed(grid: &Grid, late_ms: u64, unit_ms: u64) -> Reading {
    Ratio::new(late_ms, unit_ms).map_or(Reading::INDETERMINATE, |exact| valued(grid, exact, 1))
}

fn never(grid: &Grid) -> Reading {
    Reading { outcome: grid.measurement().outcome.classify(u64::MAX), exact: None, value: None }
}

/// More unmeasured slices than the measurement allows, or none measured at all.
fn too_few_measured(grid: &Grid, parts: &[Part]) -> bool {
    let count = |wanted: fn(&Part) -> bool| {
        parts.iter().filter(|part| wanted(part)).map(|part| part.times).sum::<u64>()
    };
    let measured = count(Part::is_measured);
    let unmeasured = count(|part| part.state == SliceState::Unmeasured);
    measured == 0 || over(unmeasured, measured + unmeasured, grid.measurement().indeterminate_above_ppm)
}

fn over(part: u64, whole: u64, limit: Ppm) -> bool {
    u128::from(part) * u128::from(PPM_WHOLE) > u128::from(limit.0) * u128::from(whole)
}
