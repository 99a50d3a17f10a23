//! A service that is up and down in turns.

use std::ops::Range;

use terms::DocumentError;

use crate::history::History;
use crate::random::Random;

/// The longest mean time: a hundred years, in milliseconds.
const MAX_MEAN_MS: u64 = 36_525 * 86_400_000;

/// Up and down in turns, for lengths of time that do not depend on each other. It has been so for long when a window
/// begins, so that it may begin with the service down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Lengths are exponentially distributed.
    Exponential {
        /// The mean time from a repair to the next failure, in milliseconds.
        mtbf_ms: u64,
        /// The mean time from a failure to its repair, in milliseconds.
        mttr_ms: u64,
    },
    /// Lengths are drawn from those that were measured, each as likely as any other.
    Measured(History),
}

impl Renewal {
    /// The mean time from one failure to the next, repair included, in milliseconds.
    pub fn cycle_ms(&self) -> u64 {
        match self {
            Self::Exponential { mtbf_ms, mttr_ms } => mtbf_ms.saturating_add(*mttr_ms),
            Self::Measured(history) => history.cycle_ms(),
        }
    }

    pub(super) fn check(&self, window_ms: u64, most_failures: u64) -> Result<(), DocumentError> {
        let field = match self {
            Self::Exponential { mtbf_ms, mttr_ms } => {
                for (field, mean_ms) in [("mtbf", *mtbf_ms), ("mttr", *mttr_ms)] {
                    if !(1..=MAX_MEAN_MS).contains(&mean_ms) {
                        let rule = "must be from one millisecond to a hundred years";
                        return Err(DocumentError::new(field, rule));
                    }
                }
                "mtbf"
            }
            Self::Measured(_) => "history",
        };
        if window_ms / self.cycle_ms().max(1) > most_failures {
            let rule = format!("gives more than {most_failures} failures in a window");
            return Err(DocumentError::new(field, rule));
        }
        Ok(())
    }

    /// When the service is down in a window: milliseconds since its start, ascending, not touching.
    pub(super) fn down(&self, random: &mut Random, window_ms: u64) -> Vec<Range<u64>> {
        let (mut is_down, mut left_ms) = self.begin(random);
        let mut ranges = Vec::new();
        let mut at = 0;
        while at < window_ms {
            let end = at.saturating_add(left_ms.max(1)).min(window_ms);
            if is_down {
                ranges.push(at..end);
            }
            (at, is_down) = (end, !is_down);
            left_ms = self.length(random, is_down);
        }
        ranges
    }

    /// Whether it is down at a moment in the middle of everything, and for how long it stays so. What is left of an
    /// exponential time is distributed as all of it.
    fn begin(&self, random: &mut Random) -> (bool, u64) {
        match self {
            Self::Exponential { mtbf_ms, mttr_ms } => {
                let is_down = random.below(mtbf_ms.saturating_add(*mttr_ms)) < *mttr_ms;
                (is_down, self.length(random, is_down))
            }
            Self::Measured(history) => history.moment(random),
        }
    }

    fn length(&self, random: &mut Random, is_down: bool) -> u64 {
        match self {
            Self::Exponential { mttr_ms, .. } if is_down => random.exponential(*mttr_ms),
            Self::Exponential { mtbf_ms, .. } => random.exponential(*mtbf_ms),
            Self::Measured(history) => history.length(random, is_down),
        }
    }
}
