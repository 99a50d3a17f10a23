//! `[[market.buyer]]`: what a buyer's agent wants, values, and may pay.

use protocol::{BuyerStrategy, Concession};
use terms::Sat;

use super::party::{Expected, Manner, Names, limits};
use super::{Limits, Market};
use crate::scenario::ScenarioError;
use crate::scenario::agreement::MAX_SAT;
use crate::scenario::reader::Table;

/// The most windows that one buyer wants.
const MAX_WANTS: u64 = 32;

/// One buyer and its agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// Its name, which is its process' name too.
    pub name: String,
    /// So many windows it wants to buy.
    pub wants: u64,
    /// What a window of each provider's service is worth to it, by the providers' numbers; of others it wants none.
    pub worth: Vec<(usize, Sat)>,
    /// The most that it pays for a window, whatever it is worth.
    pub maximum_sat: Sat,
    /// What it proposes first; left out, the least that an offer lets anybody propose.
    pub opening_sat: Option<Sat>,
    /// How it goes from the first price to the last.
    pub concession: Concession,
    /// After how many counters it stops, where that is earlier than the offer says.
    pub rounds: Option<u64>,
    /// What its steps are drawn from.
    pub seed: u64,
    /// What its node lets its agent do.
    pub mandate: Limits,
    /// What it must have at the end.
    pub expected: Expected,
}

pub(super) fn read(
    table: Table<'_>,
    market: &Market,
    all: &Limits,
    names: &mut Names,
) -> Result<Buyer, ScenarioError> {
    let Manner { concession, rounds, seed } = Manner::read(&table)?;
    let expect = table.need("expect")?.table()?;
    let buyer = Buyer {
        name: names.take(&table)?,
        wants: table.need("wants")?.number(1..=MAX_WANTS)?,
        worth: worth(&table, market)?,
        maximum_sat: Sat(table.need("maximum_sat")?.number(1..=MAX_SAT)?),
        opening_sat: table.read("opening_sat", |field| field.number(1..=MAX_SAT))?.map(Sat),
        concession,
        rounds,
        seed,
        mandate: limits(&table, all)?,
        expected: Expected::read(&expect)?,
    };
    expect.close()?;
    if buyer.opening_sat.is_some_and(|opening| opening > buyer.maximum_sat) {
        return Err(table.error_at("opening_sat", "must be at most maximum_sat"));
    }
    table.close()?;
    Ok(buyer)
}

fn worth(table: &Table<'_>, market: &Market) -> Result<Vec<(usize, Sat)>, ScenarioError> {
    let numbers: Vec<(&str, usize)> =
        market.providers.iter().enumerate().map(|(number, one)| (one.name.as_str(), number)).collect();
    let mut worth: Vec<(usize, Sat)> = Vec::new();
    for entry in table.need("worth")?.tables()? {
        let provider = entry.need("provider")?;
        let number = provider.one_of(&numbers)?;
        if worth.iter().any(|(other, _)| *other == number) {
            return Err(provider.error("is named twice"));
        }
        worth.push((number, Sat(entry.need("sat")?.number(1..=MAX_SAT)?)));
        entry.close()?;
    }
    Ok(worth)
}

impl Buyer {
    /// What a window of a provider's service is worth to it.
    pub fn worth_of(&self, provider: usize) -> Option<Sat> {
        self.worth.iter().find(|(number, _)| *number == provider).map(|(_, sat)| *sat)
    }

    /// How it negotiates about something of this worth: never for more than that, nor for more than it pays at most.
    pub fn strategy(&self, worth: Sat) -> BuyerStrategy {
        let maximum_sat = self.maximum_sat.min(worth);
        BuyerStrategy {
            opening_sat: self.opening_sat.map(|opening| opening.min(maximum_sat)),
            maximum_sat,
            concession: self.concession,
            rounds: self.rounds,
            seed: Some(self.seed),
        }
    }
}
