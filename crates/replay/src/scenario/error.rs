//! Why a scenario file was refused: always the file, and where it can be said the line and the field.

use std::path::PathBuf;

/// Why a scenario file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("{}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A field is missing, unknown or of the wrong shape, or breaks a rule.
    #[error("{}:{line}: {field}: {rule}", file.display())]
    Rule {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The field's path, such as `agreement.price_sat` or `timeline[2].until`.
        field: String,
        /// The rule that it breaks, in words.
        rule: String,
    },
}
