//! What providers and buyers have in common: names, and what must be true of them at the end.

use std::collections::BTreeSet;

use protocol::Concession;
use protocol::negotiable::MAX_ROUNDS;
use terms::Sat;
use terms::units::MAX_NUMBER;

use super::limits::Limits;
use crate::scenario::ScenarioError;
use crate::scenario::agreement::MAX_SAT;
use crate::scenario::reader::Table;

/// Names that mean something else in a run: other processes, and those of a barrier.
const RESERVED: [&str; 7] = ["bitcoind", "chain", "directory", "host", "local", "oracle", "reference"];

/// The longest name, in characters.
const MAX_NAME: usize = 20;

/// What must be true of a party at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// In so many escrows.
    pub escrows: u64,
    /// What it locked in them, prices or bonds.
    pub locked_sat: Sat,
    /// What their closing transactions paid it, before fees.
    pub paid_out_sat: Sat,
}

impl Expected {
    pub(super) fn read(table: &Table<'_>) -> Result<Self, ScenarioError> {
        let sat = |key| table.need(key)?.number(0..=MAX_SAT).map(Sat);
        Ok(Self {
            escrows: table.need("escrows")?.number(0..=MAX_NUMBER)?,
            locked_sat: sat("locked_sat")?,
            paid_out_sat: sat("paid_out_sat")?,
        })
    }
}

/// The names that were given so far.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A party's name, which nothing else has.
    pub fn take(&mut self, table: &Table<'_>) -> Result<String, ScenarioError> {
        let field = table.need("name")?;
        let name = field.text()?;
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !plain || !(1..=MAX_NAME).contains(&name.len()) {
            return Err(field.error(format!("must be 1 to {MAX_NAME} characters of a-z and 0-9")));
        }
        if RESERVED.contains(&name) || !self.0.insert(name.to_owned()) {
            return Err(field.error("is the name of something else"));
        }
        Ok(name.to_owned())
    }
}

/// How a side concedes: its shape, its rounds, and what its steps are drawn from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub concession: Concession,
    pub rounds: Option<u64>,
    pub seed: u64,
}

impl Manner {
    pub fn read(table: &Table<'_>) -> Result<Self, ScenarioError> {
        let shapes = [
            ("fixed", Concession::Fixed),
            ("linear", Concession::Linear),
            ("boulware", Concession::Boulware),
        ];
        Ok(Self {
            concession: table.read("concession", |field| field.one_of(&shapes))?.unwrap_or_default(),
            rounds: table.read("rounds", |field| field.number(1..=MAX_ROUNDS))?,
            seed: table.read("seed", |field| field.number(0..=MAX_NUMBER))?.unwrap_or(0),
        })
    }
}

/// The market's limits with those of a party's own `mandate`.
pub(super) fn limits(table: &Table<'_>, all: &Limits) -> Result<Limits, ScenarioError> {
    let own = table.read("mandate", |field| {
        let table = field.table()?;
        let own = Limits::read(&table)?;
        table.close()?;
        Ok(own)
    })?;
    Ok(own.map_or_else(|| all.clone(), |own| all.but_for(&own)))
}
