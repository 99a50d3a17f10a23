//! How time was spent, and the shares that follow.

use std::fmt;
use std::ops::AddAssign;

/// Seconds of an hour.
pub const HOUR_S: u64 = 3_600;
/// Seconds of a day.
pub const DAY_S: u64 = 86_400;

/// How time was spent, in milliseconds. A probe stands for its slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Slots whose probe was good.
    pub good_ms: u64,
    /// Slots whose probe was bad.
    pub bad_ms: u64,
    /// Slots that nobody could decide about.
    pub unknown_ms: u64,
    /// Slots in exclusions: agreed not to count.
    pub excluded_ms: u64,
}

impl Tally {
    /// The time that was decided.
    pub fn measured_ms(&self) -> u64 {
        self.good_ms.saturating_add(self.bad_ms)
    }

    /// All time that was to be measured, less what was agreed not to count.
    pub fn counted_ms(&self) -> u64 {
        self.measured_ms().saturating_add(self.unknown_ms)
    }

    /// All of it.
    pub fn total_ms(&self) -> u64 {
        self.counted_ms().saturating_add(self.excluded_ms)
    }

    /// The good part of what was measured; `None` when nothing was.
    pub fn uptime(&self) -> Option<Share> {
        Share::new(self.good_ms, self.measured_ms())
    }

    /// The measured part of what was to be measured; `None` when nothing was to be.
    pub fn coverage(&self) -> Option<Share> {
        Share::new(self.measured_ms(), self.counted_ms())
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.good_ms = self.good_ms.saturating_add(other.good_ms);
        self.bad_ms = self.bad_ms.saturating_add(other.bad_ms);
        self.unknown_ms = self.unknown_ms.saturating_add(other.unknown_ms);
        self.excluded_ms = self.excluded_ms.saturating_add(other.excluded_ms);
    }
}

/// A part of a whole, shown in percent. Rounded down to a thousandth, as service levels are read: what lacks
/// anything never shows as 100 %.
///
/// ```
/// use earnest_oracle::status::Share;
///
/// let share = |part, whole| Share::new(part, whole).unwrap().to_string();
/// assert_eq!(share(2_996, 3_000), "99.866 %");
/// assert_eq!(share(9_999_999, 10_000_000), "99.999 %");
/// assert_eq!(share(10, 10), "100 %");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    part: u64,
    whole: u64,
}

impl Share {
    /// `part` of `whole`; `None` when there is no whole, or less of it than the part.
    pub fn new(part: u64, whole: u64) -> Option<Self> {
        (whole > 0 && part <= whole).then_some(Self { part, whole })
    }

    /// Nothing is missing.
    pub fn is_whole(self) -> bool {
        self.part == self.whole
    }

    /// The share in millionths, rounded down.
    pub fn ppm(self) -> u64 {
        let ppm = u128::from(self.part) * 1_000_000 / u128::from(self.whole);
        u64::try_from(ppm).unwrap_or(1_000_000)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole() {
            return f.write_str("100 %");
        }
        let thousandths = self.ppm() / 10;
        write!(f, "{}.{:03} %", thousandths / 1000, thousandths % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_neither_up_nor_down() {
        let tally = Tally { good_ms: 30, bad_ms: 10, unknown_ms: 60, excluded_ms: 1_000 };
        assert_eq!(tally.uptime().unwrap().to_string(), "75.000 %");
        assert_eq!(tally.coverage().unwrap().to_string(), "40.000 %");
        assert_eq!(Tally { unknown_ms: 5, ..Tally::default() }.uptime(), None);
        assert_eq!(Tally::default().coverage(), None);
    }

    #[test]
    fn a_millisecond_of_failure_in_a_century_is_not_a_hundred_percent() {
        let century_ms = 100 * 365 * DAY_S * 1000;
        let tally = Tally { good_ms: century_ms, bad_ms: 1, ..Tally::default() };
        assert_eq!(tally.uptime().unwrap().to_string(), "99.999 %");
    }
}
