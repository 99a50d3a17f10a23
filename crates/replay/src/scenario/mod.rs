//! Scenario files: what is agreed, what happens, and what must be true at the end.
//!
//! [`Scenario::load`] turns a TOML file into types that cannot be wrong, or names file, line and
//! field. `docs/scenarios.md` describes every field for people who write scenarios.

pub(crate) mod agreement;
mod cast;
pub(crate) mod chain;
mod clocks;
mod error;
mod expect;
mod faults;
mod head;
pub(crate) mod measure;
pub(crate) mod phases;
mod reach;
pub(crate) mod reader;
#[cfg(test)]
mod schema;
mod stored;
pub(crate) mod words;

use std::path::Path;

use terms::{Measurement, UnixSeconds};

pub use agreement::Deal;
pub use cast::{Cast, Place};
pub use chain::ChainPlan;
pub use clocks::Clocks;
pub use error::ScenarioError;
pub use expect::{Expect, ExpectedOutcome, ExpectedWord};
pub use faults::{Fault, Happening, Line, Says, Victim, When};
pub use head::Head;
pub use phases::{Condition, Delivery, Phase};
pub use reach::{CertificateFault, DnsFailure};
use reader::{Source, Table};
pub use stored::{ExpectedReceipts, Party, Receipts, StoredEvent};

/// The format as a JSON Schema, for editors. A test holds it and the reader to the same fields.
pub const SCHEMA: &str = include_str!("../../../../docs/scenario.schema.json");

/// One scenario, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The file's name without its ending.
    pub name: String,
    /// The story in a line.
    pub title: String,
    /// Where the timeline is published, for a real outage.
    pub source: Option<String>,
    /// What the reader should know, such as which figures are estimates.
    pub notes: Option<String>,
    /// Who measures.
    pub cast: Cast,
    /// What the parties agree about, all but their keys.
    pub deal: Deal,
    /// What the oracle measures, complete.
    pub measurement: Measurement,
    /// What the target answers when nothing is wrong.
    pub body: Vec<u8>,
    /// What goes wrong with the target or the oracle's connection, ascending and disjoint.
    pub phases: Vec<Phase>,
    /// When the delivery is there; `None` when it never comes, or nothing is to be delivered.
    pub delivery: Option<Delivery>,
    /// What goes wrong with processes, lines and chain.
    pub faults: Vec<Fault>,
    /// Whose clocks are wrong.
    pub clocks: Clocks,
    /// How the chain and the nodes keep time.
    pub chain: ChainPlan,
    /// What must be true at the end.
    pub expect: Expect,
}

impl Scenario {
    /// Reads and checks a file about two parties.
    ///
    /// # Errors
    /// Names the file, the line and the field with the rule that it breaks.
    pub fn load(file: &Path) -> Result<Self, ScenarioError> {
        with_text(file, Self::parse)
    }

    /// Checks such a file's text.
    ///
    /// # Errors
    /// As [`Scenario::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScenarioError> {
        with_root(text, file, read)
    }

    /// The moment at which simulated time starts: before the window, so that the contract can be funded.
    pub fn starts(&self) -> UnixSeconds {
        UnixSeconds(self.measurement.window.start.0 - self.chain.lead_s)
    }

    /// The moment at which the oracle may sign.
    pub fn maturity(&self) -> UnixSeconds {
        UnixSeconds(self.measurement.window.end.0 + self.chain.publication_delay_s)
    }

    /// So many seconds after its end a slice waits for what vantages elsewhere report: the oracle's own default.
    pub fn vantage_grace_s(&self) -> u64 {
        self.chain.publication_delay_s / 2
    }

    /// The moment at which the replay gives up: long after even a refund is final.
    pub fn gives_up(&self) -> UnixSeconds {
        let refund = self.maturity().0 + self.deal.refund_delay_s;
        // Median time past trails the tip by up to eleven blocks; then come the confirmations.
        let blocks = 24 + u64::from(self.chain.confirmations);
        UnixSeconds(refund + blocks * self.chain.block_every_s + 4 * self.chain.poll_every_s)
    }
}

/// Reads a file's text, and does something with it.
pub(crate) fn with_text<T>(
    file: &Path,
    parse: impl FnOnce(&str, &Path) -> Result<T, ScenarioError>,
) -> Result<T, ScenarioError> {
    let bytes =
        std::fs::read(file).map_err(|source| ScenarioError::Read { file: file.to_owned(), source })?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => parse(text, file),
        Err(error) => {
            let readable = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            Err(Source { file, text: readable }.error(readable.len(), "file", "is not UTF-8"))
        }
    }
}

/// Reads a text as a table, and refuses what nobody took of it.
pub(crate) fn with_root<T>(
    text: &str,
    file: &Path,
    read: impl FnOnce(&Table<'_>, &Path) -> Result<T, ScenarioError>,
) -> Result<T, ScenarioError> {
    let source = Source { file, text };
    let entries = source.parse()?;
    let root = Table::root(source, &entries);
    let whole = read(&root, file)?;
    root.close()?;
    Ok(whole)
}

pub(crate) fn read(root: &Table<'_>, file: &Path) -> Result<Scenario, ScenarioError> {
    let Head { name, title, source, notes } = Head::read(root, file)?;
    let cast = cast::read(root)?;
    let agreement = root.need("agreement")?.table()?;
    let preset = agreement::preset(&agreement)?;
    let measured = measure::read(root.need("measurement")?.table()?, preset.as_ref(), &cast)?;
    let deal = agreement::read(agreement, preset.as_ref(), &measured.measurement, &cast)?;
    let chain = chain::read(root.read("chain", |field| field.table())?, &measured.measurement)?;
    let (phases, delivery) = phases::phases(root, &measured, &cast)?;
    let faults = faults::read(root, &measured.measurement, &chain, &cast, deal.bond_sat)?;
    let clocks = clocks::read(root.read("clocks", |field| field.table())?, &cast)?;
    let expect = expect::read(root.need("expect")?.table()?, &measured.measurement, &cast)?;
    Ok(Scenario {
        name,
        title,
        source,
        notes,
        cast,
        deal,
        measurement: measured.measurement,
        body: measured.body,
        phases,
        delivery,
        faults,
        clocks,
        chain,
        expect,
    })
}
