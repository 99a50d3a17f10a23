//! All samples at once.

use std::ops::Range;

use terms::{DocumentError, Measurement};

use crate::csv::Columns;
use crate::grid::Grid;
use crate::report::{Report, add_up};
use crate::sample::Sample;
use crate::slice::{SliceVerdict, Slices};

/// A report, with the slices that it adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The outcome and its counts.
    pub report: Report,
    /// Every slice of the window, ascending.
    pub slices: Vec<SliceVerdict>,
}

/// The outcome of a measurement over all its samples, in any order; those outside the window are ignored.
///
/// # Errors
/// Names the field of the measurement and the rule that it breaks.
pub fn outcome(measurement: &Measurement, samples: &[Sample]) -> Result<Report, DocumentError> {
    Ok(evaluate(measurement, samples)?.report)
}

/// As [`outcome`], with the slices.
///
/// # Errors
/// Names the field of the measurement and the rule that it breaks.
pub fn evaluate(measurement: &Measurement, samples: &[Sample]) -> Result<Evaluation, DocumentError> {
    let grid = Grid::new(measurement)?;
    let slices = slices(&grid, &in_order(&grid, samples));
    Ok(Evaluation { report: add_up(&grid, &slices), slices })
}

/// The samples inside the window in the order of evidence, without exact repetitions.
pub(crate) fn in_order<'a>(grid: &Grid, samples: &'a [Sample]) -> Vec<&'a Sample> {
    ordered(grid, samples, 0..grid.probes())
}

/// Those of some slots: what is the same line is the same sample.
pub(crate) fn ordered<'a>(grid: &Grid, samples: &'a [Sample], slots: Range<u64>) -> Vec<&'a Sample> {
    let inside = |sample: &&Sample| grid.probe_of(sample.unix_ms).is_some_and(|probe| slots.contains(&probe));
    let mut inside: Vec<&Sample> = samples.iter().filter(inside).collect();
    inside.sort_unstable();
    let columns = Columns::of(grid.measurement());
    inside.dedup_by(|a, b| columns.same(a, b));
    inside
}

/// Every slice, decided from samples in order: those of a slice stand next to each other.
pub(crate) fn slices(grid: &Grid, samples: &[&Sample]) -> Vec<SliceVerdict> {
    Slices { grid, next: 0, down: false, rest: samples, until: grid.probes() }.collect()
}
