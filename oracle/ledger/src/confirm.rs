//! From when on an outage counts, and when it is over.
//!
//! Probes that were decided form runs of bad ones and of good ones; undecided ones are passed over. While the service is
//! up, a run of at least `bad` bad probes is an outage from its first probe on, and a shorter one is none: its probes count
//! as good. While it is down, a run of at least `good` good probes ends the outage from its first probe on, and a shorter
//! one doesn't: its probes count as bad. A window begins with the service up, and its end breaks every run.
//!
//! Silence neither confirms a run nor breaks it, unless it lasts longer than any run would have taken to be confirmed: more
//! undecided slots in a row than the larger of the two numbers break a run, since nobody knows whether it went on. So a
//! slice is decided after a bounded look at what follows it.

use serde::{Deserialize, Serialize};
use terms::Confirm;

use crate::quorum::Probe;
use crate::sample::Verdict;

/// What confirmation made of a slice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    /// Whether an outage goes on at the slice's end.
    pub down: bool,
    /// What outages cover of the slice, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Outage>,
    /// Bad probes that count as good: too few in a row to be an outage.
    pub unconfirmed: u64,
    /// Good probes that count as bad: too few in a row to end an outage.
    pub held: u64,
}

impl Confirmed {
    /// Does an outage cover this slot?
    pub fn is_down_at(&self, slot: u64) -> bool {
        self.outages.iter().any(|outage| (outage.from..outage.to).contains(&slot))
    }
}

/// What an outage covers of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// The index of its first slot.
    pub from: u64,
    /// The index of the slot after its last.
    pub to: u64,
    /// Its probes, which all count as bad.
    pub bad: u64,
}

/// A probe that was decided: its index, and whether it was good.
type Decided = (u64, bool);

/// Applies the rule to a slice's probes.
pub(crate) struct Rule {
    /// The rule.
    pub(crate) confirm: Confirm,
    /// Whether an outage goes on from before the slice.
    pub(crate) down: bool,
    /// The slots of which everything is known end before this one.
    pub(crate) until: u64,
    /// The slots of the window end before this one.
    pub(crate) end: u64,
}

impl Rule {
    /// Changes the verdicts of a slice's probes as the rule has it; its slots are `from..to`, and `later` are the probes that
    /// follow it. `None` where what is known of them does not decide the slice's last run.
    pub(crate) fn apply(
        mut self,
        (from, to): (u64, u64),
        probes: &mut [Probe],
        mut later: impl Iterator<Item = Probe>,
    ) -> Option<Confirmed> {
        let mut confirmed = Confirmed { down: false, outages: Vec::new(), unconfirmed: 0, held: 0 };
        let mut began = from;
        let mut rest = decided(probes);
        while let Some(run) = self.next_run(&mut rest) {
            let (first, good) = *run.first()?;
            if good != self.down {
                continue;
            }
            let is_last = rest.is_empty();
            if !self.is_confirmed(&run, is_last.then_some(&mut later))? {
                turn(probes, &run, good);
                let count = if good { &mut confirmed.held } else { &mut confirmed.unconfirmed };
                *count += run.len() as u64;
                continue;
            }
            if self.down {
                confirmed.outages.push(outage(began, first, probes));
            }
            began = first;
            self.down = !self.down;
        }
        if self.down {
            confirmed.outages.push(outage(began, to, probes));
        }
        confirmed.down = self.down;
        Some(confirmed)
    }

    /// Takes the next run off the front.
    fn next_run(&self, rest: &mut Vec<Decided>) -> Option<Vec<Decided>> {
        let (_, good) = *rest.first()?;
        let breaks = |pair: &[Decided]| matches!(pair, [a, b] if b.1 != good || self.is_gap(a.0, b.0));
        let length = rest.windows(2).position(breaks).map_or(rest.len(), |position| position + 1);
        Some(rest.drain(..length).collect())
    }

    /// Is a run long enough? `later` is given for the last run of the slice, which may go on behind it.
    fn is_confirmed(&self, run: &[Decided], later: Option<&mut impl Iterator<Item = Probe>>) -> Option<bool> {
        let (mut last, good) = *run.last()?;
        let needed = if good { self.confirm.good } else { self.confirm.bad };
        let mut length = run.len() as u64;
        if let Some(later) = later {
            while length < needed {
                let next = later.by_ref().find(|probe| probe.verdict != Verdict::Unknown);
                let next = next.filter(|probe| probe.index < self.until);
                let Some(probe) = next.filter(|probe| !self.is_gap(last, probe.index)) else {
                    // It ends here, or it is not known yet whether it does.
                    let ends = next.is_some() || self.until == self.end || self.is_gap(last, self.until);
                    return ends.then_some(false);
                };
                if (probe.verdict == Verdict::Good) != good {
                    break;
                }
                (last, length) = (probe.index, length + 1);
            }
        }
        Some(length >= needed)
    }

    /// Are there too many slots between these two to know what was in them?
    fn is_gap(&self, before: u64, after: u64) -> bool {
        after - before > self.confirm.bad.max(self.confirm.good) + 1
    }
}

fn decided(probes: &[Probe]) -> Vec<Decided> {
    let decided = probes.iter().filter(|probe| probe.verdict != Verdict::Unknown);
    decided.map(|probe| (probe.index, probe.verdict == Verdict::Good)).collect()
}

/// Gives the probes of a run the other verdict.
fn turn(probes: &mut [Probe], run: &[Decided], good: bool) {
    let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else {
        return;
    };
    let verdict = if good { Verdict::Bad } else { Verdict::Good };
    let inside = probes.iter_mut().filter(|probe| (*first..=*last).contains(&probe.index));
    inside.filter(|probe| probe.verdict != Verdict::Unknown).for_each(|probe| probe.verdict = verdict);
}

fn outage(from: u64, to: u64, probes: &[Probe]) -> Outage {
    let inside = probes.iter().filter(|probe| (from..to).contains(&probe.index));
    Outage { from, to, bad: inside.filter(|probe| probe.verdict == Verdict::Bad).count() as u64 }
}
