//! What goes wrong, and how a scenario says it.

use terms::UnixSeconds;

use super::super::cast::{Cast, Place};
use super::super::chain;
use super::super::error::ScenarioError;
use super::super::reader::{Field, Table};
use super::hit::{Line, Victim};
use crate::text;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A process is killed with SIGKILL, and started again so many seconds later; without a number, never.
    Kill(Victim, Option<u64>),
    /// Nothing passes between two processes for so many seconds.
    Cut(Line, u64),
    /// A process has no space left on its disk for so many seconds.
    FullDisk(Victim, u64),
    /// The oracle of this number goes on, and no node gets a word from it for so many seconds; without a number, ever.
    Silent(usize, Option<u64>),
    /// From now on a place measures something of its own instead of the service.
    Lie(Place, Says),
    /// So many blocks are replaced by one more, which are empty.
    Reorg(u32),
    /// The data folder of the oracle of this number becomes what it was at this moment, as when an old backup is brought
    /// back.
    SetBack(usize, UnixSeconds),
    /// The mempool fills up with what others pay this rate for, in sat/vB, and takes nothing cheaper any more.
    FeeSpike(u64),
}

/// What a liar's own service makes it see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// All is well.
    Up,
    /// Nothing answers.
    Down,
}

impl Happening {
    /// How long it lasts, in seconds, where it ends.
    pub fn lasts_s(self) -> Option<u64> {
        match self {
            Self::Kill(_, lasts_s) | Self::Silent(_, lasts_s) => lasts_s,
            Self::Cut(_, lasts_s) | Self::FullDisk(_, lasts_s) => Some(lasts_s),
            Self::Lie(..) | Self::Reorg(_) | Self::SetBack(..) | Self::FeeSpike(_) => None,
        }
    }

    /// The lines on which nothing passes while it lasts.
    pub fn cuts(self) -> Vec<Line> {
        match self {
            Self::Cut(line, _) => vec![line],
            Self::Silent(oracle, _) => {
                [Victim::Provider, Victim::Buyer].map(|who| Line::ToOracle(who, oracle)).to_vec()
            }
            _ => Vec::new(),
        }
    }

    /// In words, as what somebody does or suffers.
    pub fn words(self, cast: &Cast) -> String {
        let lasting = |lasts_s: u64| format!("for {}", text::length(lasts_s));
        match self {
            Self::Kill(..) => "is killed".to_owned(),
            Self::Cut(line, lasts_s) => {
                format!("lets nothing pass between {} {}", line.words(cast), lasting(lasts_s))
            }
            Self::FullDisk(_, lasts_s) => format!("has no space left on its disk {}", lasting(lasts_s)),
            Self::Silent(_, lasts_s) => {
                format!("answers nobody, {}", lasts_s.map_or_else(|| "for good".to_owned(), lasting))
            }
            Self::Lie(_, Says::Up) => "lies: it probes a service of its own that is always up".to_owned(),
            Self::Lie(_, Says::Down) => "lies: it probes a service of its own that is always down".to_owned(),
            Self::Reorg(depth) => {
                format!("takes {} back", text::counted(depth.into(), "block", "blocks"))
            }
            Self::FeeSpike(rate) => format!("fills its mempool with what pays {rate} sat/vB"),
            Self::SetBack(_, to) => format!("is set back to what it knew at {}", text::stamp(to)),
        }
    }
}

/// The deepest reorganisation.
const MAX_REORG: u64 = 20;

/// The rates of a fee spike, in sat/vB.
const FEE_SPIKE: std::ops::RangeInclusive<u64> = 5..=500;

/// The longest that something stays away, cut or full.
const MAX_S: u64 = 365 * 86_400;

/// Fields that say more of what goes wrong, and with what they may stand.
const BELONGS: [(&str, &[&str]); 4] = [
    ("restart_after", &["kill"]),
    ("lasts", &["cut", "full_disk", "silent"]),
    ("says", &["lying"]),
    ("oracle", &["set_back"]),
];

const ONE_FAULT: &str = "must say what goes wrong with exactly one of kill, cut, full_disk, silent, lying, reorg, set_back, \
                         fee_spike";

pub(super) fn read(table: &Table<'_>, starts: u64, cast: &Cast) -> Result<Happening, ScenarioError> {
    let restart_after = table.read("restart_after", |field| chain::bounded(field, 1, MAX_S))?;
    let lasts = table.read("lasts", |field| chain::bounded(field, 1, MAX_S))?;
    let says = table.read("says", |field| field.one_of(&[("up", Says::Up), ("down", Says::Down)]))?;
    let oracle = table.read("oracle", |field| cast.oracle(field))?;
    let said: Vec<Happening> = [
        table.read("kill", |field| victim(field, cast))?.map(|who| Happening::Kill(who, restart_after)),
        table.read("cut", |field| line(field, cast))?.map(|line| Happening::Cut(line, lasts.unwrap_or(0))),
        table
            .read("full_disk", |field| storing(field, cast))?
            .map(|who| Happening::FullDisk(who, lasts.unwrap_or(0))),
        table.read("silent", |field| cast.oracle(field))?.map(|number| Happening::Silent(number, lasts)),
        table
            .read("lying", |field| cast.place(field))?
            .map(|place| Happening::Lie(place, says.unwrap_or(Says::Up))),
        table
            .read("reorg", |field| field.number(1..=MAX_REORG))?
            .map(|depth| Happening::Reorg(u32::try_from(depth).unwrap_or(1))),
        table
            .read("set_back", |field| super::when::after_the_start(field, starts))?
            .map(|to| Happening::SetBack(oracle.unwrap_or(0), to)),
        table.read("fee_spike", |field| field.number(FEE_SPIKE))?.map(Happening::FeeSpike),
    ]
    .into_iter()
    .flatten()
    .collect();
    match said.as_slice() {
        [what] => complete(table, *what, cast).map(|()| *what),
        _ => Err(table.error(ONE_FAULT)),
    }
}

fn victim(field: &Field<'_>, cast: &Cast) -> Result<Victim, ScenarioError> {
    field.one_of(&Victim::all(cast).map(|victim| (victim.name(cast), victim)).collect::<Vec<_>>())
}

/// One of those who store something of ours.
fn storing(field: &Field<'_>, cast: &Cast) -> Result<Victim, ScenarioError> {
    let ours = Victim::all(cast).filter(|victim| *victim != Victim::Bitcoind);
    field.one_of(&ours.map(|victim| (victim.name(cast), victim)).collect::<Vec<_>>())
}

fn line(field: &Field<'_>, cast: &Cast) -> Result<Line, ScenarioError> {
    let lines = Line::all(cast);
    field.one_of(&lines.iter().map(|(word, line)| (word.as_str(), *line)).collect::<Vec<_>>())
}

/// What a fault needs is there, and nothing that belongs to another.
fn complete(table: &Table<'_>, what: Happening, cast: &Cast) -> Result<(), ScenarioError> {
    let stray = BELONGS.iter().find(|(key, with)| table.has(key) && !with.iter().any(|word| table.has(word)));
    if let Some((key, with)) = stray {
        return Err(table.error_at(key, format!("needs {}", with.join(" or "))));
    }
    let missing = match what {
        Happening::Kill(Victim::Bitcoind, None) => {
            Some(("restart_after", "is missing: nothing goes on without a Bitcoin node"))
        }
        Happening::Cut(..) | Happening::FullDisk(..) if !table.has("lasts") => Some(("lasts", "is missing")),
        Happening::Lie(..) if !table.has("says") => Some(("says", "is missing: \"up\" or \"down\"")),
        Happening::SetBack(..) if cast.oracles() > 1 && !table.has("oracle") => {
            Some(("oracle", "is missing: which of them"))
        }
        _ => None,
    };
    missing.map_or(Ok(()), |(key, rule)| Err(table.error_at(key, rule)))
}
