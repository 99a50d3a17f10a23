//! All samples at once.

use terms::{DocumentError, Measurement};

use crate::grid::Grid;
use crate::report::{Report, add_up};
use crate::sample::Sample;
use crate::slice::{SliceVerdict, decide};

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
    let mut inside: Vec<&Sample> =
        samples.iter().filter(|sample| grid.probe_of(sample.unix_ms).is_some()).collect();
    inside.sort();
    inside.dedup();
    inside
}

/// Every slice, decided from samples in order: those of a slice stand next to each other.
pub(crate) fn slices(grid: &Grid, samples: &[&Sample]) -> Vec<SliceVerdict> {
    let mut rest = samples;
    (0..grid.slices())
        .map(|index| {
            let own = rest.partition_point(|sample| sample.unix_ms < grid.slice_end_ms(index));
            let (slice, later) = rest.split_at(own);
            rest = later;
            decide(grid, index, slice)
        })
        .collect()
}
