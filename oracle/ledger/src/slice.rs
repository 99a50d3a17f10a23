//! Slices: the unit of evidence.

use serde::{Deserialize, Serialize};
use terms::{Hex32, Indicator, Method, UnixSeconds, units::PPM_WHOLE};

use crate::grid::Grid;
use crate::sample::{Sample, Verdict};
use crate::{csv, quorum};

/// What a slice came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceState {
    /// Measured, and good: by the rule of `timeslices`; by the other methods, without any bad probe.
    Good,
    /// Measured, and not good.
    Bad,
    /// Too few probes could be decided. Not bad: it only counts towards "indeterminate".
    Unmeasured,
    /// In an exclusion of the measurement. Counts nowhere, whatever its samples say.
    Excluded,
}

/// One slice, decided: a leaf of the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SliceVerdict {
    /// Its index in the window.
    pub index: u64,
    /// When it begins.
    pub start: UnixSeconds,
    /// What it came to.
    pub state: SliceState,
    /// Probes that a quorum found good.
    pub good: u64,
    /// Probes that a quorum found bad (or, for a latency, slow).
    pub bad: u64,
    /// Probes without a quorum, or without any sample; all of an excluded slice.
    pub undecided: u64,
    /// For a lateness: the first good probe's index in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_good: Option<u64>,
    /// For a lateness: the index of the last bad probe before the first good one, or of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_bad: Option<u64>,
    /// SHA-256 of the slice's samples as CSV lines, in their order, without exact repetitions.
    pub samples_sha256: Hex32,
}

impl SliceVerdict {
    /// The probes that were decided.
    pub fn decided(&self) -> u64 {
        self.good + self.bad
    }

    /// Whether it counts in the outcome.
    pub fn is_measured(&self) -> bool {
        matches!(self.state, SliceState::Good | SliceState::Bad)
    }

    /// The bytes of its leaf: canonical JSON.
    pub fn leaf(&self) -> Vec<u8> {
        terms::canonical::bytes(self)
    }
}

/// Decides one slice from its samples, in any order. Samples of other slices are ignored.
pub fn slice_verdict(grid: &Grid, index: u64, samples: &[Sample]) -> SliceVerdict {
    let own = samples.iter().filter(|sample| grid.slice_of(sample.unix_ms) == Some(index));
    let mut own: Vec<&Sample> = own.collect();
    own.sort_unstable();
    own.dedup();
    decide(grid, index, &own)
}

/// Decides one slice from its samples, sorted and without repetitions.
pub(crate) fn decide(grid: &Grid, index: u64, samples: &[&Sample]) -> SliceVerdict {
    let probes = if grid.is_excluded(index) { Vec::new() } else { quorum::decide(grid, samples) };
    let said = |wanted: Verdict| probes.iter().filter(|(_, verdict)| *verdict == wanted).count() as u64;
    let (good, bad) = (said(Verdict::Good), said(Verdict::Bad));
    let (first_good, last_bad) = delivery(grid, &probes);
    SliceVerdict {
        index,
        start: UnixSeconds(grid.slice_start_ms(index) / 1000),
        state: state(grid, index, good, bad),
        good,
        bad,
        undecided: grid.probes_per_slice() - good - bad,
        first_good,
        last_bad,
        samples_sha256: hash(samples),
    }
}

fn state(grid: &Grid, index: u64, good: u64, bad: u64) -> SliceState {
    if grid.is_excluded(index) {
        SliceState::Excluded
    } else if good + bad < grid.measurement().least_samples {
        SliceState::Unmeasured
    } else if is_bad(grid, good, bad) {
        SliceState::Bad
    } else {
        SliceState::Good
    }
}

/// The percentile p of a slice's latencies (nearest rank) is over the threshold exactly when more than
/// `1 - p` of its probes are: counting the slow ones is enough, and exact.
fn is_bad(grid: &Grid, good: u64, bad: u64) -> bool {
    let allowed_ppm = match (&grid.measurement().method, &grid.measurement().indicator) {
        (_, Indicator::Latency { percentile_ppm: Some(percentile), .. }) => {
            PPM_WHOLE.saturating_sub(percentile.0)
        }
        (Method::Timeslices { bad_above_ppm }, _) => bad_above_ppm.0,
        (Method::RatioTimeslices {} | Method::Occurrences {}, _) => 0,
    };
    u128::from(bad) * u128::from(PPM_WHOLE) > u128::from(allowed_ppm) * u128::from(good + bad)
}

fn delivery(grid: &Grid, probes: &[(u64, Verdict)]) -> (Option<u64>, Option<u64>) {
    if !matches!(grid.measurement().indicator, Indicator::Lateness { .. }) {
        return (None, None);
    }
    let first_good = probes.iter().find(|(_, verdict)| *verdict == Verdict::Good).map(|(probe, _)| *probe);
    let before = probes.iter().take_while(|(probe, _)| first_good.is_none_or(|good| *probe < good));
    let last_bad = before.filter(|(_, verdict)| *verdict == Verdict::Bad).map(|(probe, _)| *probe).last();
    (first_good, last_bad)
}

fn hash(samples: &[&Sample]) -> Hex32 {
    let mut lines = String::with_capacity(samples.len() * 32);
    for sample in samples {
        csv::push_line(&mut lines, sample);
    }
    Hex32(terms::canonical::sha256(lines.as_bytes()))
}
