//! `[[oracle]]` and `[[vantage]]`: who measures, each by a name of its own.

use super::clocks;
use super::error::ScenarioError;
use super::reader::{Field, Table};

/// A place from which the service is probed, by its number in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// An oracle's own.
    Oracle(usize),
    /// A vantage elsewhere, which reports to every oracle.
    Vantage(usize),
}

/// Who measures. There is at least one oracle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cast {
    oracles: Vec<Member>,
    vantages: Vec<Member>,
    /// Whether the file names its oracles.
    named: bool,
}

/// One that measures.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    name: String,
    /// By how many milliseconds its clock is ahead.
    ahead_ms: Option<i64>,
}

/// The oracle of a scenario that names none.
const ONLY: &str = "oracle";

/// Names that mean something else in a scenario or in a run's story.
const RESERVED: [&str; 9] =
    ["provider", "buyer", "bitcoind", "local", "host", "target", "network", "chain", "message"];

/// The most of either kind: an agreement's most oracles.
const MAX_MEMBERS: usize = 15;

/// The longest name, in characters.
const MAX_NAME: usize = 20;

pub(super) fn read(root: &Table<'_>) -> Result<Cast, ScenarioError> {
    let mut taken: Vec<String> = RESERVED.map(str::to_owned).to_vec();
    let mut oracles = members(root, "oracle", &mut taken)?;
    let named = !oracles.is_empty();
    if !named {
        oracles.push(Member { name: ONLY.to_owned(), ahead_ms: None });
        taken.push(ONLY.to_owned());
    }
    let vantages = members(root, "vantage", &mut taken)?;
    Ok(Cast { oracles, vantages, named })
}

fn members(root: &Table<'_>, key: &str, taken: &mut Vec<String>) -> Result<Vec<Member>, ScenarioError> {
    let tables = root.tables(key)?;
    if tables.len() > MAX_MEMBERS {
        return Err(root.error_at(key, format!("must have at most {MAX_MEMBERS} entries")));
    }
    let mut members = Vec::new();
    for table in tables {
        let name = table.need("name")?;
        let member =
            Member { name: free_name(&name, taken)?, ahead_ms: table.read("clock", clocks::ahead_ms)? };
        table.close()?;
        taken.push(member.name.clone());
        members.push(member);
    }
    Ok(members)
}

/// A hyphen would make `north-oracle` two things.
fn free_name(field: &Field<'_>, taken: &[String]) -> Result<String, ScenarioError> {
    let name = field.text()?;
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !plain || !(1..=MAX_NAME).contains(&name.len()) {
        return Err(field.error(format!("must be 1 to {MAX_NAME} characters of a-z and 0-9")));
    }
    match taken.iter().any(|other| other == name) {
        true => Err(field.error("is the name of something else")),
        false => Ok(name.to_owned()),
    }
}

impl Cast {
    /// How many oracles there are.
    pub fn oracles(&self) -> usize {
        self.oracles.len()
    }

    /// How many vantages elsewhere there are.
    pub fn vantages(&self) -> usize {
        self.vantages.len()
    }

    /// Whether the file names its oracles; otherwise there is one, called `oracle`.
    pub fn names_oracles(&self) -> bool {
        self.named
    }

    /// Every place from which the service is probed: the oracles' own, then the vantages.
    pub fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let oracles = (0..self.oracles.len()).map(Place::Oracle);
        oracles.chain((0..self.vantages.len()).map(Place::Vantage))
    }

    /// Where a place stands among [`Cast::places`].
    pub fn index(&self, place: Place) -> usize {
        match place {
            Place::Oracle(number) => number,
            Place::Vantage(number) => self.oracles.len() + number,
        }
    }

    /// A place's name; no text for one that this scenario does not have.
    pub fn name(&self, place: Place) -> &str {
        self.member(place).map_or("", |member| &member.name)
    }

    /// The clocks of oracles and vantages that are wrong, in milliseconds ahead.
    pub(super) fn wrong_clocks(&self) -> impl Iterator<Item = (Place, i64)> {
        self.places().filter_map(|place| Some((place, self.member(place)?.ahead_ms?)))
    }

    /// The place that a field names.
    pub(super) fn place(&self, field: &Field<'_>) -> Result<Place, ScenarioError> {
        field.one_of(&self.words(self.places()))
    }

    /// The number of the oracle that a field names.
    pub(super) fn oracle(&self, field: &Field<'_>) -> Result<usize, ScenarioError> {
        let words: Vec<(&str, usize)> =
            (0..self.oracles()).map(|number| (self.name(Place::Oracle(number)), number)).collect();
        field.one_of(&words)
    }

    /// The places that a list names, each once.
    pub(super) fn some(&self, field: &Field<'_>) -> Result<Vec<Place>, ScenarioError> {
        let mut places = Vec::new();
        for entry in field.list(2 * MAX_MEMBERS)? {
            let place = self.place(&entry)?;
            if places.contains(&place) {
                return Err(entry.error("is named twice"));
            }
            places.push(place);
        }
        match places.is_empty() {
            true => Err(field.error("must name at least one")),
            false => Ok(places),
        }
    }

    fn words(&self, places: impl Iterator<Item = Place>) -> Vec<(&str, Place)> {
        places.map(|place| (self.name(place), place)).collect()
    }

    fn member(&self, place: Place) -> Option<&Member> {
        match place {
            Place::Oracle(number) => self.oracles.get(number),
            Place::Vantage(number) => self.vantages.get(number),
        }
    }
}
