//! From when a service is down to which probes find it so.

use std::ops::Range;

use ledger::schedule::probe_at_ms;
use ledger::{Run, Verdict};
use terms::Measurement;

/// The probes of a measurement's vantages. All vantages see the same service, each at its own moments.
#[derive(Clone, Debug)]
pub(super) struct Probes {
    measurement: Measurement,
    vantages: Vec<String>,
}

impl Probes {
    pub(super) fn new(measurement: &Measurement) -> Self {
        let vantages = (1..=measurement.quorum.vantages).map(vantage).collect();
        Self { measurement: measurement.clone(), vantages }
    }

    /// The slots that are not found good, when the service is down in these ranges of milliseconds since the window's
    /// start. Within a slot it depends on the moments of the probes; in a slot that is down as a whole it does not.
    pub(super) fn runs(&self, down_ms: &[Range<u64>], seed: &[u8; 32]) -> Vec<Run> {
        let every = self.measurement.probe_every_ms;
        let mut runs = Vec::new();
        let mut next = 0;
        for range in down_ms.iter().filter(|range| !range.is_empty()) {
            let (first, last) = (range.start / every, (range.end - 1) / every);
            if first >= next {
                self.look(&mut runs, down_ms, seed, first);
            }
            if last > first {
                push(&mut runs, first + 1..last, Verdict::Bad);
                self.look(&mut runs, down_ms, seed, last);
            }
            next = last + 1;
        }
        runs
    }

    /// Decides one slot by the moments of its probes.
    fn look(&self, runs: &mut Vec<Run>, down_ms: &[Range<u64>], seed: &[u8; 32], slot: u64) {
        let start_ms = self.measurement.window.start.0 * 1000;
        let finds_bad = |vantage: &&String| {
            let at = probe_at_ms(&self.measurement, seed, vantage, slot) - start_ms;
            let next = down_ms.get(down_ms.partition_point(|range| range.end <= at));
            next.is_some_and(|range| range.contains(&at))
        };
        let bad = self.vantages.iter().filter(finds_bad).count() as u64;
        let good = self.vantages.len() as u64 - bad;
        let agree = self.measurement.quorum.agree;
        if bad >= agree {
            push(runs, slot..slot + 1, Verdict::Bad);
        } else if good < agree {
            push(runs, slot..slot + 1, Verdict::Unknown);
        }
    }
}

/// What the vantages of a simulation are called: `v1`, `v2` ... Their moments follow from their names.
fn vantage(number: u64) -> String {
    format!("v{number}")
}

/// Adds a run, or lengthens the one before.
fn push(runs: &mut Vec<Run>, slots: Range<u64>, verdict: Verdict) {
    if slots.is_empty() {
        return;
    }
    match runs.last_mut().filter(|run| run.verdict == verdict && run.slots.end == slots.start) {
        Some(run) => run.slots.end = slots.end,
        None => runs.push(Run { slots, verdict }),
    }
}
