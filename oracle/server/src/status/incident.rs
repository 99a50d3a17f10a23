//! Incidents: runs of probes that count as bad.

use std::collections::BTreeMap;

use ledger::Verdict;

use super::digest::Probe;

/// Different causes that are kept of one incident.
const CAUSES: usize = 4;

/// A run of probes that count as bad (`ledger::counted`): a confirmed outage, where outages are confirmed. A probe that could not be decided neither begins nor ends one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// When the first bad probe began, in unix milliseconds.
    pub start_ms: u64,
    /// When the last bad one began.
    pub last_bad_ms: u64,
    /// When the first good probe after it began; `None` while there was none.
    pub end_ms: Option<u64>,
    /// Its bad probes.
    pub bad: u64,
    /// Probes in between that could not be decided.
    pub undecided: u64,
    /// The different causes, in the order in which they came; the first four.
    pub causes: Vec<String>,
}

impl Incident {
    fn begun(at_ms: u64) -> Self {
        Self { start_ms: at_ms, last_bad_ms: at_ms, end_ms: None, bad: 0, undecided: 0, causes: Vec::new() }
    }

    fn goes_on(&mut self, at_ms: u64, causes: &[String]) {
        self.last_bad_ms = at_ms;
        self.bad += 1;
        for cause in causes {
            if self.causes.len() < CAUSES && !self.causes.contains(cause) {
                self.causes.push(cause.clone());
            }
        }
    }
}

/// Follows an event's probes, and gathers the incidents that began, went on or ended.
#[derive(Clone, Debug, Default)]
pub struct Incidents {
    open: Option<Incident>,
    ended: Vec<Incident>,
}

impl Incidents {
    /// Goes on from the incident that was open, if one was.
    pub fn resume(open: Option<Incident>) -> Self {
        Self { open, ended: Vec::new() }
    }

    /// The next probes, in their order.
    pub fn follow(&mut self, probes: &BTreeMap<u64, Probe>) {
        for (at_ms, verdict, causes) in probes.values() {
            self.probe(*at_ms, *verdict, causes);
        }
    }

    /// The next probe, in their order.
    pub fn probe(&mut self, at_ms: u64, verdict: Verdict, causes: &[String]) {
        match verdict {
            Verdict::Bad => self.open.get_or_insert_with(|| Incident::begun(at_ms)).goes_on(at_ms, causes),
            Verdict::Good => {
                let ended = self.open.take().map(|open| Incident { end_ms: Some(at_ms), ..open });
                self.ended.extend(ended);
            }
            Verdict::Unknown => {
                if let Some(open) = &mut self.open {
                    open.undecided += 1;
                }
            }
        }
    }

    /// All that it touched, in their order.
    pub fn touched(self) -> impl Iterator<Item = Incident> {
        self.ended.into_iter().chain(self.open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(probes: &str) -> Vec<Incident> {
        let mut incidents = Incidents::default();
        for (at_ms, letter) in (0..).step_by(10).zip(probes.chars()) {
            let (verdict, cause) = match letter {
                '.' => (Verdict::Good, ""),
                '?' => (Verdict::Unknown, "own connectivity"),
                _ => (Verdict::Bad, "timeout"),
            };
            incidents.probe(at_ms, verdict, &[cause.to_owned()]);
        }
        incidents.touched().collect()
    }

    #[test]
    fn an_incident_lasts_from_the_first_bad_probe_to_the_first_good_one() {
        let [first, second] = &follow(".xx?x.?.x?")[..] else { panic!("two incidents") };
        assert_eq!((first.start_ms, first.last_bad_ms, first.end_ms), (10, 40, Some(50)));
        assert_eq!(
            (first.bad, first.undecided, first.causes.as_slice()),
            (3, 1, &["timeout".to_owned()][..])
        );
        assert_eq!((second.start_ms, second.end_ms, second.undecided), (80, None, 1));
    }

    #[test]
    fn what_could_not_be_decided_is_no_incident() {
        assert!(follow("..??..").is_empty());
    }

    #[test]
    fn however_many_causes_there_are_a_few_are_kept() {
        let mut incidents = Incidents::default();
        (0..100).for_each(|at| incidents.probe(at, Verdict::Bad, &[format!("status {at}")]));
        let incident = incidents.touched().next().unwrap();
        assert_eq!((incident.bad, incident.causes.len()), (100, 4));
    }
}
