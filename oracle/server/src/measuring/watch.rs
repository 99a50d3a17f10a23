//! Watching one target: a probe at every instant of its window, and what they saw. The same for an oracle and for a
//! vantage elsewhere; what becomes of the samples is theirs to say.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clock::{Busy, Clock};
use ledger::Sample;
use tokio::task::JoinSet;

use crate::measuring::instants::{Instant, Instants};
use crate::probe::{Check, Observation, Prober};
use crate::store::Seen;

/// Where probes are made from.
#[derive(Clone, Debug)]
pub struct Place {
    /// System or simulated time.
    pub clock: Clock,
    /// Makes the probes.
    pub prober: Arc<Prober>,
}

/// A probe panicked, which is a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a probe broke down")]
pub struct ProbeBroke;

/// Time that passed on the clock and in fact may differ by this much and a tenth. Beyond it the clock was set.
const STEP_TOLERANCE: Duration = Duration::from_secs(1);

/// The probes of one target.
#[derive(Debug)]
pub struct Watch {
    place: Place,
    instants: Instants,
    check: Arc<Check>,
    /// Probes that have begun and not reported.
    under_way: BTreeSet<u64>,
    probes: JoinSet<(u64, Option<Seen>)>,
    last: Option<u64>,
}

impl Watch {
    /// A watch that goes on after probe `last`.
    pub fn new(place: Place, instants: Instants, check: Check, last: Option<u64>) -> Self {
        let (check, under_way, probes) = (Arc::new(check), BTreeSet::new(), JoinSet::new());
        Self { place, instants, check, under_way, probes, last }
    }

    /// Probes from now on in another way; probes under way go on as they began.
    pub fn go_on_with(&mut self, prober: Arc<Prober>, check: Check) {
        self.place.prober = prober;
        self.check = Arc::new(check);
    }

    /// The window's moments.
    pub fn instants(&self) -> &Instants {
        &self.instants
    }

    /// The next probe, seen at `now_ms`; `None` when the window has no more.
    pub fn next(&self, now_ms: u64) -> Option<Instant> {
        self.instants.next(self.last, now_ms)
    }

    /// Is there a probe that has begun and not reported?
    pub fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// The earliest probe that may still say something: one under way, or else `next`.
    pub fn earliest(&self, next: Option<u64>) -> Option<u64> {
        self.under_way.first().copied().or(next)
    }

    /// Begins a probe, and says when, in unix milliseconds; `None` where the machine was so late that its slot is over, or the
    /// clock was set back to before its moment.
    pub async fn begin(&mut self, next: Instant, busy: &Busy) -> Option<u64> {
        let permit = self.place.prober.place().await;
        let unix_ms = self.place.clock.now_ms();
        self.last = Some(next.probe);
        if unix_ms < next.at_ms || self.instants.is_over(next.probe, unix_ms) {
            return None;
        }
        let (place, check, busy) = (self.place.clone(), Arc::clone(&self.check), busy.share());
        let vantage = self.instants.vantage().to_owned();
        self.under_way.insert(next.probe);
        self.probes.spawn(async move {
            let began = std::time::Instant::now();
            let observation = place.prober.probe(&check).await;
            drop(permit);
            let counts = place.clock.is_simulated()
                || !is_step(place.clock.now_ms().abs_diff(unix_ms), began.elapsed());
            drop(busy);
            if !counts {
                tracing::warn!(probe = next.probe, "the clock was set during a probe, which does not count");
            }
            (next.probe, counts.then(|| seen(next.probe, unix_ms, vantage, observation)))
        });
        Some(unix_ms)
    }

    /// Takes what finished probes saw.
    ///
    /// # Errors
    /// When a probe panicked.
    pub fn collect(&mut self) -> Result<Vec<Seen>, ProbeBroke> {
        let mut all = Vec::new();
        while let Some(joined) = self.probes.try_join_next() {
            all.extend(self.take(joined)?);
        }
        Ok(all)
    }

    /// Waits for the probes under way.
    ///
    /// # Errors
    /// When a probe panicked.
    pub async fn collect_all(&mut self) -> Result<Vec<Seen>, ProbeBroke> {
        let mut all = Vec::new();
        while let Some(joined) = self.probes.join_next().await {
            all.extend(self.take(joined)?);
        }
        Ok(all)
    }

    fn take(
        &mut self,
        joined: Result<(u64, Option<Seen>), tokio::task::JoinError>,
    ) -> Result<Option<Seen>, ProbeBroke> {
        let (probe, seen) = joined.map_err(|_| ProbeBroke)?;
        self.under_way.remove(&probe);
        Ok(seen)
    }
}

/// Was the clock set while this much passed on it, and that much in fact? Then nobody knows when the probe was.
pub(super) fn is_step(on_the_clock_ms: u64, in_fact: Duration) -> bool {
    let tolerated = STEP_TOLERANCE + in_fact / 10;
    Duration::from_millis(on_the_clock_ms).abs_diff(in_fact) > tolerated
}

fn seen(probe: u64, unix_ms: u64, vantage: String, observation: Observation) -> Seen {
    let Observation { verdict, latency_ms, cause, value, phases, references } = observation;
    let sample = Sample { unix_ms, vantage, verdict, latency_ms, value };
    Seen { probe, sample, cause, phases, references }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_during_a_probe_is_noticed_and_a_slow_machine_is_not() {
        let second = Duration::from_secs(1);
        assert!(!is_step(0, Duration::ZERO));
        assert!(!is_step(1_000, second) && !is_step(1_900, second) && !is_step(100, second));
        assert!(!is_step(63_000, Duration::from_secs(60)));
        assert!(is_step(3_600_000, second), "an hour forward");
        assert!(is_step(5_000, second) && is_step(50_000, Duration::from_secs(60)));
    }
}
