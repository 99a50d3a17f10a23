//! Two faults that make no sense together, since they hit one thing at one time.

use terms::UnixSeconds;

use super::super::cast::{Cast, Place};
use super::Fault;
use super::happening::Happening;
use super::hit::Victim;
use crate::text;

/// Where `fault` makes no sense after those `before` it: the field, and the rule with the number of the other.
pub(super) fn found(before: &[Fault], fault: &Fault, cast: &Cast) -> Option<(&'static str, String)> {
    before.iter().enumerate().find_map(|(number, earlier)| {
        let pair = Pair { earlier, later: fault, cast };
        pair.rule().map(|(field, rule)| (field, format!("{rule} (fault[{number}])")))
    })
}

/// Two faults in the file's order.
struct Pair<'a> {
    earlier: &'a Fault,
    later: &'a Fault,
    cast: &'a Cast,
}

impl Pair<'_> {
    fn rule(&self) -> Option<(&'static str, String)> {
        let (first, second) = (self.earlier.what, self.later.what);
        match (first, second) {
            (Happening::Kill(one, _), _) => self.after_a_kill(one),
            (Happening::FullDisk(one, _), Happening::FullDisk(other, _)) if one == other => self
                .during("full_disk", |until| {
                    format!("fills the disk of the {}, which is full {until}", self.name(one))
                }),
            (Happening::FullDisk(one, _), Happening::SetBack(oracle, _)) if one == oracle_of(oracle) => self
                .during("set_back", |until| {
                    format!("starts {} again, whose disk is full {until}", self.name(one))
                }),
            (Happening::FullDisk(one, _), Happening::Kill(other, Some(back_after_s))) if one == other => {
                let back = self.later.when.moment().map(|at| UnixSeconds(at.0 + back_after_s));
                back.filter(|back| self.earlier_holds(*back)).map(|_| {
                    let until = self.until();
                    (
                        "restart_after",
                        format!("starts the {} again, whose disk is full {until}", self.name(one)),
                    )
                })
            }
            (Happening::Cut(..) | Happening::Silent(..), _) => self.after_a_cut(),
            _ => None,
        }
    }

    /// Nothing can be done to a dead process.
    fn after_a_kill(&self, dead: Victim) -> Option<(&'static str, String)> {
        let name = self.name(dead);
        match self.later.what {
            Happening::Kill(other, _) if other == dead => match self.earlier.what.lasts_s() {
                None => Some(("kill", format!("kills the {name} again, which was never restarted"))),
                Some(_) => self.during("kill", |until| format!("kills the {name}, which is dead {until}")),
            },
            Happening::FullDisk(other, _) if other == dead => self
                .during("full_disk", |until| format!("fills the disk of the {name}, which is dead {until}")),
            Happening::SetBack(oracle, to) if oracle_of(oracle) == dead => {
                let copied = self.earlier_holds(to);
                let rule = |until| format!("stops {name} and starts it again, which is dead {until}");
                match copied {
                    true => Some(("set_back", rule(self.until()))),
                    false => self.during("set_back", rule),
                }
            }
            Happening::Reorg(_) if dead == Victim::Bitcoind => {
                self.during("reorg", |until| format!("needs the Bitcoin node, which is dead {until}"))
            }
            Happening::FeeSpike(_) if dead == Victim::Bitcoind => {
                self.during("fee_spike", |until| format!("needs the Bitcoin node, which is dead {until}"))
            }
            _ => None,
        }
    }

    /// The end of either would mend what the other cuts.
    fn after_a_cut(&self) -> Option<(&'static str, String)> {
        let cut = self.earlier.what.cuts();
        let line = self.later.what.cuts().into_iter().find(|line| cut.contains(line))?;
        let field = match self.later.what {
            Happening::Cut(..) => "cut",
            _ => "silent",
        };
        let ends = line.words(self.cast);
        self.during(field, |until| format!("cuts the line between {ends}, which is cut {until}"))
    }

    /// The rule, where the later fault begins while the earlier lasts.
    fn during(
        &self,
        field: &'static str,
        rule: impl FnOnce(String) -> String,
    ) -> Option<(&'static str, String)> {
        let is_during = self.later.when.moment().is_some_and(|at| self.earlier_holds(at));
        is_during.then(|| (field, rule(self.until())))
    }

    fn earlier_holds(&self, moment: UnixSeconds) -> bool {
        let Some(begin) = self.earlier.when.moment() else { return false };
        begin <= moment && self.earlier.what.lasts_s().is_none_or(|lasts_s| moment.0 < begin.0 + lasts_s)
    }

    fn until(&self) -> String {
        let end = self.earlier.when.moment().zip(self.earlier.what.lasts_s());
        end.map_or_else(
            || "for good".to_owned(),
            |(begin, lasts_s)| format!("until {}", text::iso(UnixSeconds(begin.0 + lasts_s))),
        )
    }

    fn name(&self, victim: Victim) -> &str {
        victim.name(self.cast)
    }
}

fn oracle_of(number: usize) -> Victim {
    Victim::Place(Place::Oracle(number))
}
