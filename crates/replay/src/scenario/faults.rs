//! `[[fault]]`: what goes wrong with processes, the lines between them, and the chain.

mod happening;
mod hit;

use terms::{Measurement, UnixSeconds};

use super::cast::Cast;
use super::chain::ChainPlan;
use super::error::ScenarioError;
use super::phases::MAX_NOTE;
use super::reader::{Field, Table};
use super::words;
use crate::text;
pub use happening::{Happening, Says};
pub use hit::{Line, Victim};

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When.
    pub when: When,
    /// What.
    pub what: Happening,
    /// In the words of the scenario's author.
    pub note: Option<String>,
}

/// When a fault begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// At a moment.
    At(UnixSeconds),
    /// As soon as the replay sees the escrow in this state at this party.
    Reached {
        /// The party.
        who: Victim,
        /// The state's name.
        state: &'static str,
    },
    /// When the two nodes first say this to each other: it does not arrive.
    Said(&'static str),
}

impl When {
    /// In words.
    pub fn words(&self, cast: &Cast) -> String {
        match self {
            Self::At(at) => format!("at {}", text::stamp(*at)),
            Self::Reached { who, state } => format!("when it is {state} at the {}", who.name(cast)),
            Self::Said(message) => format!("when {message} is first said, which does not arrive"),
        }
    }
}

/// States in which an escrow stays long enough to be seen.
const STATES: [&str; 10] = [
    "agreed",
    "offered",
    "accepted",
    "signed",
    "funding_broadcast",
    "funded",
    "measuring",
    "attested",
    "cet_broadcast",
    "refund_broadcast",
];

/// What the two nodes say to each other, in its order.
const MESSAGES: [&str; 6] = ["rfq", "quote", "accept", "dlc_offer", "dlc_accept", "dlc_sign"];

const ONE_MOMENT: &str = "must say when it begins with either at or when";

pub(super) fn read(
    root: &Table<'_>,
    measurement: &Measurement,
    chain: &ChainPlan,
    cast: &Cast,
) -> Result<Vec<Fault>, ScenarioError> {
    let starts = measurement.window.start.0.saturating_sub(chain.lead_s);
    let mut faults: Vec<Fault> = Vec::new();
    for table in root.tables("fault")? {
        let fault = fault(&table, starts, cast)?;
        let last = faults.iter().rev().find_map(moment);
        if moment(&fault).is_some_and(|at| last.is_some_and(|last| at < last)) {
            return Err(table.error_at("at", "must not come before the fault above it"));
        }
        if let Some(rule) = meets_a_dead_one(&faults, &fault, cast) {
            return Err(table.error_at("kill", rule));
        }
        if begins_inside_a_slot(&fault, measurement) {
            return Err(table
                .error_at("at", "must be the begin of a probe's slot, so that what it sees can be counted"));
        }
        table.close()?;
        faults.push(fault);
    }
    Ok(faults)
}

fn moment(fault: &Fault) -> Option<UnixSeconds> {
    match fault.when {
        When::At(at) => Some(at),
        When::Reached { .. } | When::Said(_) => None,
    }
}

/// A liar's probes are counted like those of a phase.
fn begins_inside_a_slot(fault: &Fault, measurement: &Measurement) -> bool {
    let into_s = moment(fault).and_then(|at| at.0.checked_sub(measurement.window.start.0));
    let is_lie = matches!(fault.what, Happening::Lie(..));
    is_lie && into_s.is_some_and(|into_s| !(into_s * 1000).is_multiple_of(measurement.probe_every_ms))
}

/// A process can't be killed while it is dead.
fn meets_a_dead_one(before: &[Fault], fault: &Fault, cast: &Cast) -> Option<String> {
    let Happening::Kill(victim, _) = fault.what else { return None };
    let kills = before.iter().filter_map(|fault| match fault.what {
        Happening::Kill(who, back_after_s) if who == victim => Some((moment(fault), back_after_s)),
        _ => None,
    });
    for (at, back_after_s) in kills {
        let Some(back_after_s) = back_after_s else {
            return Some(format!("kills the {} again, which was never restarted", victim.name(cast)));
        };
        let back = at.map(|at| at.0 + back_after_s);
        if back.zip(moment(fault)).is_some_and(|(back, at)| at.0 < back) {
            return Some(format!("kills the {} while it is dead", victim.name(cast)));
        }
    }
    None
}

fn fault(table: &Table<'_>, starts: u64, cast: &Cast) -> Result<Fault, ScenarioError> {
    let at = table.read("at", |field| after_the_start(field, starts))?;
    let reached = table.read("when", reached)?;
    let when = match (at, reached) {
        (Some(at), None) => When::At(at),
        (None, Some(reached)) => reached,
        _ => return Err(table.error(ONE_MOMENT)),
    };
    let what = happening::read(table, starts, cast)?;
    fits(table, what, at)?;
    if matches!(when, When::Said(_)) && !matches!(what, Happening::Cut(Line::BuyerProvider, _)) {
        return Err(table.error_at("when", "a message needs cut = \"buyer-provider\""));
    }
    let note = table.read("note", |field| field.line_of_text(MAX_NOTE))?;
    Ok(Fault { when, what, note })
}

fn after_the_start(field: &Field<'_>, starts: u64) -> Result<UnixSeconds, ScenarioError> {
    let at = field.parse(words::moment)?;
    match at.0 < starts {
        true => {
            Err(field
                .error("must not come before simulated time starts (the window's start less chain.lead)"))
        }
        false => Ok(at),
    }
}

fn reached(field: &Field<'_>) -> Result<When, ScenarioError> {
    let rule = || {
        let (states, messages) = (STATES.join(", "), MESSAGES.join(", "));
        field.error(format!(
            "must be such as \"provider: funded\" or \"message: dlc_sign\"; states are {states}; messages {messages}"
        ))
    };
    let (who, what) = field.text()?.split_once(':').ok_or_else(rule)?;
    let among = |names: &[&'static str]| names.iter().find(|name| **name == what.trim()).copied();
    match who.trim() {
        "message" => among(&MESSAGES).map(When::Said),
        "provider" => among(&STATES).map(|state| When::Reached { who: Victim::Provider, state }),
        "buyer" => among(&STATES).map(|state| When::Reached { who: Victim::Buyer, state }),
        _ => None,
    }
    .ok_or_else(rule)
}

/// What must be known of its moment.
fn fits(table: &Table<'_>, what: Happening, at: Option<UnixSeconds>) -> Result<(), ScenarioError> {
    match (what, at) {
        (Happening::SetBack(_, to), Some(at)) if to >= at => {
            Err(table.error_at("set_back", "must come before at"))
        }
        (Happening::SetBack(..), None) => {
            Err(table.error_at("at", "is missing: the moment at which it is set back"))
        }
        (Happening::Lie(..), None) => Err(table.error_at("at", "is missing: the moment from which it lies")),
        _ => Ok(()),
    }
}
