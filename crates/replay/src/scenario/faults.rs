//! `[[fault]]`: what goes wrong with processes, the lines between them, and the chain.

use std::fmt;

use terms::{Measurement, UnixSeconds};

use super::chain::{self, ChainPlan};
use super::error::ScenarioError;
use super::phases::MAX_NOTE;
use super::reader::{Field, Table};
use super::words;
use crate::text;

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

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A process is killed with SIGKILL, and started again so many seconds later; without a number, never.
    Kill(Victim, Option<u64>),
    /// Nothing passes between two processes for so many seconds.
    Cut(Line, u64),
    /// So many blocks are replaced by one more, which are empty.
    Reorg(u32),
    /// The oracle's data folder becomes what it was at this moment, as when an old backup is brought back.
    SetBack(UnixSeconds),
    /// The mempool fills up with what others pay this rate for, in sat/vB, and takes nothing cheaper any more.
    FeeSpike(u64),
}

impl Happening {
    /// How long it lasts, in seconds, where it ends.
    pub fn lasts_s(self) -> Option<u64> {
        match self {
            Self::Kill(_, back_after_s) => back_after_s,
            Self::Cut(_, lasts_s) => Some(lasts_s),
            Self::Reorg(_) | Self::SetBack(_) | Self::FeeSpike(_) => None,
        }
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(..) => f.write_str("is killed"),
            Self::Cut(line, lasts_s) => {
                write!(f, "lets nothing pass between {line} for {}", text::length(*lasts_s))
            }
            Self::Reorg(depth) => {
                write!(f, "takes {} back", text::counted((*depth).into(), "block", "blocks"))
            }
            Self::FeeSpike(rate) => write!(f, "fills its mempool with what pays {rate} sat/vB"),
            Self::SetBack(to) => write!(f, "is set back to what it knew at {}", text::stamp(*to)),
        }
    }
}

/// A process that a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Victim {
    /// The oracle.
    Oracle,
    /// The provider's node.
    Provider,
    /// The buyer's node.
    Buyer,
    /// The Bitcoin node that both look at.
    Bitcoind,
}

impl Victim {
    /// The word for it in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Self::Oracle => "oracle",
            Self::Provider => "provider",
            Self::Buyer => "buyer",
            Self::Bitcoind => "bitcoind",
        }
    }
}

const VICTIMS: [(&str, Victim); 4] = [
    ("oracle", Victim::Oracle),
    ("provider", Victim::Provider),
    ("buyer", Victim::Buyer),
    ("bitcoind", Victim::Bitcoind),
];

/// What two processes reach each other by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Line {
    /// What the two nodes say to each other.
    BuyerProvider,
    /// What a node asks the oracle.
    ToOracle(Victim),
    /// What a node asks its Bitcoin node.
    ToBitcoind(Victim),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuyerProvider => f.write_str("buyer and provider"),
            Self::ToOracle(who) => write!(f, "{} and oracle", who.name()),
            Self::ToBitcoind(who) => write!(f, "{} and its Bitcoin node", who.name()),
        }
    }
}

const LINES: [(&str, Line); 5] = [
    ("buyer-provider", Line::BuyerProvider),
    ("buyer-oracle", Line::ToOracle(Victim::Buyer)),
    ("provider-oracle", Line::ToOracle(Victim::Provider)),
    ("buyer-bitcoind", Line::ToBitcoind(Victim::Buyer)),
    ("provider-bitcoind", Line::ToBitcoind(Victim::Provider)),
];

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

/// The deepest reorganisation.
const MAX_REORG: u64 = 20;

/// The rates of a fee spike, in sat/vB.
const FEE_SPIKE: std::ops::RangeInclusive<u64> = 5..=500;

/// The longest that something stays away or cut.
const MAX_S: u64 = 365 * 86_400;

const ONE_FAULT: &str = "must say what goes wrong with exactly one of kill, cut, reorg, set_back, fee_spike";

const ONE_MOMENT: &str = "must say when it begins with either at or when";

pub(super) fn read(
    root: &Table<'_>,
    measurement: &Measurement,
    chain: &ChainPlan,
) -> Result<Vec<Fault>, ScenarioError> {
    let starts = measurement.window.start.0.saturating_sub(chain.lead_s);
    let mut faults: Vec<Fault> = Vec::new();
    for table in root.tables("fault")? {
        let fault = fault(&table, starts)?;
        let last = faults.iter().rev().find_map(moment);
        if moment(&fault).is_some_and(|at| last.is_some_and(|last| at < last)) {
            return Err(table.error_at("at", "must not come before the fault above it"));
        }
        if let Some(rule) = meets_a_dead_one(&faults, &fault) {
            return Err(table.error_at("kill", rule));
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

/// A process can't be killed while it is dead.
fn meets_a_dead_one(before: &[Fault], fault: &Fault) -> Option<String> {
    let Happening::Kill(victim, _) = fault.what else { return None };
    let kills = before.iter().filter_map(|fault| match fault.what {
        Happening::Kill(who, back_after_s) if who == victim => Some((moment(fault), back_after_s)),
        _ => None,
    });
    for (at, back_after_s) in kills {
        let Some(back_after_s) = back_after_s else {
            return Some(format!("kills the {} again, which was never restarted", victim.name()));
        };
        let back = at.map(|at| at.0 + back_after_s);
        if back.zip(moment(fault)).is_some_and(|(back, at)| at.0 < back) {
            return Some(format!("kills the {} while it is dead", victim.name()));
        }
    }
    None
}

fn fault(table: &Table<'_>, starts: u64) -> Result<Fault, ScenarioError> {
    let at = table.read("at", |field| after_the_start(field, starts))?;
    let reached = table.read("when", reached)?;
    let when = match (at, reached) {
        (Some(at), None) => When::At(at),
        (None, Some(reached)) => reached,
        _ => return Err(table.error(ONE_MOMENT)),
    };
    let what = happening(table, at, starts)?;
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

fn happening(table: &Table<'_>, at: Option<UnixSeconds>, starts: u64) -> Result<Happening, ScenarioError> {
    let restart_after = table.read("restart_after", |field| chain::bounded(field, 1, MAX_S))?;
    let lasts = table.read("lasts", |field| chain::bounded(field, 1, MAX_S))?;
    let victim = table.read("kill", |field| field.one_of(&VICTIMS))?;
    let line = table.read("cut", |field| field.one_of(&LINES))?;
    let depth = table.read("reorg", |field| field.number(1..=MAX_REORG))?;
    let set_back = table.read("set_back", |field| after_the_start(field, starts))?;
    let rate = table.read("fee_spike", |field| field.number(FEE_SPIKE))?;
    let what = match (victim, line, depth, set_back) {
        (None, None, None, None) if rate.is_some() => Happening::FeeSpike(rate.unwrap_or_default()),
        _ if rate.is_some() => return Err(table.error(ONE_FAULT)),
        (Some(Victim::Bitcoind), None, None, None) if restart_after.is_none() => {
            return Err(table.error_at("restart_after", "is missing: nothing goes on without a Bitcoin node"));
        }
        (Some(victim), None, None, None) => Happening::Kill(victim, restart_after),
        (None, Some(line), None, None) => {
            Happening::Cut(line, lasts.ok_or_else(|| table.error_at("lasts", "is missing"))?)
        }
        (None, None, Some(depth), None) => Happening::Reorg(u32::try_from(depth).unwrap_or(1)),
        (None, None, None, Some(to)) => set_back_to(table, to, at)?,
        _ => return Err(table.error(ONE_FAULT)),
    };
    let is_kill = matches!(what, Happening::Kill(..));
    if restart_after.is_some() && !is_kill {
        return Err(table.error_at("restart_after", "needs kill"));
    }
    if lasts.is_some() && line.is_none() {
        return Err(table.error_at("lasts", "needs cut"));
    }
    Ok(what)
}

fn set_back_to(
    table: &Table<'_>,
    to: UnixSeconds,
    at: Option<UnixSeconds>,
) -> Result<Happening, ScenarioError> {
    match at {
        Some(at) if to < at => Ok(Happening::SetBack(to)),
        Some(_) => Err(table.error_at("set_back", "must come before at")),
        None => Err(table.error_at("at", "is missing: the moment at which it is set back")),
    }
}
