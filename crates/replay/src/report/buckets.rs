//! Slices gathered into bars.

use ledger::{SliceState, SliceVerdict};
use terms::{TimeRange, UnixSeconds};

/// A run of slices drawn as one bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub start: UnixSeconds,
    pub end: UnixSeconds,
    pub good: u64,
    pub bad: u64,
    pub undecided: u64,
    pub unmeasured: u64,
    pub excluded: u64,
    pub slices: u64,
}

impl Bucket {
    fn add(&mut self, slice: &SliceVerdict) {
        self.good += slice.good;
        self.bad += slice.bad;
        // Nothing was to be decided in an excluded slice.
        self.undecided += if slice.state == SliceState::Excluded { 0 } else { slice.undecided };
        self.unmeasured += u64::from(slice.state == SliceState::Unmeasured);
        self.excluded += u64::from(slice.state == SliceState::Excluded);
        self.slices += 1;
    }
}

/// Lengths of bars that people can read an axis with.
const LENGTHS_S: [u64; 17] = [
    60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 28_800, 43_200, 86_400, 172_800, 345_600,
    604_800, 2_592_000,
];

/// Gathers the slices that begin in `range` into at most `most` bars of one readable length.
pub(crate) fn gather(slices: &[SliceVerdict], range: TimeRange, slice_s: u64, most: u64) -> Vec<Bucket> {
    let length_s = length(range.seconds(), slice_s, most);
    let mut buckets: Vec<Bucket> = Vec::new();
    for slice in slices.iter().filter(|slice| range.contains(slice.start)) {
        let index = (slice.start.0 - range.start.0) / length_s;
        let start = UnixSeconds(range.start.0 + index * length_s);
        if buckets.last().is_none_or(|last| last.start != start) {
            let end = UnixSeconds((start.0 + length_s).min(range.end.0));
            buckets.push(Bucket { start, end, ..Bucket::default() });
        }
        if let Some(bucket) = buckets.last_mut() {
            bucket.add(slice);
        }
    }
    buckets
}

fn length(window_s: u64, slice_s: u64, most: u64) -> u64 {
    let fits = |length_s: u64| length_s.is_multiple_of(slice_s) && window_s.div_ceil(length_s) <= most;
    let whole = || slice_s * window_s.div_ceil(slice_s).div_ceil(most).max(1);
    if fits(slice_s) {
        slice_s
    } else {
        LENGTHS_S.into_iter().find(|length| fits(*length)).unwrap_or_else(whole)
    }
}

/// A distance between ticks that gives at most `most` of them, on moments that people read easily.
pub(crate) fn tick_s(window_s: u64, most: u64) -> u64 {
    LENGTHS_S.into_iter().find(|length| window_s / length <= most).unwrap_or(window_s.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_of_five_minutes_becomes_six_hour_bars_and_an_hour_keeps_its_minutes() {
        assert_eq!(length(2_592_000, 300, 120), 21_600);
        assert_eq!(length(3_600, 60, 120), 60);
    }

    #[test]
    fn odd_slices_still_fit() {
        assert!(1_000_007u64.div_ceil(length(1_000_007, 7, 60)) <= 60);
    }
}
