//! Why a file was not imported.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Place;

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It breaks a rule.
    #[error("{}{}: {rule}", file.display(), At(*place))]
    Rule {
        /// The file.
        file: PathBuf,
        /// Where, where it can be said.
        place: Option<Place>,
        /// The rule that it breaks, in words.
        rule: String,
    },
}

impl ImportError {
    pub(super) fn rule(file: &Path, place: Option<Place>, rule: impl Into<String>) -> Self {
        Self::Rule { file: file.to_owned(), place, rule: rule.into() }
    }
}

struct At(Option<Place>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(Place::Line(line)) => write!(f, ":{line}"),
            Some(Place::Entry(entry)) => write!(f, ": entry {entry}"),
        }
    }
}
