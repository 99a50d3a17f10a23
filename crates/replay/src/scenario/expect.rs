//! `[expect]`: what must be true at the end, as literals worked out by hand.

use terms::{Measurement, OutcomeValue, Sat, Scale};

use super::error::ScenarioError;
use super::reader::{Field, Table};

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
    /// What both nodes, as far as they live, raise an alarm about, by the alarms' names.
    pub alarms: Vec<&'static str>,
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

pub(super) fn read(table: Table<'_>, measurement: &Measurement) -> Result<Expect, ScenarioError> {
    let outcome = outcome(&table, measurement)?;
    let most = terms::units::MAX_NUMBER;
    let expect = Expect {
        outcome,
        provider_sat: Sat(table.need("provider_sat")?.number(0..=most)?),
        buyer_sat: Sat(table.need("buyer_sat")?.number(0..=most)?),
        provider: table.read("provider", |field| field.one_of(&STATES))?.map(str::to_owned),
        buyer: table.read("buyer", |field| field.one_of(&STATES))?.map(str::to_owned),
        alarms: table.read("alarms", alarms)?.unwrap_or_default(),
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
