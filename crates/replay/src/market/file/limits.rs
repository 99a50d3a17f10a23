//! Mandates: what a party's node lets its agent do.

use crate::scenario::ScenarioError;
use crate::scenario::agreement::MAX_SAT;
use crate::scenario::reader::Table;

/// The ceilings that a mandate must have.
const MUST: [&str; 3] = ["max_contract_sat", "max_locked_sat", "max_per_counterparty_sat"];

/// Those that it may have.
const MAY: [&str; 5] = [
    "max_price_sat",
    "max_bond_sat",
    "max_at_risk_per_service_sat",
    "max_committed_per_hour_sat",
    "max_committed_per_day_sat",
];

/// Limits by the names that a node's configuration has for them, in satoshis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(Vec<(&'static str, u64)>);

impl Limits {
    /// Those that a table gives.
    pub(super) fn read(table: &Table<'_>) -> Result<Self, ScenarioError> {
        let mut limits = Vec::new();
        for name in MUST.into_iter().chain(MAY) {
            if let Some(sat) = table.read(name, |field| field.number(0..=MAX_SAT))? {
                limits.push((name, sat));
            }
        }
        Ok(Self(limits))
    }

    /// Whether all ceilings are there without which no node starts.
    pub(super) fn check(&self, market: &Table<'_>) -> Result<(), ScenarioError> {
        let missing = MUST.into_iter().find(|name| self.0.iter().all(|(given, _)| given != name));
        match missing {
            None => Ok(()),
            Some(name) => Err(market.error_at("mandate", format!("must set {name}"))),
        }
    }

    /// The same with what another table says instead.
    pub(super) fn but_for(&self, own: &Self) -> Self {
        let kept = self.0.iter().filter(|(name, _)| own.0.iter().all(|(given, _)| given != name));
        Self(own.0.iter().chain(kept).copied().collect())
    }

    /// As the lines of a node's `[mandate]`.
    pub fn lines(&self) -> String {
        self.0.iter().map(|(name, sat)| format!("{name} = {sat}\n")).collect()
    }
}
