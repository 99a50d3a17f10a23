//! What stands at the top of every scenario.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::ScenarioError;
use super::reader::Table;

/// The longest title or source, in characters.
const MAX_LINE: usize = 200;

/// The longest notes, in characters.
const MAX_NOTES: usize = 4_000;

/// A scenario's name, and what it says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The file's name without its ending.
    pub name: String,
    /// The story in a line.
    pub title: String,
    /// Where the timeline is published, for a real outage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the reader should know, such as which figures are estimates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

impl Head {
    /// Reads it.
    pub(crate) fn read(root: &Table<'_>, file: &Path) -> Result<Self, ScenarioError> {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Ok(Self {
            name: stem.unwrap_or_else(|| "scenario".to_owned()),
            title: root.need("title")?.line_of_text(MAX_LINE)?,
            source: root.read("source", |field| field.line_of_text(MAX_LINE))?,
            notes: root.read("notes", |field| field.line_of_text(MAX_NOTES))?,
        })
    }
}
