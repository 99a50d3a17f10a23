//! When to probe next: computed from the time, never kept as a list.

use std::ops::Range;

use ledger::Grid;

/// The slots of one event's window, and the moment in each at which this vantage probes.
#[derive(Debug)]
pub struct Instants {
    grid: Grid,
    vantage: String,
    seed: Option<[u8; 32]>,
}

/// A probe that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// Its index in the window.
    pub probe: u64,
    /// When to make it, in unix milliseconds. May be past, while its slot is not over.
    pub at_ms: u64,
}

impl Instants {
    /// With a seed the moments are jittered inside their slots; without one they are the slots' beginnings.
    pub fn new(grid: Grid, vantage: String, seed: Option<[u8; 32]>) -> Self {
        Self { grid, vantage, seed }
    }

    /// The next probe after index `last`, seen at `now_ms`; `None` when the window has no more.
    ///
    /// Slots that are over are skipped: what was not measured in time stays unmeasured. So are those of
    /// slices in an exclusion, which count nowhere.
    pub fn next(&self, last: Option<u64>, now_ms: u64) -> Option<Instant> {
        let unmade = last.map_or(0, |last| last + 1);
        let current = self.slot_at(now_ms)?;
        let probe = (unmade.max(current)..self.grid.probes()).find(|probe| !self.is_excluded(*probe))?;
        Some(Instant { probe, at_ms: self.at_ms(probe) })
    }

    fn is_excluded(&self, probe: u64) -> bool {
        self.grid.is_excluded(self.grid.slice_of_probe(probe))
    }

    /// The slot of a moment; before the window that is the first one. `None` after the window.
    fn slot_at(&self, now_ms: u64) -> Option<u64> {
        if now_ms < self.grid.probe_start_ms(0) { Some(0) } else { self.grid.probe_of(now_ms) }
    }

    fn at_ms(&self, probe: u64) -> u64 {
        match &self.seed {
            Some(seed) => ledger::schedule::probe_at_ms(self.grid.measurement(), seed, &self.vantage, probe),
            None => self.grid.probe_start_ms(probe),
        }
    }

    /// Is a slot over? A probe that begins now would belong to another one.
    pub fn is_over(&self, probe: u64, now_ms: u64) -> bool {
        now_ms >= self.grid.probe_start_ms(probe + 1)
    }

    /// The window's slices that have ended once probe `next` is about to be made, from `from` on.
    pub fn ended(&self, from: u64, next: Option<u64>) -> Range<u64> {
        let until = next.map_or(self.grid.slices(), |probe| self.grid.slice_of_probe(probe));
        from..until.max(from)
    }

    /// Whose moments they are.
    pub fn vantage(&self) -> &str {
        &self.vantage
    }

    /// The window as a grid.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const START_MS: u64 = testing::START * 1000;

    fn instants(seed: Option<[u8; 32]>) -> Instants {
        let measurement = testing::measurement("http://target.example/health", |_| ());
        Instants::new(Grid::new(&measurement).unwrap(), "local".to_owned(), seed)
    }

    #[test]
    fn an_early_oracle_waits_for_the_first_slot() {
        assert_eq!(instants(None).next(None, START_MS - 5_000), Some(Instant { probe: 0, at_ms: START_MS }));
    }

    #[test]
    fn a_late_oracle_begins_in_the_slot_that_it_finds() {
        let next = instants(None).next(None, START_MS + 31_000).unwrap();
        assert_eq!(next, Instant { probe: 2, at_ms: START_MS + 30_000 });
    }

    #[test]
    fn no_slot_is_probed_twice() {
        let next = instants(None).next(Some(2), START_MS + 31_000).unwrap();
        assert_eq!(next.probe, 3);
    }

    #[test]
    fn the_window_ends() {
        let instants = instants(None);
        let last = instants.grid().probes() - 1;
        assert_eq!(instants.next(Some(last), instants.grid().probe_start_ms(last)), None);
        assert_eq!(instants.next(None, instants.grid().probe_start_ms(last + 1)), None);
    }

    #[test]
    fn slots_in_an_exclusion_are_not_probed() {
        let measurement = testing::measurement("http://target.example/health", |m| {
            m.exclusions = vec![terms::TimeRange {
                start: terms::UnixSeconds(testing::START),
                end: terms::UnixSeconds(testing::START + 300),
            }];
        });
        let instants = Instants::new(Grid::new(&measurement).unwrap(), "local".to_owned(), None);
        assert_eq!(instants.next(None, START_MS).map(|next| next.probe), Some(20));
    }

    #[test]
    fn jitter_stays_inside_the_slot() {
        let instants = instants(Some([7; 32]));
        for probe in 0..instants.grid().probes() {
            let at_ms = instants.at_ms(probe);
            assert_eq!(instants.grid().probe_of(at_ms), Some(probe));
        }
    }

    #[test]
    fn a_slice_has_ended_when_a_later_ones_probe_is_next() {
        let instants = instants(None);
        let per_slice = instants.grid().probes_per_slice();
        assert_eq!(instants.ended(0, Some(per_slice - 1)), 0..0);
        assert_eq!(instants.ended(0, Some(per_slice)), 0..1);
        assert_eq!(instants.ended(1, None), 1..instants.grid().slices());
    }
}
