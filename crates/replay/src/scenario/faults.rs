//! `[[fault]]`: what goes wrong with processes, the lines between them, and the chain.

mod happening;
mod hit;
mod overlaps;
mod when;

use terms::{Measurement, Sat};

use super::cast::Cast;
use super::chain::ChainPlan;
use super::error::ScenarioError;
use super::phases::MAX_NOTE;
use super::reader::Table;
pub use happening::{Happening, Says};
pub use hit::{Line, Victim};
pub use when::When;

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

pub(super) fn read(
    root: &Table<'_>,
    measurement: &Measurement,
    chain: &ChainPlan,
    cast: &Cast,
    bond: Sat,
) -> Result<Vec<Fault>, ScenarioError> {
    let starts = measurement.window.start.0.saturating_sub(chain.lead_s);
    let mut faults: Vec<Fault> = Vec::new();
    for table in root.tables("fault")? {
        let fault = fault(&table, starts, cast, bond)?;
        let last = faults.iter().rev().find_map(|fault| fault.when.moment());
        if fault.when.moment().is_some_and(|at| last.is_some_and(|last| at < last)) {
            return Err(table.error_at("at", "must not come before the fault above it"));
        }
        if let Some((field, rule)) = overlaps::found(&faults, &fault, cast) {
            return Err(table.error_at(field, rule));
        }
        if begins_inside_a_slot(&fault, measurement) {
            return Err(table
                .error_at("at", "must be the begin of a probe's slot, so that what it sees can be counted"));
        }
        table.close()?;
        faults.push(fault);
    }
    Ok(faults)
}

/// A liar's probes are counted like those of a phase.
fn begins_inside_a_slot(fault: &Fault, measurement: &Measurement) -> bool {
    let into_s = fault.when.moment().and_then(|at| at.0.checked_sub(measurement.window.start.0));
    let is_lie = matches!(fault.what, Happening::Lie(..));
    is_lie && into_s.is_some_and(|into_s| !(into_s * 1000).is_multiple_of(measurement.probe_every_ms))
}

fn fault(table: &Table<'_>, starts: u64, cast: &Cast, bond: Sat) -> Result<Fault, ScenarioError> {
    let when = when::read(table, starts, bond)?;
    let what = happening::read(table, starts, cast)?;
    fits(table, what, &when)?;
    let note = table.read("note", |field| field.line_of_text(MAX_NOTE))?;
    Ok(Fault { when, what, note })
}

/// What must be known of its moment.
fn fits(table: &Table<'_>, what: Happening, when: &When) -> Result<(), ScenarioError> {
    match (what, when.moment()) {
        (Happening::SetBack(_, to), Some(at)) if to >= at => {
            Err(table.error_at("set_back", "must come before at"))
        }
        (Happening::SetBack(..), None) => {
            Err(table.error_at("at", "is missing: the moment at which it is set back"))
        }
        (Happening::Lie(..), None) => Err(table.error_at("at", "is missing: the moment from which it lies")),
        (Happening::Kill(Victim::Provider | Victim::Buyer, None), _)
            if when.message().is_some_and(before_it) =>
        {
            Err(table.error_at(
                "restart_after",
                "is missing: nothing is agreed before that, and nothing to replay",
            ))
        }
        _ => Ok(()),
    }
}

/// Whether the purchase is not made yet when this is said.
fn before_it(message: &str) -> bool {
    matches!(message, "rfq" | "quote")
}
