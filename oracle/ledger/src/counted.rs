//! What each probe counts as, for whoever shows more than an outcome: pages that say when a service was down.

use terms::Confirm;

use crate::confirm::Rule;
use crate::evaluate::ordered;
use crate::grid::Grid;
use crate::quorum::{self, Probe, probe_verdicts};
use crate::sample::{Sample, Verdict};
use crate::slice::{SliceState, SliceVerdict};

/// What the probes of a slice that have samples count as, ascending by index. `samples` are the slice's.
///
/// Where outages are confirmed, a decided probe is bad in an outage and good elsewhere. Otherwise the slice's verdict goes
/// before its probes': in a good slice nothing was down, since the measurement tolerates what failed there, and of an
/// unmeasured one nobody knows. Those in an exclusion are left out.
pub fn counted(grid: &Grid, slice: &SliceVerdict, samples: &[Sample]) -> Vec<(u64, Verdict)> {
    let mut probes = probe_verdicts(grid, samples);
    for (probe, verdict) in probes.iter_mut().filter(|(_, verdict)| *verdict != Verdict::Unknown) {
        *verdict = match (&slice.confirmed, slice.state) {
            (Some(confirmed), _) if confirmed.is_down_at(*probe) => Verdict::Bad,
            (Some(_), _) | (None, SliceState::Good) => Verdict::Good,
            (None, SliceState::Unmeasured) => Verdict::Unknown,
            (None, SliceState::Bad | SliceState::Excluded) => *verdict,
        };
    }
    probes
}

/// What the probes after slice `before` (from the first one on, without it) count as by what is known so far; `samples` are
/// theirs. A run that is too short so far to begin or end an outage does neither.
pub fn counted_so_far(grid: &Grid, before: Option<&SliceVerdict>, samples: &[Sample]) -> Vec<(u64, Verdict)> {
    let from = before.map_or(0, |before| grid.probes_of(before.index).end);
    let samples = ordered(grid, samples, from..grid.probes());
    let mut probes: Vec<Probe> = quorum::decide(grid, &samples).collect();
    if let Some(confirm) = grid.measurement().confirm {
        apply(confirm, before.is_some_and(SliceVerdict::ends_down), from, &mut probes);
    }
    probes.iter().map(|probe| (probe.index, probe.verdict)).collect()
}

/// Applies the rule as if the window ended with the last of these probes.
fn apply(confirm: Confirm, down: bool, from: u64, probes: &mut [Probe]) {
    let end = probes.last().map_or(from, |probe| probe.index + 1);
    let rule = Rule { confirm, down, until: end, end };
    // Whoever knows how it ends leaves nothing open, so that there is a verdict.
    let _ = rule.apply((from, end), probes, std::iter::empty());
}
