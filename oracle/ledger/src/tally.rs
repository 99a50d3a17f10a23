//! The outcome of a window of which only what went wrong is told: thousands of simulated months are measured with it.

use std::ops::Range;

use terms::{DocumentError, Indicator, Measurement, Outcome};

use crate::confirm::Rule;
use crate::grid::Grid;
use crate::quorum::Probe;
use crate::reading::{Part, read_parts};
use crate::sample::Verdict;
use crate::slice::{SliceState, delivery, state};

/// Probes next to each other that the vantages together did not find good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Their slots.
    pub slots: Range<u64>,
    /// What they came to.
    pub verdict: Verdict,
}

/// Measures windows by what went wrong in them. All other probes are good, so that only slices with a failure, or in an
/// outage, have to be looked at; the outcome is that of [`evaluate`](crate::evaluate()) over all samples.
#[derive(Clone, Debug)]
pub struct Tally {
    grid: Grid,
    /// The slices outside exclusions.
    counting: u64,
}

impl Tally {
    /// A tally for windows of this measurement.
    ///
    /// # Errors
    /// Names the field of the measurement and the rule that it breaks: those of the document, and that it measures no
    /// metric, since what went wrong does not tell what was read.
    pub fn new(measurement: &Measurement) -> Result<Self, DocumentError> {
        let grid = Grid::new(measurement)?;
        if let Indicator::Metric(_) = measurement.indicator {
            return Err(DocumentError::new("indicator.metric", "is not told by which probes failed"));
        }
        let excluded: u64 = measurement.exclusions.iter().map(terms::TimeRange::seconds).sum();
        let counting = grid.slices() - excluded / measurement.slice_s;
        Ok(Self { grid, counting })
    }

    /// The window as a grid of slots.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The outcome when these probes were not good: runs by ascending slots that do not overlap, inside the window.
    pub fn outcome(&self, runs: &[Run]) -> Outcome {
        let measurement = self.grid.measurement();
        let mut parts = match (&measurement.indicator, measurement.confirm) {
            (Indicator::Lateness { .. }, _) => self.until_delivery(runs),
            (_, Some(confirm)) => self.confirmed(runs, confirm),
            (_, None) => self.touched(runs),
        };
        if !matches!(measurement.indicator, Indicator::Lateness { .. }) {
            let looked_at = parts.iter().filter(|part| part.state != SliceState::Excluded).count() as u64;
            parts.push(self.all_good(self.counting.saturating_sub(looked_at)));
        }
        read_parts(&self.grid, &parts).outcome
    }

    /// The slices with a probe that was not good, by counting.
    fn touched(&self, runs: &[Run]) -> Vec<Part> {
        let mut counts: Vec<(u64, u64, u64)> = Vec::new();
        for run in runs.iter().filter(|run| !run.slots.is_empty()) {
            let last = self.grid.slice_of_probe(run.slots.end - 1);
            for index in self.grid.slice_of_probe(run.slots.start)..=last {
                let slots = self.grid.probes_of(index);
                let inside = run.slots.end.min(slots.end) - run.slots.start.max(slots.start);
                let bad = if run.verdict == Verdict::Bad { inside } else { 0 };
                match counts.last_mut().filter(|(before, ..)| *before == index) {
                    Some((_, all_failed, all_bad)) => {
                        (*all_failed, *all_bad) = (*all_failed + inside, *all_bad + bad)
                    }
                    None => counts.push((index, inside, bad)),
                }
            }
        }
        let part = |(index, failed, bad)| self.part(index, self.grid.probes_per_slice() - failed, bad);
        counts.into_iter().map(part).collect()
    }

    /// The slices with a probe that was not good, and those through which an outage goes on.
    fn confirmed(&self, runs: &[Run], confirm: terms::Confirm) -> Vec<Part> {
        let mut parts = Vec::new();
        let (mut next, mut down) = (0, false);
        while let Some(index) = if down { Some(next) } else { self.next_touched(runs, next) } {
            if index >= self.grid.slices() {
                break;
            }
            let slots = self.grid.probes_of(index);
            let mut probes: Vec<Probe> = self.probes(runs, slots.clone()).collect();
            let end = self.grid.probes();
            let rule = Rule { confirm, down, until: end, end };
            let later = self.probes(runs, slots.end..end);
            let confirmed = rule.apply((slots.start, slots.end), &mut probes, later);
            down = confirmed.is_some_and(|confirmed| confirmed.down);
            parts.push(self.part(index, count(&probes, Verdict::Good), count(&probes, Verdict::Bad)));
            next = index + 1;
        }
        parts
    }

    /// The slices up to the first good probe.
    fn until_delivery(&self, runs: &[Run]) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for index in 0..self.grid.slices() {
            if parts.last().is_some_and(|part| part.first_good.is_some()) {
                break;
            }
            let probes: Vec<Probe> = self.probes(runs, self.grid.probes_of(index)).collect();
            let (first_good, last_bad) = delivery(&self.grid, &probes);
            let part = self.part(index, count(&probes, Verdict::Good), count(&probes, Verdict::Bad));
            parts.push(Part { first_good, last_bad, ..part });
        }
        parts
    }

    /// The first slice from `next` on with a probe that was not good.
    fn next_touched(&self, runs: &[Run], next: u64) -> Option<u64> {
        let from = next * self.grid.probes_per_slice();
        let run = runs.get(runs.partition_point(|run| run.slots.end <= from))?;
        Some(self.grid.slice_of_probe(run.slots.start.max(from)))
    }

    /// What each of these slots came to, those in exclusions left out.
    fn probes<'a>(&'a self, runs: &'a [Run], slots: Range<u64>) -> impl Iterator<Item = Probe> + 'a {
        let counts = |slot: &u64| !self.grid.is_excluded(self.grid.slice_of_probe(*slot));
        slots.filter(counts).map(|index| Probe { index, verdict: verdict(runs, index), value: None })
    }

    fn part(&self, index: u64, good: u64, bad: u64) -> Part {
        let state = state(&self.grid, index, good, bad);
        Part { times: 1, state, good, bad, first_good: None, last_bad: None }
    }

    fn all_good(&self, times: u64) -> Part {
        let good = self.grid.probes_per_slice();
        Part { times, state: SliceState::Good, good, bad: 0, first_good: None, last_bad: None }
    }
}

fn verdict(runs: &[Run], slot: u64) -> Verdict {
    let next = runs.get(runs.partition_point(|run| run.slots.end <= slot));
    next.filter(|run| run.slots.contains(&slot)).map_or(Verdict::Good, |run| run.verdict)
}

fn count(probes: &[Probe], wanted: Verdict) -> u64 {
    probes.iter().filter(|probe| probe.verdict == wanted).count() as u64
}
