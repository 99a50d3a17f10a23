//! Probe by probe: what the vantages say together.

use std::collections::BTreeMap;

use terms::{Decimal, Indicator, Measurement, Quorum};

use crate::evaluate::ordered;
use crate::grid::Grid;
use crate::sample::{Sample, Verdict};

/// A probe that has samples: what the vantages made of it together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// Its index in the window.
    pub(crate) index: u64,
    /// What it came to.
    pub(crate) verdict: Verdict,
    /// For a metric: the reading of a good one. Of several vantages' the middle one counts, of an even number the smaller.
    pub(crate) value: Option<Decimal>,
}

/// What a vantage says about one probe: its verdict, and its reading where there is one to be had.
type Vote = (Verdict, Option<Decimal>);

/// What a vantage says about one probe, and when.
type Voices<'a> = BTreeMap<&'a str, (u64, Vote)>;

/// What each probe with samples came to, ascending by index: by quorum, from samples of any order, and before outages are
/// confirmed. Probes outside the window, in an exclusion, or without samples are not there.
pub fn probe_verdicts(grid: &Grid, samples: &[Sample]) -> Vec<(u64, Verdict)> {
    let samples = ordered(grid, samples, 0..grid.probes());
    decide(grid, &samples).map(|probe| (probe.index, probe.verdict)).collect()
}

/// Decides each probe that has samples, in ascending order and one at a time. Those in exclusions are left out.
///
/// `samples` are in their order. Of two samples of one vantage in one slot the earlier counts; where the same instant
/// says two things, the vantage says nothing.
pub(crate) fn decide<'a>(grid: &'a Grid, samples: &'a [&'a Sample]) -> impl Iterator<Item = Probe> + 'a {
    let probe_of = |sample: &Sample| grid.probe_of(sample.unix_ms);
    let groups = samples.chunk_by(move |a, b| probe_of(a) == probe_of(b));
    let indexed = groups.filter_map(move |group| Some((probe_of(group.first()?)?, group)));
    let counting = indexed.filter(|(index, _)| !grid.is_excluded(grid.slice_of_probe(*index)));
    counting.map(|(index, group)| decide_probe(grid.measurement(), index, group))
}

fn decide_probe(measurement: &Measurement, index: u64, samples: &[&Sample]) -> Probe {
    let mut voices = Voices::new();
    for sample in samples {
        hear(&mut voices, sample, vote(&measurement.indicator, sample));
    }
    let verdict = count(&voices, measurement.quorum);
    let value = if verdict == Verdict::Good { middle(&voices) } else { None };
    Probe { index, verdict, value }
}

fn hear<'a>(voices: &mut Voices<'a>, sample: &'a Sample, vote: Vote) {
    let (first_ms, said) = voices.entry(&sample.vantage).or_insert((sample.unix_ms, vote));
    if *first_ms == sample.unix_ms && *said != vote {
        *said = (Verdict::Unknown, None);
    }
}

/// A vantage's vote: for a latency, a good answer that came too late is bad; for a metric, one without a reading says
/// nothing.
fn vote(indicator: &Indicator, sample: &Sample) -> Vote {
    match (indicator, sample.verdict) {
        (Indicator::Latency { threshold_ms, .. }, Verdict::Good)
            if u64::from(sample.latency_ms) > *threshold_ms =>
        {
            (Verdict::Bad, None)
        }
        (Indicator::Metric(_), Verdict::Good) => {
            (sample.value.map_or(Verdict::Unknown, |_| Verdict::Good), sample.value)
        }
        (_, verdict) => (verdict, None),
    }
}

/// More voices than the measurement has vantages decide nothing: nobody agreed to hear them.
fn count(voices: &Voices<'_>, quorum: Quorum) -> Verdict {
    let say = |wanted: Verdict| voices.values().filter(|(_, said)| said.0 == wanted).count() as u64;
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

fn middle(voices: &Voices<'_>) -> Option<Decimal> {
    let mut values: Vec<Decimal> = voices.values().filter_map(|(_, said)| said.1).collect();
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}
