//! `[[market.provider.timeline]]`: when a provider's service fails.

use std::fmt;

use terms::units::PPM_WHOLE;
use terms::{Measurement, Ppm, TimeRange, UnixSeconds};

use crate::scenario::ScenarioError;
use crate::scenario::phases::{MAX_NOTE, on_grid};
use crate::scenario::reader::Table;
use crate::text;

/// A stretch of time in which a service fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When; begins and ends with a probe's slot.
    pub range: TimeRange,
    /// The share of its requests that fail, spread evenly; all of them where it is down.
    pub share: Ppm,
    /// In the words of the scenario's author.
    pub note: Option<String>,
}

impl Outage {
    /// Whether it answers nobody.
    pub fn is_down(&self) -> bool {
        self.share.0 == PPM_WHOLE
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_down() {
            true => f.write_str("closes every connection"),
            false => write!(f, "{} of the requests fail", text::percent(self.share.0)),
        }
    }
}

/// The outages of one provider, ascending and disjoint.
pub(super) fn read(provider: &Table<'_>, grid: &Measurement) -> Result<Vec<Outage>, ScenarioError> {
    let mut outages: Vec<Outage> = Vec::new();
    for table in provider.tables("timeline")? {
        let last = outages.last().map(|outage| outage.range.end);
        outages.push(outage(table, grid, last)?);
    }
    Ok(outages)
}

fn outage(table: Table<'_>, grid: &Measurement, last: Option<UnixSeconds>) -> Result<Outage, ScenarioError> {
    let start = on_grid(&table.need("from")?, grid)?;
    let end = on_grid(&table.need("until")?, grid)?;
    if end <= start {
        return Err(table.error_at("until", "must come after from"));
    }
    if last.is_some_and(|last| start < last) {
        return Err(table.error_at("from", "must not come before the end of the outage above it"));
    }
    let down = table.read("down", |field| field.boolean())?.filter(|down| *down);
    let share = table.read("error_share_ppm", |field| field.number(1..=PPM_WHOLE - 1))?;
    let share = match (down, share) {
        (Some(_), None) => PPM_WHOLE,
        (None, Some(share)) => share,
        _ => return Err(table.error("must say what is wrong with exactly one of down and error_share_ppm")),
    };
    let note = table.read("note", |field| field.line_of_text(MAX_NOTE))?;
    table.close()?;
    Ok(Outage { range: TimeRange { start, end }, share: Ppm(share), note })
}
