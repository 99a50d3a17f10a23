//! A scenario file of either kind: two parties with one escrow, or a market of many.

use std::path::Path;

use crate::market::{self, Market};
use crate::scenario::reader::Table;
use crate::scenario::{self, Scenario, ScenarioError};

/// What a scenario file holds. The second is told by its `[market]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Play {
    /// Two parties, one escrow.
    Pair(Box<Scenario>),
    /// Many parties, and as many escrows as they agree about.
    Market(Box<Market>),
}

impl Play {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Names the file, the line and the field with the rule that it breaks.
    pub fn load(file: &Path) -> Result<Self, ScenarioError> {
        scenario::with_text(file, Self::parse)
    }

    /// Checks a file's text.
    ///
    /// # Errors
    /// As [`Play::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScenarioError> {
        scenario::with_root(text, file, read)
    }
}

fn read(root: &Table<'_>, file: &Path) -> Result<Play, ScenarioError> {
    if root.has("market") {
        market::read(root, file).map(Box::new).map(Play::Market)
    } else {
        scenario::read(root, file).map(Box::new).map(Play::Pair)
    }
}
