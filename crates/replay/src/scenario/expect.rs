//! `[expect]`: what must be true at the end, as literals worked out by hand.

use terms::{Measurement, OutcomeValue, Sat, Scale};

use super::cast::Cast;
use super::error::ScenarioError;
use super::reader::{Field, Table};
use super::stored::{self, Receipts, StoredEvent};

/// What must be true at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// How the contract ends.
    pub outcome: ExpectedOutcome,
    /// What the closing transaction pays the provider, before fees.
    pub provider_sat: Sat,
    /// What it pays the buyer, before fees.
    pub buyer_sat: Sat,
    /// The state that the provider's node ends in, where the file says so.
    pub provider: Option<String>,
    /// The state that the buyer's node ends in, where the file says so.
    pub buyer: Option<String>,
    /// Events that the nodes have stored, each node's in this order, whatever else came between them.
    pub events: Vec<StoredEvent>,
    /// Events that no node has stored.
    pub never: Vec<StoredEvent>,
    /// What the nodes' receipts come to.
    pub receipts: Receipts,
    /// What both nodes, as far as they live, raise an alarm about, by the alarms' names.
    pub alarms: Vec<&'static str>,
    /// What single oracles attest, by their numbers, where the file says so.
    pub oracles: Vec<(usize, ExpectedWord)>,
}

/// What one oracle says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedWord {
    /// It attests a number in the scale's unit.
    Value(OutcomeValue),
    /// It attests that it could not measure enough.
    Indeterminate,
    /// Nobody hears an attestation of it.
    Nothing,
}

/// How a contract ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedOutcome {
    /// The oracle attests a number in the scale's unit.
    Value(OutcomeValue),
    /// The oracle attests that it could not measure enough.
    Indeterminate,
    /// The oracle attests nothing, and both take back what they put in.
    Refunded,
    /// The contract is never funded, and nothing is paid.
    Cancelled,
}

/// What a node can raise an alarm about, as `earnest alarms` and the API name it.
const ALARMS: [(&str, &str); 3] = [
    ("equivocation", "equivocation"),
    ("changed_announcement", "changed_announcement"),
    ("unknown_spend", "unknown_spend"),
];

/// The states a node can end in.
const STATES: [(&str, &str); 5] = [
    ("settled", "settled"),
    ("refunded", "refunded"),
    ("cancelled", "cancelled"),
    ("measuring", "measuring"),
    ("offline", "offline"),
];

const ONE_OUTCOME: &str = "must say how it ends with exactly one of outcome_ppm, outcome, indeterminate = true, refunded = true, \
     cancelled = true";

const ONE_WORD: &str =
    "must say what it attests with exactly one of outcome_ppm, outcome, indeterminate = true, nothing = true";

pub(super) fn read(
    table: Table<'_>,
    measurement: &Measurement,
    cast: &Cast,
) -> Result<Expect, ScenarioError> {
    let outcome = outcome(&table, measurement)?;
    let most = terms::units::MAX_NUMBER;
    let expect = Expect {
        outcome,
        provider_sat: Sat(table.need("provider_sat")?.number(0..=most)?),
        buyer_sat: Sat(table.need("buyer_sat")?.number(0..=most)?),
        provider: table.read("provider", |field| field.one_of(&STATES))?.map(str::to_owned),
        buyer: table.read("buyer", |field| field.one_of(&STATES))?.map(str::to_owned),
        events: table.read("events", stored::events)?.unwrap_or_default(),
        never: table.read("never", stored::events)?.unwrap_or_default(),
        receipts: table.read("receipts", stored::receipts)?.unwrap_or_default(),
        alarms: table.read("alarms", alarms)?.unwrap_or_default(),
        oracles: oracles(&table, measurement, cast)?,
    };
    if expect.outcome == ExpectedOutcome::Cancelled && (expect.provider_sat.0, expect.buyer_sat.0) != (0, 0) {
        return Err(
            table.error("must expect 0 sat for both where the contract is cancelled: nothing was locked")
        );
    }
    table.close()?;
    Ok(expect)
}

fn alarms(field: &Field<'_>) -> Result<Vec<&'static str>, ScenarioError> {
    field.list(ALARMS.len())?.iter().map(|entry| entry.one_of(&ALARMS)).collect()
}

fn oracles(
    table: &Table<'_>,
    measurement: &Measurement,
    cast: &Cast,
) -> Result<Vec<(usize, ExpectedWord)>, ScenarioError> {
    let mut oracles: Vec<(usize, ExpectedWord)> = Vec::new();
    for entry in table.tables("oracle")? {
        let name = entry.need("name")?;
        let number = cast.oracle(&name)?;
        if oracles.iter().any(|(other, _)| *other == number) {
            return Err(name.error("is named twice"));
        }
        oracles.push((number, word(&entry, measurement)?));
        entry.close()?;
    }
    Ok(oracles)
}

fn word(table: &Table<'_>, measurement: &Measurement) -> Result<ExpectedWord, ScenarioError> {
    let flag = |key| table.read(key, |field| field.boolean()).map(|said| said.filter(|yes| *yes));
    let said: Vec<ExpectedWord> = [
        value(table, measurement)?.map(ExpectedWord::Value),
        flag("indeterminate")?.map(|_| ExpectedWord::Indeterminate),
        flag("nothing")?.map(|_| ExpectedWord::Nothing),
    ]
    .into_iter()
    .flatten()
    .collect();
    match said.as_slice() {
        [word] => Ok(*word),
        _ => Err(table.error(ONE_WORD)),
    }
}

/// The number that is attested, in ppm or in whatever unit the scale has.
fn value(table: &Table<'_>, measurement: &Measurement) -> Result<Option<OutcomeValue>, ScenarioError> {
    let (unit, max) = match &measurement.outcome {
        Scale::Numeric(scale) => (scale.unit.as_str(), scale.max.0),
        Scale::Enum(_) => ("level", 0),
    };
    if unit != "ppm" && table.has("outcome_ppm") {
        return Err(table.error_at("outcome_ppm", format!("the outcome is in {unit}; write outcome = ...")));
    }
    let number = |key| table.read(key, |field| field.number(0..=max)).map(|n| n.map(OutcomeValue));
    match (number("outcome_ppm")?, number("outcome")?) {
        (Some(_), Some(_)) => Err(table.error_at("outcome", "is said already, in outcome_ppm")),
        (ppm, other) => Ok(ppm.or(other)),
    }
}

fn outcome(table: &Table<'_>, measurement: &Measurement) -> Result<ExpectedOutcome, ScenarioError> {
    let flag = |key| table.read(key, |field| field.boolean());
    let said: Vec<ExpectedOutcome> = [
        value(table, measurement)?.map(ExpectedOutcome::Value),
        flag("indeterminate")?.filter(|yes| *yes).map(|_| ExpectedOutcome::Indeterminate),
        flag("refunded")?.filter(|yes| *yes).map(|_| ExpectedOutcome::Refunded),
        flag("cancelled")?.filter(|yes| *yes).map(|_| ExpectedOutcome::Cancelled),
    ]
    .into_iter()
    .flatten()
    .collect();
    match said.as_slice() {
        [outcome] => Ok(*outcome),
        _ => Err(table.error(ONE_OUTCOME)),
    }
}
