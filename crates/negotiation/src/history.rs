//! Measured failures and repairs, to draw others from.

mod read;

use std::ops::Range;

use terms::DocumentError;

use crate::random::Random;
pub use read::{Reading, read};

/// The most outages of a history.
pub const MAX_OUTAGES: usize = 1_000_000;

/// For how long a service was up and down, in turns. The time before the first outage and the time after the last are one:
/// nobody knows what was before and after them, and joined they keep the share of time that the service was up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    up_ms: Vec<u64>,
    down_ms: Vec<u64>,
    up_total_ms: u64,
    down_total_ms: u64,
}

impl History {
    /// The history of these outages, in any order and on any clock in milliseconds, in so long a time. Those that overlap
    /// or touch are one.
    ///
    /// # Errors
    /// Names `history` or `over`, and the rule that it breaks.
    pub fn new(mut outages: Vec<Range<u64>>, over_ms: u64) -> Result<Self, DocumentError> {
        outages.retain(|outage| !outage.is_empty());
        outages.sort_unstable_by_key(|outage| (outage.start, outage.end));
        let outages = joined(outages);
        let (Some(first), Some(last)) = (outages.first(), outages.last()) else {
            return Err(DocumentError::new(
                "history",
                "must hold an outage: without one nobody knows how long they last",
            ));
        };
        if outages.len() > MAX_OUTAGES {
            return Err(DocumentError::new("history", format!("must hold at most {MAX_OUTAGES} outages")));
        }
        let Some(around_ms) = over_ms.checked_sub(last.end - first.start) else {
            return Err(DocumentError::new(
                "over",
                "must be as long as from the first outage to the last, or longer",
            ));
        };
        let between = outages.windows(2).filter_map(|pair| match pair {
            [a, b] => Some(b.start - a.end),
            _ => None,
        });
        let up_ms: Vec<u64> = between.chain([around_ms]).collect();
        let down_ms: Vec<u64> = outages.iter().map(|outage| outage.end - outage.start).collect();
        let (up_total_ms, down_total_ms) = (up_ms.iter().sum(), down_ms.iter().sum());
        Ok(Self { up_ms, down_ms, up_total_ms, down_total_ms })
    }

    /// How many outages there were.
    pub fn outages(&self) -> usize {
        self.down_ms.len()
    }

    /// The mean time from a repair to the next failure, in milliseconds, rounded down.
    pub fn mtbf_ms(&self) -> u64 {
        self.up_total_ms / self.up_ms.len().max(1) as u64
    }

    /// The mean time from a failure to its repair, in milliseconds, rounded down.
    pub fn mttr_ms(&self) -> u64 {
        self.down_total_ms / self.down_ms.len().max(1) as u64
    }

    /// The mean time from one failure to the next.
    pub(crate) fn cycle_ms(&self) -> u64 {
        (self.up_total_ms + self.down_total_ms) / self.up_ms.len().max(1) as u64
    }

    /// One of the lengths.
    pub(crate) fn length(&self, random: &mut Random, is_down: bool) -> u64 {
        let lengths = if is_down { &self.down_ms } else { &self.up_ms };
        let drawn = usize::try_from(random.below(lengths.len() as u64)).ok();
        drawn.and_then(|drawn| lengths.get(drawn)).copied().unwrap_or(0)
    }

    /// A moment of the history, each as likely as any other: whether the service was down, and for how long it stayed so.
    pub(crate) fn moment(&self, random: &mut Random) -> (bool, u64) {
        let drawn = random.below(self.up_total_ms + self.down_total_ms);
        match drawn.checked_sub(self.down_total_ms) {
            None => (true, left(&self.down_ms, drawn)),
            Some(drawn) => (false, left(&self.up_ms, drawn)),
        }
    }
}

/// What is left, at this place, of the length that it lies in.
fn left(lengths: &[u64], mut place: u64) -> u64 {
    for length in lengths {
        match place.checked_sub(*length) {
            None => return length - place,
            Some(further) => place = further,
        }
    }
    0
}

fn joined(outages: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for outage in outages {
        match joined.last_mut().filter(|before| before.end >= outage.start) {
            Some(before) => before.end = before.end.max(outage.end),
            None => joined.push(outage),
        }
    }
    joined
}
