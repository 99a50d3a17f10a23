//! One slice in short.

use std::collections::BTreeMap;

use ledger::{Grid, Sample, SliceState, SliceVerdict, Verdict};
use terms::Indicator;

use super::incident::Incidents;
use super::tally::{DAY_S, HOUR_S, Tally};

/// A sample with the cause that is kept beside it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The sample.
    pub sample: Sample,
    /// Why it is not good, in the words of [`crate::probe::Cause`].
    pub cause: Option<String>,
}

/// A slice in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its index in the window.
    pub slice: u64,
    /// What it came to.
    pub state: SliceState,
    /// Its good probes.
    pub good: u64,
    /// Its bad probes.
    pub bad: u64,
    /// Its probes that could not be decided.
    pub undecided: u64,
    /// The median of the times in which answers came.
    pub p50_ms: Option<u32>,
    /// So fast were 95 of 100 answers.
    pub p95_ms: Option<u32>,
}

/// What a slice adds to what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The slice in one row.
    pub note: Note,
    /// How its time was spent, by length of the span in seconds and the span's beginning.
    pub spans: BTreeMap<(u64, u64), Tally>,
}

/// Digests one slice that has ended: its samples in any order, and the incident that was open before it.
pub fn digest(grid: &Grid, verdict: &SliceVerdict, seen: &[Seen], incidents: &mut Incidents) -> Digest {
    let excluded = verdict.state == SliceState::Excluded;
    let probes = probes_of(grid, verdict, seen);
    incidents.follow(&probes);
    Digest { note: note(verdict, seen), spans: spans(grid, verdict, excluded, &probes) }
}

/// What the probes of a slice that has ended count as, by their indices. `seen` are its samples, in any order.
pub fn probes_of(grid: &Grid, verdict: &SliceVerdict, seen: &[Seen]) -> BTreeMap<u64, Probe> {
    described(grid, ledger::counted(grid, verdict, &samples_of(seen)), seen)
}

/// What the probes after the last slice that has ended count as, as far as it is known. `seen` are their samples.
pub fn probes_so_far(grid: &Grid, before: Option<&SliceVerdict>, seen: &[Seen]) -> BTreeMap<u64, Probe> {
    described(grid, ledger::counted_so_far(grid, before, &samples_of(seen)), seen)
}

fn spans(
    grid: &Grid,
    verdict: &SliceVerdict,
    excluded: bool,
    probes: &BTreeMap<u64, Probe>,
) -> BTreeMap<(u64, u64), Tally> {
    let mut spans = BTreeMap::<_, Tally>::new();
    let every_ms = grid.measurement().probe_every_ms;
    for probe in grid.probes_of(verdict.index) {
        let mut tally = Tally::default();
        *match probes.get(&probe).map(|probe| probe.1) {
            _ if excluded => &mut tally.excluded_ms,
            Some(Verdict::Good) => &mut tally.good_ms,
            Some(Verdict::Bad) => &mut tally.bad_ms,
            Some(Verdict::Unknown) | None => &mut tally.unknown_ms,
        } = every_ms;
        let start_s = grid.probe_start_ms(probe) / 1000;
        for length_s in [HOUR_S, DAY_S] {
            *spans.entry((length_s, start_s / length_s * length_s)).or_default() += tally;
        }
    }
    spans
}

/// When a probe began in unix milliseconds, what it came to, and why it was bad.
pub type Probe = (u64, Verdict, Vec<String>);

fn samples_of(seen: &[Seen]) -> Vec<Sample> {
    seen.iter().map(|seen| seen.sample.clone()).collect()
}

/// Adds to verdicts when each probe began, and why it was bad.
fn described(grid: &Grid, verdicts: Vec<(u64, Verdict)>, seen: &[Seen]) -> BTreeMap<u64, Probe> {
    let mut probes: BTreeMap<u64, Probe> = verdicts
        .into_iter()
        .map(|(probe, verdict)| (probe, (grid.probe_start_ms(probe), verdict, Vec::new())))
        .collect();
    let mut began = BTreeMap::<u64, u64>::new();
    for seen in seen {
        let Some(probe) = grid.probe_of(seen.sample.unix_ms) else { continue };
        let first_ms = began.entry(probe).or_insert(seen.sample.unix_ms);
        *first_ms = seen.sample.unix_ms.min(*first_ms);
        if let Some((_, _, causes)) = probes.get_mut(&probe) {
            causes.extend(cause(grid, seen));
        }
    }
    for (probe, at_ms) in began {
        if let Some(entry) = probes.get_mut(&probe) {
            entry.0 = at_ms;
        }
    }
    probes
}

/// Why a sample speaks against the service. A good answer does when it came later than the measurement allows.
fn cause(grid: &Grid, seen: &Seen) -> Option<String> {
    match (seen.sample.verdict, &grid.measurement().indicator) {
        (Verdict::Bad, _) => seen.cause.clone(),
        (Verdict::Good, Indicator::Latency { threshold_ms, .. })
            if u64::from(seen.sample.latency_ms) > *threshold_ms =>
        {
            Some(format!("slower than {threshold_ms} ms"))
        }
        _ => None,
    }
}

fn note(verdict: &SliceVerdict, seen: &[Seen]) -> Note {
    let answered = seen.iter().filter(|seen| seen.sample.verdict == Verdict::Good);
    let mut latencies: Vec<u32> = answered.map(|seen| seen.sample.latency_ms).collect();
    latencies.sort_unstable();
    Note {
        slice: verdict.index,
        state: verdict.state,
        good: verdict.good,
        bad: verdict.bad,
        undecided: verdict.undecided,
        p50_ms: percentile(&latencies, 50),
        p95_ms: percentile(&latencies, 95),
    }
}

/// The percentile of ascending values by nearest rank; `None` without any.
pub fn percentile(ascending: &[u32], percent: usize) -> Option<u32> {
    let rank = (ascending.len() * percent).div_ceil(100);
    ascending.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{START, measurement};

    fn seen(probe: u64, verdict: Verdict, latency_ms: u32, cause: Option<&str>) -> Seen {
        let unix_ms = START * 1000 + probe * 15_000 + 7;
        let sample = Sample { unix_ms, vantage: "a".to_owned(), verdict, latency_ms, value: None };
        Seen { sample, cause: cause.map(str::to_owned) }
    }

    fn first_slice(
        seen: &[Seen],
        change: impl FnOnce(&mut terms::Measurement),
    ) -> (Digest, Vec<super::super::Incident>) {
        let rarely = |m: &mut terms::Measurement| m.least_samples = 1;
        let grid = Grid::new(&measurement("http://a.example/", |m| (rarely(m), change(m)).1)).unwrap();
        let samples = samples_of(seen);
        let mut incidents = Incidents::default();
        let slices = ledger::close_slices(&grid, None, &samples, grid.probes());
        let digest = digest(&grid, &slices[0], seen, &mut incidents);
        (digest, incidents.touched().collect())
    }

    #[test]
    fn slots_without_a_verdict_are_unknown_time() {
        let samples = [
            seen(0, Verdict::Good, 20, None),
            seen(1, Verdict::Bad, 5_000, Some("timeout")),
            seen(2, Verdict::Unknown, 0, Some("own connectivity")),
            seen(3, Verdict::Good, 40, None),
        ];
        let (digest, incidents) = first_slice(&samples, |_| ());
        let tally = Tally { good_ms: 30_000, bad_ms: 15_000, unknown_ms: 17 * 15_000, excluded_ms: 0 };
        let spans = BTreeMap::from([((HOUR_S, START), tally), ((DAY_S, START), tally)]);
        assert_eq!(digest.spans, spans);
        assert_eq!((digest.note.p50_ms, digest.note.p95_ms), (Some(20), Some(40)));
        let [incident] = &incidents[..] else { panic!("one incident: {incidents:?}") };
        assert_eq!(
            (incident.start_ms, incident.end_ms),
            (START * 1000 + 15_007, Some(START * 1000 + 45_007))
        );
        assert_eq!(incident.causes, ["timeout"]);
    }

    #[test]
    fn for_a_latency_a_slow_answer_is_an_incident_that_says_so() {
        let slow = [seen(0, Verdict::Good, 801, None), seen(1, Verdict::Good, 800, None)];
        let latency = Indicator::Latency { threshold_ms: 800, percentile_ppm: None };
        let (_, incidents) = first_slice(&slow, |m| m.indicator = latency);
        assert_eq!(incidents[0].causes, ["slower than 800 ms"]);
        assert_eq!(incidents[0].end_ms, Some(START * 1000 + 15_007));
    }

    #[test]
    fn an_outage_that_is_not_confirmed_is_neither_an_incident_nor_time_that_was_lost() {
        let two = |m: &mut terms::Measurement| m.confirm = Some(terms::Confirm { bad: 2, good: 1 });
        let once = [seen(0, Verdict::Bad, 9, Some("timeout")), seen(1, Verdict::Good, 9, None)];
        let (digest, incidents) = first_slice(&once, two);
        assert_eq!((digest.spans[&(DAY_S, START)].bad_ms, incidents.len()), (0, 0));
        let twice = [0, 1].map(|probe| seen(probe, Verdict::Bad, 9, Some("timeout")));
        let (digest, incidents) = first_slice(&twice, two);
        assert_eq!((digest.spans[&(DAY_S, START)].bad_ms, incidents.len()), (30_000, 1));
    }

    #[test]
    fn what_an_unmeasured_slice_saw_says_nothing() {
        let (digest, incidents) =
            first_slice(&[seen(0, Verdict::Bad, 9, Some("timeout"))], |m| m.least_samples = 2);
        assert_eq!((digest.spans[&(DAY_S, START)].measured_ms(), incidents.len()), (0, 0));
    }

    #[test]
    fn a_slice_across_midnight_is_split_by_its_slots() {
        let midnight = START + DAY_S;
        let grid = Grid::new(&measurement("http://a.example/", |m| {
            m.window.start.0 = midnight - 600;
            m.window.end.0 = midnight + 600;
            m.slice_s = 1_200;
        }))
        .unwrap();
        let slices = ledger::close_slices(&grid, None, &[], grid.probes());
        let digest = digest(&grid, &slices[0], &[], &mut Incidents::default());
        let unknown = Tally { unknown_ms: 600_000, ..Tally::default() };
        assert_eq!(digest.spans.get(&(DAY_S, START)), Some(&unknown));
        assert_eq!(digest.spans.get(&(DAY_S, midnight)), Some(&unknown));
        assert_eq!(digest.spans.len(), 4);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values: Vec<u32> = (1..=20).collect();
        assert_eq!(
            (percentile(&values, 50), percentile(&values, 95), percentile(&values, 100)),
            (Some(10), Some(19), Some(20))
        );
        assert_eq!((percentile(&[7], 50), percentile(&[], 95)), (Some(7), None));
    }
}
