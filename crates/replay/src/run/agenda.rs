//! What happens when: how the targets behave from moment to moment, faults, and blocks.

use std::collections::BTreeMap;

use terms::{Indicator, UnixSeconds};
use testbed::Phase as Behaviour;

use super::certificates::Presented;
use crate::scenario::{
    CertificateFault, Condition, DnsFailure, Fault, Happening, Phase, Place, Scenario, When,
};

/// Something for the director to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Targets behave like this from now on.
    Behave(Behaviours),
    /// The scenario's fault of this number begins.
    BeginFault(usize),
    /// It ends.
    EndFault(usize),
    /// What an oracle knows is copied, since this fault will set it back.
    Remember(usize),
    /// A block is mined.
    Mine,
}

/// How the target and the reference target behave, as seen from some places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Behaviours {
    /// From where they are seen so.
    pub places: Vec<Place>,
    pub target: Behaviour,
    pub reference: Behaviour,
    /// What its name server says in place of an address; `None` where it says the address.
    pub dns: Option<DnsFailure>,
    /// What it presents, if it speaks TLS.
    pub certificate: Presented,
    /// For the story, in words; `None` for the undisturbed beginning.
    pub words: Option<String>,
}

impl Behaviours {
    fn looks_like(&self, other: &Self) -> bool {
        self == &Self { places: self.places.clone(), ..other.clone() }
    }

    /// Whether connections that stand end with this: whoever kept one would not have to look up the name, nor look at
    /// the certificate. One that expires is given up by itself.
    pub(super) fn ends_connections(&self) -> bool {
        let fault = self.certificate.fault;
        self.dns.is_some() || fault.is_some_and(|fault| fault != CertificateFault::Expired)
    }
}

/// All tasks that are planned, ascending, and a block now and then for ever.
#[derive(Debug)]
pub(super) struct Agenda {
    /// By moment, and at one moment in the order in which they were planned.
    planned: BTreeMap<(u64, usize), Task>,
    next_number: usize,
    next_block_s: u64,
    block_every_s: u64,
}

impl Agenda {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let block_every_s = scenario.chain.block_every_s;
        let next_block_s = scenario.starts().0 + block_every_s;
        let mut agenda = Self { planned: BTreeMap::new(), next_number: 0, next_block_s, block_every_s };
        let faults = scenario.faults.iter().enumerate().flat_map(|(index, fault)| tasks(index, fault));
        for (at, task) in behaviours(scenario).into_iter().chain(faults) {
            agenda.plan(at, task);
        }
        agenda
    }

    /// Plans one more task.
    pub(super) fn plan(&mut self, at: u64, task: Task) {
        self.planned.insert((at, self.next_number), task);
        self.next_number += 1;
    }

    /// Whether a task like this is still to be done.
    pub(super) fn holds(&self, like: impl Fn(&Task) -> bool) -> bool {
        self.planned.values().any(like)
    }

    /// The next moment at which there is something to do.
    pub(super) fn next_s(&self) -> u64 {
        self.planned.keys().next().map_or(u64::MAX, |(at, _)| *at).min(self.next_block_s)
    }

    /// One task that is due at `now_s`, what was planned before what the chain does.
    pub(super) fn take(&mut self, now_s: u64) -> Option<Task> {
        if let Some(first) = self.planned.first_entry().filter(|first| first.key().0 <= now_s) {
            return Some(first.remove());
        }
        if self.next_block_s <= now_s {
            self.next_block_s += self.block_every_s;
            return Some(Task::Mine);
        }
        None
    }
}

/// What is known beforehand of a fault: nothing of one that waits for a state.
fn tasks(index: usize, fault: &Fault) -> Vec<(u64, Task)> {
    let When::At(at) = fault.when else { return Vec::new() };
    let before = match fault.what {
        Happening::SetBack(_, to) => Some((to.0, Task::Remember(index))),
        _ => None,
    };
    let end = fault.what.lasts_s().map(|lasts_s| (at.0 + lasts_s, Task::EndFault(index)));
    [before, Some((at.0, Task::BeginFault(index))), end].into_iter().flatten().collect()
}

/// Every moment at which something begins to look otherwise, for those who see it.
fn behaviours(scenario: &Scenario) -> Vec<(u64, Task)> {
    let mut planned: BTreeMap<u64, Vec<Behaviours>> = BTreeMap::new();
    for place in scenario.cast.places() {
        for (at, new) in seen_from(scenario, place) {
            let same = planned.entry(at).or_default();
            match same.iter_mut().find(|known| known.looks_like(&new)) {
                Some(known) => known.places.push(place),
                None => same.push(Behaviours { places: vec![place], ..new }),
            }
        }
    }
    let count = scenario.cast.places().count();
    let task = |mut behaviours: Behaviours| {
        if behaviours.places.len() < count {
            let names: Vec<&str> = behaviours.places.iter().map(|place| scenario.cast.name(*place)).collect();
            let seen_by = format!(" (seen by {})", names.join(", "));
            behaviours.words = behaviours.words.map(|words| words + &seen_by);
        }
        Task::Behave(behaviours)
    };
    let each = planned.into_iter().flat_map(|(at, all)| all.into_iter().map(move |one| (at, one)));
    each.map(|(at, one)| (at, task(one))).collect()
}

/// Every moment at which a target begins to behave otherwise for who looks from this place. A phase is begun exactly once,
/// since the shares of a phase are counted from its beginning.
fn seen_from(scenario: &Scenario, place: Place) -> Vec<(u64, Behaviours)> {
    let phases: Vec<&Phase> = scenario.phases.iter().filter(|phase| phase.is_seen_by(place)).collect();
    let mut moments: Vec<u64> = vec![scenario.starts().0];
    moments.extend(phases.iter().flat_map(|phase| [phase.range.start.0, phase.range.end.0]));
    moments.extend(scenario.delivery.iter().map(|delivery| delivery.at.0));
    moments.sort_unstable();
    moments.dedup();
    let inside = |at: u64| phases.iter().any(|phase| phase.range.start.0 < at && at < phase.range.end.0);
    let begins = moments.into_iter().filter(|at| !inside(*at));
    let behaviour = |at: u64| {
        let certificate = Presented::at(&phases, UnixSeconds(at));
        match phases.iter().find(|phase| phase.range.contains(UnixSeconds(at))) {
            Some(phase) => disturbed(phase, certificate),
            None => undisturbed(scenario, UnixSeconds(at), certificate),
        }
    };
    begins.map(|at| (at, behaviour(at))).collect()
}

fn disturbed(phase: &Phase, certificate: Presented) -> Behaviours {
    let target = behaviour(&phase.condition);
    let dns = match phase.condition {
        Condition::Dns(failure) => Some(failure),
        _ => None,
    };
    let is_offline = phase.condition == Condition::OracleOffline;
    let reference = if is_offline { Behaviour::Down } else { Behaviour::Up };
    Behaviours { places: Vec::new(), target, reference, dns, certificate, words: Some(phase.words()) }
}

/// How the service answers in a phase.
pub(crate) fn behaviour(condition: &Condition) -> Behaviour {
    let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    match condition {
        Condition::Down | Condition::OracleOffline => Behaviour::Down,
        Condition::Errors(share) => Behaviour::ErrorShare { ppm: number(share.0) },
        Condition::Status(code) => Behaviour::Status(*code),
        Condition::Slow(latency_ms) => Behaviour::Slow { latency_ms: number(*latency_ms) },
        Condition::WrongBody(body) => Behaviour::Body(body.clone()),
        Condition::Dns(_) | Condition::Certificate(_) => Behaviour::Up,
    }
}

fn undisturbed(scenario: &Scenario, at: UnixSeconds, certificate: Presented) -> Behaviours {
    let is_delivery = matches!(scenario.measurement.indicator, Indicator::Lateness { .. });
    let arrived = scenario.delivery.as_ref().filter(|delivery| delivery.at <= at);
    let (target, words) = match (is_delivery, arrived) {
        (true, None) => (Behaviour::NotYet, None),
        (true, Some(delivery)) => {
            let note = delivery.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
            (Behaviour::Up, Some(format!("delivers{note}")))
        }
        (false, _) if at == scenario.starts() => (Behaviour::Up, None),
        (false, _) => (Behaviour::Up, Some("answers again".to_owned())),
    };
    Behaviours { places: Vec::new(), target, reference: Behaviour::Up, dns: None, certificate, words }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn shipped(name: &str) -> Scenario {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../scenarios/{name}.toml"));
        Scenario::load(&file).unwrap()
    }

    #[test]
    fn phases_that_touch_begin_once_each_and_service_returns_after_the_last() {
        let begins: Vec<_> =
            behaviours(&shipped("fastly-2021-06-08")).into_iter().map(|(_, task)| task).collect();
        let shares = |task: &Task| match task {
            Task::Behave(Behaviours { target: Behaviour::ErrorShare { ppm }, .. }) => *ppm,
            _ => 0,
        };
        assert_eq!(begins.iter().map(shares).collect::<Vec<_>>(), [0, 850_000, 50_000, 10_000, 0]);
    }

    #[test]
    fn an_oracle_offline_loses_its_reference_target_too() {
        let begins = behaviours(&shipped("indeterminate"));
        let (_, Task::Behave(offline)) = &begins[1] else { panic!("{begins:?}") };
        assert_eq!((&offline.target, &offline.reference), (&Behaviour::Down, &Behaviour::Down));
    }

    #[test]
    fn a_delivery_is_absent_then_wrong_then_there() {
        let begins = behaviours(&shipped("delivery-late"));
        let targets: Vec<_> = begins
            .iter()
            .filter_map(|(_, task)| match task {
                Task::Behave(behaviours) => Some(behaviours.target.clone()),
                _ => None,
            })
            .collect();
        assert!(
            matches!(targets.as_slice(), [Behaviour::NotYet, Behaviour::Body(_), Behaviour::Up]),
            "{targets:?}"
        );
    }

    #[test]
    fn what_was_planned_comes_before_the_block_of_the_same_moment() {
        let scenario = shipped("total-loss");
        let mut agenda = Agenda::new(&scenario);
        let start = scenario.measurement.window.start.0;
        while agenda.next_s() < start {
            agenda.take(agenda.next_s());
        }
        assert!(matches!(agenda.take(start), Some(Task::Behave(_))));
        assert_eq!(agenda.take(start), Some(Task::Mine));
    }
}
