//! Probe by probe: what the vantages say together.

use std::collections::BTreeMap;

use terms::{Indicator, Quorum};

use crate::grid::Grid;
use crate::sample::{Sample, Verdict};

/// What a vantage says about one probe, and when.
type Voices<'a> = BTreeMap<&'a str, (u64, Verdict)>;

/// What each probe with samples came to, ascending by index: by quorum, from samples of any order. Probes outside the
/// window, or without samples, are not there.
pub fn probe_verdicts(grid: &Grid, samples: &[Sample]) -> Vec<(u64, Verdict)> {
    let mut samples: Vec<&Sample> = samples.iter().collect();
    samples.sort_unstable();
    samples.dedup();
    decide(grid, &samples)
}

/// Decides each probe of a slice that has samples, in ascending order.
///
/// `samples` are those of the slice, in their order. Of two samples of one vantage in one slot the
/// earlier counts; where the same instant says two things, the vantage says nothing.
pub(crate) fn decide(grid: &Grid, samples: &[&Sample]) -> Vec<(u64, Verdict)> {
    let probe_of = |sample: &Sample| grid.probe_of(sample.unix_ms);
    let groups = samples.chunk_by(|a, b| probe_of(a) == probe_of(b));
    groups.filter_map(|group| Some((probe_of(group.first()?)?, decide_probe(grid, group)))).collect()
}

fn decide_probe(grid: &Grid, samples: &[&Sample]) -> Verdict {
    let measurement = grid.measurement();
    let mut voices = Voices::new();
    for sample in samples {
        hear(&mut voices, sample, vote(&measurement.indicator, sample));
    }
    count(&voices, measurement.quorum)
}

fn hear<'a>(voices: &mut Voices<'a>, sample: &'a Sample, vote: Verdict) {
    let (first_ms, said) = voices.entry(&sample.vantage).or_insert((sample.unix_ms, vote));
    if *first_ms == sample.unix_ms && *said != vote {
        *said = Verdict::Unknown;
    }
}

/// A vantage's vote: for a latency, a good answer that came too late is bad.
fn vote(indicator: &Indicator, sample: &Sample) -> Verdict {
    match (indicator, sample.verdict) {
        (Indicator::Latency { threshold_ms, .. }, Verdict::Good)
            if u64::from(sample.latency_ms) > *threshold_ms =>
        {
            Verdict::Bad
        }
        (_, verdict) => verdict,
    }
}

/// More voices than the measurement has vantages decide nothing: nobody agreed to hear them.
fn count(voices: &Voices<'_>, quorum: Quorum) -> Verdict {
    let say = |wanted: Verdict| voices.values().filter(|(_, said)| *said == wanted).count() as u64;
    if voices.len() as u64 > quorum.vantages {
        Verdict::Unknown
    } else if say(Verdict::Good) >= quorum.agree {
        Verdict::Good
    } else if say(Verdict::Bad) >= quorum.agree {
        Verdict::Bad
    } else {
        Verdict::Unknown
    }
}
