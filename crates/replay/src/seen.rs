//! What the oracle saw of each phase: how many of its probes failed, and why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terms::{Measurement, TimeRange};

use crate::text;

/// What came of the probes of a phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How many there should be, over all vantages.
    pub probes: u64,
    /// How many of them found the service failing.
    pub failed: u64,
    /// How many of them could not be decided.
    pub undecided: u64,
    /// Why, in the oracle's words, the most frequent first.
    pub causes: Vec<String>,
}

impl Seen {
    /// In a few words: `90 of 90 probes failed: certificate expired`.
    pub fn in_words(&self) -> String {
        let all = format!("of {}", text::counted(self.probes, "probe", "probes"));
        let what = match (self.failed, self.undecided) {
            (0, 0) => format!("none {all} failed"),
            (failed, 0) => format!("{} {all} failed", text::thousands(failed)),
            (0, undecided) => format!("{} {all} undecided", text::thousands(undecided)),
            (failed, undecided) => {
                format!("{} {all} failed, {} undecided", text::thousands(failed), text::thousands(undecided))
            }
        };
        if self.causes.is_empty() { what } else { format!("{what}: {}", self.causes.join(", ")) }
    }
}

/// A probe that was not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    unix_ms: u64,
    is_decided: bool,
    cause: String,
}

/// Reads what an oracle publishes about probes that were not good: `unix_ms,vantage,ok,latency_ms,cause`. Lines of another
/// shape are left out.
pub fn failures(csv: &str) -> Vec<Failure> {
    let failure = |line: &str| {
        let mut fields = line.splitn(5, ',');
        let unix_ms = fields.next()?.parse().ok()?;
        let is_decided = fields.nth(1)? == "0";
        Some(Failure { unix_ms, is_decided, cause: fields.nth(1)?.to_owned() })
    };
    csv.lines().skip(1).filter_map(failure).collect()
}

/// What was seen in a stretch of the window that begins and ends with a probe's slot.
pub fn within(range: TimeRange, measurement: &Measurement, failures: &[Failure]) -> Seen {
    let slots = (range.seconds() * 1000).checked_div(measurement.probe_every_ms).unwrap_or(0);
    let of_range = |failure: &&Failure| range.contains(terms::UnixSeconds(failure.unix_ms / 1000));
    let met: Vec<&Failure> = failures.iter().filter(of_range).collect();
    let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
    for failure in met.iter().filter(|failure| !failure.cause.is_empty()) {
        *causes.entry(&failure.cause).or_default() += 1;
    }
    let mut causes: Vec<(&str, u64)> = causes.into_iter().collect();
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let failed = met.iter().filter(|failure| failure.is_decided).count() as u64;
    Seen {
        probes: slots * measurement.quorum.vantages,
        failed,
        undecided: met.len() as u64 - failed,
        causes: causes.into_iter().map(|(cause, _)| cause.to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use terms::UnixSeconds;

    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn failures_are_counted_where_they_belong_and_named_by_their_causes() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/total-loss.toml");
        let measurement = Scenario::load(&file).unwrap().measurement;
        let start = measurement.window.start.0;
        let at = |second: u64| (start + second) * 1000;
        let csv = format!(
            "unix_ms,vantage,ok,latency_ms,cause\n{},local,0,0,timeout\n{},local,0,0,name\n{},local,0,0,name\n\
             {},local,,0,references\n{},local,0,0,name\n",
            at(59),
            at(60),
            at(75),
            at(119),
            at(120)
        );
        let range = TimeRange { start: UnixSeconds(start + 60), end: UnixSeconds(start + 120) };
        let seen = within(range, &measurement, &failures(&csv));
        assert_eq!((seen.probes, seen.failed, seen.undecided), (6, 2, 1));
        assert_eq!(seen.in_words(), "2 of 6 probes failed, 1 undecided: name, references");
    }
}
