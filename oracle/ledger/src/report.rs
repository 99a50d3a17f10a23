//! The outcome, and the counts that explain it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terms::{EventId, Outcome, UnixSeconds};

use crate::grid::Grid;
use crate::ratio::Ratio;
use crate::reading;
use crate::slice::{SliceState, SliceVerdict, silent};

/// The outcome of a measurement, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The event that the measurement defines.
    pub event_id: EventId,
    /// What the oracle attests.
    pub outcome: Outcome,
    /// The exact reading: the bad share (of one, not of a million), the units of lateness, or a metric in the outcome's
    /// unit. Absent when the outcome is indeterminate, or nothing was ever delivered.
    pub reading: Option<Ratio>,
    /// The reading in the outcome's unit, rounded, before it is clamped to the scale.
    pub value: Option<u64>,
    /// How many slices came to what.
    pub slices: SliceCounts,
    /// How many probes came to what.
    pub probes: ProbeCounts,
    /// Where outages are confirmed: how many probes count otherwise than they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Turned>,
    /// Runs of bad slices, in their order; where outages are confirmed, these.
    pub incidents: Vec<Incident>,
}

/// How many slices came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SliceCounts {
    /// All.
    pub total: u64,
    /// Measured and good.
    pub good: u64,
    /// Measured and bad.
    pub bad: u64,
    /// Not decided often enough.
    pub unmeasured: u64,
    /// Left out by the measurement's exclusions.
    pub excluded: u64,
}

/// How many probes came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeCounts {
    /// Found good by a quorum.
    pub good: u64,
    /// Found bad by a quorum.
    pub bad: u64,
    /// Without a quorum, or in an excluded slice.
    pub undecided: u64,
}

/// How many probes count otherwise than they were, since runs of them are needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turned {
    /// Bad ones that count as good: too few in a row to be an outage.
    pub unconfirmed: u64,
    /// Good ones that count as bad: too few in a row to end an outage.
    pub held: u64,
}

/// A run of bad slices next to each other, or a confirmed outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// When its first slice begins; of a confirmed outage, the slot of its first bad probe.
    pub start: UnixSeconds,
    /// When its last slice ends; of a confirmed outage, when the slot of the first good probe after it begins.
    pub end: UnixSeconds,
    /// Its bad probes.
    pub bad: u64,
    /// Its decided probes.
    pub decided: u64,
}

/// Why slices do not add up to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SliceError {
    /// The window has no slice of this index.
    #[error("slice {index} is outside the window of {slices} slices")]
    OutsideWindow {
        /// The index.
        index: u64,
        /// How many slices the window has.
        slices: u64,
    },
    /// Two verdicts for one slice.
    #[error("slice {index} is given twice")]
    Twice {
        /// The index.
        index: u64,
    },
}

/// Adds slices up to the report, in any order. A slice that is not given is unmeasured.
///
/// # Errors
/// Names the slice that is outside the window or given twice.
pub fn report(grid: &Grid, slices: &[SliceVerdict]) -> Result<Report, SliceError> {
    progress(grid, slices, grid.slices())
}

/// The report as if the window ended after its first `closed` slices: what a running event shows.
///
/// # Errors
/// As [`report`]; a slice beyond the `closed` ones counts as outside.
pub fn progress(grid: &Grid, slices: &[SliceVerdict], closed: u64) -> Result<Report, SliceError> {
    let total = closed.min(grid.slices());
    let mut given = BTreeMap::new();
    for slice in slices {
        let index = slice.index;
        if index >= total {
            return Err(SliceError::OutsideWindow { index, slices: total });
        }
        if given.insert(index, slice).is_some() {
            return Err(SliceError::Twice { index });
        }
    }
    let mut complete: Vec<SliceVerdict> = Vec::new();
    for index in 0..total {
        let down = complete.last().is_some_and(SliceVerdict::ends_down);
        complete
            .extend(given.get(&index).map(|slice| (*slice).clone()).or_else(|| silent(grid, index, down)));
    }
    Ok(add_up(grid, &complete))
}

/// Adds up slices that are complete and ascending.
pub(crate) fn add_up(grid: &Grid, slices: &[SliceVerdict]) -> Report {
    let reading = reading::read(grid, slices);
    Report {
        event_id: grid.measurement().event_id(),
        outcome: reading.outcome,
        reading: reading.exact,
        value: reading.value,
        slices: slice_counts(slices),
        probes: probe_counts(slices),
        confirmed: grid.measurement().confirm.map(|_| turned(slices)),
        incidents: if grid.measurement().confirm.is_some() {
            outages(grid, slices)
        } else {
            incidents(grid, slices)
        },
    }
}

fn slice_counts(slices: &[SliceVerdict]) -> SliceCounts {
    let mut counts = SliceCounts { total: slices.len() as u64, ..SliceCounts::default() };
    for slice in slices {
        *match slice.state {
            SliceState::Good => &mut counts.good,
            SliceState::Bad => &mut counts.bad,
            SliceState::Unmeasured => &mut counts.unmeasured,
            SliceState::Excluded => &mut counts.excluded,
        } += 1;
    }
    counts
}

fn probe_counts(slices: &[SliceVerdict]) -> ProbeCounts {
    slices.iter().fold(ProbeCounts::default(), |counts, slice| ProbeCounts {
        good: counts.good + slice.good,
        bad: counts.bad + slice.bad,
        undecided: counts.undecided + slice.undecided,
    })
}

fn incidents(grid: &Grid, slices: &[SliceVerdict]) -> Vec<Incident> {
    let runs = slices.chunk_by(|a, b| a.state == b.state);
    let bad = runs.filter(|run| run.first().is_some_and(|slice| slice.state == SliceState::Bad));
    bad.filter_map(|run| incident(grid, run)).collect()
}

fn incident(grid: &Grid, run: &[SliceVerdict]) -> Option<Incident> {
    Some(Incident {
        start: run.first()?.start,
        end: UnixSeconds(grid.slice_end_ms(run.last()?.index) / 1000),
        bad: run.iter().map(|slice| slice.bad).sum(),
        decided: run.iter().map(SliceVerdict::decided).sum(),
    })
}

fn turned(slices: &[SliceVerdict]) -> Turned {
    slices.iter().filter_map(|slice| slice.confirmed.as_ref()).fold(Turned::default(), |all, slice| Turned {
        unconfirmed: all.unconfirmed + slice.unconfirmed,
        held: all.held + slice.held,
    })
}

/// Confirmed outages: their parts in each slice, joined where one goes on in the next.
fn outages(grid: &Grid, slices: &[SliceVerdict]) -> Vec<Incident> {
    let mut found: Vec<Incident> = Vec::new();
    let mut goes_on = false;
    for confirmed in slices.iter().filter_map(|slice| slice.confirmed.as_ref()) {
        for part in &confirmed.outages {
            let end = UnixSeconds(grid.probe_start_ms(part.to) / 1000);
            match found.last_mut().filter(|_| goes_on) {
                Some(last) => {
                    last.end = end;
                    last.bad += part.bad;
                    last.decided += part.bad;
                }
                None => {
                    let start = UnixSeconds(grid.probe_start_ms(part.from) / 1000);
                    found.push(Incident { start, end, bad: part.bad, decided: part.bad });
                }
            }
            goes_on = false;
        }
        goes_on = confirmed.down;
    }
    found
}
