//! `[expect]`: what must be true at the end, as literals worked out by hand.

use terms::{Measurement, OutcomeValue, Sat, Scale};

use super::error::ScenarioError;
use super::reader::Table;

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
}

/// The states a node can end in.
const STATES: [(&str, &str); 5] = [
    ("settled", "settled"),
    ("refunded", "refunded"),
    ("cancelled", "cancelled"),
    ("measuring", "measuring"),
    ("offline", "offline"),
];

const ONE_OUTCOME: &str =
    "must say how it ends with exactly one of outcome_ppm, outcome, indeterminate = true, refunded = true";

pub(super) fn read(table: Table<'_>, measurement: &Measurement) -> Result<Expect, ScenarioError> {
    let outcome = outcome(&table, measurement)?;
    let most = terms::units::MAX_NUMBER;
    let expect = Expect {
        outcome,
        provider_sat: Sat(table.need("provider_sat")?.number(0..=most)?),
        buyer_sat: Sat(table.need("buyer_sat")?.number(0..=most)?),
        provider: table.read("provider", |field| field.one_of(&STATES))?.map(str::to_owned),
        buyer: table.read("buyer", |field| field.one_of(&STATES))?.map(str::to_owned),
    };
    table.close()?;
    Ok(expect)
}

fn outcome(table: &Table<'_>, measurement: &Measurement) -> Result<ExpectedOutcome, ScenarioError> {
    let (unit, max) = match &measurement.outcome {
        Scale::Numeric(scale) => (scale.unit.as_str(), scale.max.0),
        Scale::Enum(_) => ("level", 0),
    };
    if unit != "ppm" && table.has("outcome_ppm") {
        return Err(table.error_at("outcome_ppm", format!("the outcome is in {unit}; write outcome = ...")));
    }
    let number = |key| table.read(key, |field| field.number(0..=max)).map(|n| n.map(OutcomeValue));
    let flag = |key| table.read(key, |field| field.boolean());
    let said: Vec<ExpectedOutcome> = [
        number("outcome_ppm")?.map(ExpectedOutcome::Value),
        number("outcome")?.map(ExpectedOutcome::Value),
        flag("indeterminate")?.filter(|yes| *yes).map(|_| ExpectedOutcome::Indeterminate),
        flag("refunded")?.filter(|yes| *yes).map(|_| ExpectedOutcome::Refunded),
    ]
    .into_iter()
    .flatten()
    .collect();
    match said.as_slice() {
        [outcome] => Ok(*outcome),
        _ => Err(table.error(ONE_OUTCOME)),
    }
}
