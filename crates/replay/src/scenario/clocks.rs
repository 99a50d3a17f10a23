//! `[clocks]`: whose clock is wrong, and by how much.

use super::cast::{Cast, Place};
use super::error::ScenarioError;
use super::faults::Victim;
use super::reader::{Field, Table};
use super::words;

/// By how many milliseconds each process' clock is ahead, or behind where that is negative; those that are right are left
/// out. It is so for the whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clocks(Vec<(Victim, i64)>);

impl Clocks {
    /// Those that are wrong.
    pub fn wrong(&self) -> &[(Victim, i64)] {
        &self.0
    }
}

/// An hour: beyond that no two processes would talk to each other, and there is nothing to replay.
const MAX_MS: u64 = 3_600_000;

pub(super) fn read(table: Option<Table<'_>>, cast: &Cast) -> Result<Clocks, ScenarioError> {
    let mut wrong: Vec<(Victim, i64)> =
        cast.wrong_clocks().map(|(place, ahead_ms)| (Victim::Place(place), ahead_ms)).collect();
    let Some(table) = table else { return Ok(Clocks(wrong)) };
    if cast.names_oracles() && table.has("oracle") {
        return Err(table.error_at("oracle", "is one of several here: say clock in its [[oracle]]"));
    }
    let victims = [
        ("oracle", Victim::Place(Place::Oracle(0))),
        ("provider", Victim::Provider),
        ("buyer", Victim::Buyer),
    ];
    for (key, victim) in victims {
        if let Some(ahead_ms) = table.read(key, ahead_ms)? {
            wrong.push((victim, ahead_ms));
        }
    }
    table.close()?;
    Ok(Clocks(wrong))
}

pub(super) fn ahead_ms(field: &Field<'_>) -> Result<i64, ScenarioError> {
    let rule = || field.error("must be such as \"30s ahead\" or \"2m behind\", at most an hour");
    let text = field.text()?;
    let (length, direction) = text.rsplit_once(' ').ok_or_else(rule)?;
    let ms = words::duration_ms(length).map_err(|_| rule())?;
    let ms = i64::try_from(ms).ok().filter(|_| (1..=MAX_MS).contains(&ms)).ok_or_else(rule)?;
    match direction {
        "ahead" => Ok(ms),
        "behind" => Ok(-ms),
        _ => Err(rule()),
    }
}
