//! Which certificate the service presents when: one that ends by itself where it shall expire.

use terms::UnixSeconds;

use crate::scenario::{CertificateFault, Condition, Phase};

/// A certificate, from some moment on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Presented {
    /// What is wrong with it.
    pub fault: Option<CertificateFault>,
    /// The first second of its validity; `None` for long ago.
    pub first: Option<UnixSeconds>,
    /// The last; `None` for in many years.
    pub last: Option<UnixSeconds>,
}

impl Presented {
    /// What is presented from `at` on to who sees these phases. A good certificate lasts until the next one expires by the scenario: that is this one.
    pub(super) fn at(phases: &[&Phase], at: UnixSeconds) -> Self {
        let faults = || phases.iter().filter_map(|phase| Some((phase, fault(phase)?)));
        let expiring = faults().filter(|(_, fault)| *fault == CertificateFault::Expired);
        let current = faults().find(|(phase, _)| phase.range.contains(at));
        let mut next = expiring.map(|(phase, _)| phase.range.start).filter(|start| *start > at);
        let before = |start: UnixSeconds| UnixSeconds(start.0 - 1);
        let (first, last) = match &current {
            None => (None, next.next().map(before)),
            Some((phase, CertificateFault::Expired)) => (None, Some(before(phase.range.start))),
            Some((phase, CertificateFault::NotYetValid)) => (Some(phase.range.end), None),
            Some((_, CertificateFault::OtherName | CertificateFault::UnknownIssuer)) => (None, None),
        };
        Self { fault: current.map(|(_, fault)| fault), first, last }
    }
}

fn fault(phase: &Phase) -> Option<CertificateFault> {
    match phase.condition {
        Condition::Certificate(fault) => Some(fault),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::Scenario;

    const NOON: u64 = 1_772_452_800;

    fn scenario(timeline: &str) -> Scenario {
        let text = format!(
            "title = \"t\"\n[agreement]\nprice_sat = 100_000\nbond_sat = 50_000\nindeterminate = \"price back, bond back\"\n\
             schedule = [{{ from = 1, price_back = \"10 %\" }}]\n\
             [measurement]\ntarget = \"https://edge.example/\"\nwindow = \"2026-03-02T12:00:00Z / PT1H\"\nslice = \"1m\"\n\
             probe_every = \"10s\"\n{timeline}\n[expect]\nrefunded = true\nprovider_sat = 0\nbuyer_sat = 0\n"
        );
        Scenario::parse(&text, Path::new("t.toml")).unwrap()
    }

    fn all(scenario: &Scenario) -> Vec<&Phase> {
        scenario.phases.iter().collect()
    }

    fn phase(from: u64, until: u64, fault: &str) -> String {
        format!(
            "[[timeline]]\nfrom = \"2026-03-02T12:{from}:00Z\"\nuntil = \"2026-03-02T12:{until}:00Z\"\n\
             certificate = \"{fault}\"\n"
        )
    }

    #[test]
    fn a_good_certificate_ends_by_itself_when_the_timeline_says_so_and_then_another_one_comes() {
        let scenario = scenario(&[phase(10, 20, "expired"), phase(40, 50, "expired")].concat());
        let at = |minute: u64| {
            let presented = Presented::at(&all(&scenario), UnixSeconds(NOON + 60 * minute));
            (presented.fault.is_none(), presented.last.map(|last| last.0 - NOON))
        };
        assert_eq!(at(0), (true, Some(599)));
        assert_eq!(at(10), (false, Some(599)), "the same, which has expired");
        assert_eq!(at(20), (true, Some(2_399)), "renewed");
        assert_eq!(at(50), (true, None));
    }

    #[test]
    fn one_that_comes_too_early_is_valid_when_the_phase_ends() {
        let scenario = scenario(&phase(10, 20, "not_yet_valid"));
        let presented = Presented::at(&all(&scenario), UnixSeconds(NOON + 600));
        assert_eq!((presented.first, presented.last), (Some(UnixSeconds(NOON + 1_200)), None));
    }
}
