//! Slices: the unit of evidence.

use serde::{Deserialize, Serialize};
use terms::{Decimal, Hex32, Indicator, Method, UnixSeconds, units::PPM_WHOLE};

use crate::confirm::{Confirmed, Rule};
use crate::csv::Columns;
use crate::evaluate::ordered;
use crate::grid::Grid;
use crate::metric::Gauge;
use crate::quorum::{self, Probe};
use crate::sample::{Sample, Verdict};

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
    /// For a metric: its reading. Where readings are averaged it is the sum of the good probes'; otherwise one of them, absent
    /// where that is a failed probe's.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "total")]
    pub reading: Option<Decimal>,
    /// Where outages are confirmed: what that made of the slice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmed>,
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

    /// Whether a confirmed outage goes on at its end.
    pub fn ends_down(&self) -> bool {
        self.confirmed.as_ref().is_some_and(|confirmed| confirmed.down)
    }

    /// The bytes of its leaf: canonical JSON.
    pub fn leaf(&self) -> Vec<u8> {
        terms::canonical::bytes(self)
    }
}

/// The verdicts of the slices after `before` (from the first one on, without it), as far as samples of the slots before
/// `until` decide them: once a slice is over, and where outages are confirmed, once it is known whether the run at its end
/// is long enough.
///
/// `samples` are all of those slots after `before`, in any order; later ones are ignored.
pub fn close_slices(
    grid: &Grid,
    before: Option<&SliceVerdict>,
    samples: &[Sample],
    until: u64,
) -> Vec<SliceVerdict> {
    let next = before.map_or(0, |before| before.index.saturating_add(1));
    let from = next.saturating_mul(grid.probes_per_slice());
    let until = until.min(grid.probes());
    if until < from.saturating_add(grid.probes_per_slice()) {
        return Vec::new();
    }
    let known = ordered(grid, samples, from..until);
    let down = before.is_some_and(SliceVerdict::ends_down);
    let slices = Slices { grid, next, down, rest: &known, until };
    slices.collect()
}

/// Decides slice after slice from samples in order and without repetitions, as far as they go.
pub(crate) struct Slices<'a> {
    pub(crate) grid: &'a Grid,
    /// The next slice.
    pub(crate) next: u64,
    /// Whether an outage goes on where it begins.
    pub(crate) down: bool,
    /// Its samples and the later ones.
    pub(crate) rest: &'a [&'a Sample],
    /// The samples are all of the slots before this one.
    pub(crate) until: u64,
}

impl Iterator for Slices<'_> {
    type Item = SliceVerdict;

    fn next(&mut self) -> Option<SliceVerdict> {
        let (grid, index) = (self.grid, self.next);
        if index >= grid.slices() || grid.probes_of(index).end > self.until {
            return None;
        }
        let own = self.rest.partition_point(|sample| sample.unix_ms < grid.slice_end_ms(index));
        let (own, later) = self.rest.split_at(own);
        let verdict = decide(grid, index, self.down, (own, later), self.until)?;
        self.rest = later;
        self.next += 1;
        self.down = verdict.ends_down();
        Some(verdict)
    }
}

/// Decides one slice from its samples and the later ones.
fn decide(
    grid: &Grid,
    index: u64,
    down: bool,
    (own, later): (&[&Sample], &[&Sample]),
    until: u64,
) -> Option<SliceVerdict> {
    let mut probes: Vec<Probe> = quorum::decide(grid, own).collect();
    let confirmed = match grid.measurement().confirm {
        Some(confirm) => {
            let rule = Rule { confirm, down, until, end: grid.probes() };
            let slots = grid.probes_of(index);
            Some(rule.apply((slots.start, slots.end), &mut probes, quorum::decide(grid, later))?)
        }
        None => None,
    };
    let said = |wanted: Verdict| probes.iter().filter(|probe| probe.verdict == wanted).count() as u64;
    let (good, bad) = (said(Verdict::Good), said(Verdict::Bad));
    let (first_good, last_bad) = delivery(grid, &probes);
    Some(SliceVerdict {
        index,
        start: UnixSeconds(grid.slice_start_ms(index) / 1000),
        state: state(grid, index, good, bad),
        good,
        bad,
        undecided: grid.probes_per_slice() - good - bad,
        first_good,
        last_bad,
        reading: Gauge::of(grid.measurement()).and_then(|gauge| gauge.of_slice(&probes)),
        confirmed,
        samples_sha256: hash(Columns::of(grid.measurement()), own),
    })
}

/// A slice without a sample.
pub(crate) fn silent(grid: &Grid, index: u64, down: bool) -> Option<SliceVerdict> {
    decide(grid, index, down, (&[], &[]), grid.probes())
}

pub(crate) fn state(grid: &Grid, index: u64, good: u64, bad: u64) -> SliceState {
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

pub(crate) fn delivery(grid: &Grid, probes: &[Probe]) -> (Option<u64>, Option<u64>) {
    if !matches!(grid.measurement().indicator, Indicator::Lateness { .. }) {
        return (None, None);
    }
    let first_good = probes.iter().find(|probe| probe.verdict == Verdict::Good).map(|probe| probe.index);
    let before = probes.iter().take_while(|probe| first_good.is_none_or(|good| probe.index < good));
    let last_bad = before.filter(|probe| probe.verdict == Verdict::Bad).map(|probe| probe.index).last();
    (first_good, last_bad)
}

fn hash(columns: Columns, samples: &[&Sample]) -> Hex32 {
    let mut lines = String::with_capacity(samples.len() * 32);
    for sample in samples {
        columns.push_line(&mut lines, sample);
    }
    Hex32(terms::canonical::sha256(lines.as_bytes()))
}

/// A sum of many readings can have more digits than a single one.
mod total {
    use serde::{Deserialize as _, Deserializer, Serializer, de};
    use terms::Decimal;

    pub(super) fn serialize<S: Serializer>(
        total: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match total {
            Some(total) => serializer.collect_str(total),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let total = Decimal::parse_total(&text);
        total.map(Some).ok_or_else(|| de::Error::custom("must be a decimal number in its shortest form"))
    }
}
