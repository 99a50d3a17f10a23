//! Timelines out of what others wrote down: incidents as CSV, and what Prometheus, Gatus and Uptime Kuma saw.
//!
//! What comes in is a stranger's file: it is bounded, and refused with the line where it can be said. What goes out is a
//! `[[timeline]]` on whole slots, ready for a scenario.

mod error;
mod incidents;
mod json;
mod moment;
mod samples;
mod spans;
mod write;

use std::path::Path;

pub use error::ImportError;
pub use spans::{Severity, Span};
pub use write::timeline;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// The most incidents, and the most samples.
const MAX_ENTRIES: usize = 1_000_000;

/// Reads a file of any of the forms, and returns what went wrong in it, on slots of `grid_s` seconds: ascending, without
/// overlaps.
///
/// # Errors
/// Names the file, and the line or entry with the rule that it breaks.
pub fn import(file: &Path, grid_s: u64) -> Result<Vec<Span>, ImportError> {
    let failed = |source| ImportError::Read { file: file.to_owned(), source };
    let size = std::fs::metadata(file).map_err(failed)?.len();
    if size > MAX_BYTES {
        return Err(ImportError::rule(file, None, format!("is longer than {MAX_BYTES} bytes")));
    }
    let text = String::from_utf8(std::fs::read(file).map_err(failed)?);
    let text = text.map_err(|_| ImportError::rule(file, None, "is not UTF-8"))?;
    read(&text, grid_s).map_err(|(line, rule)| ImportError::rule(file, line, rule))
}

/// What is wrong with a text: its line or entry where it can be said, and the rule.
type Broken = (Option<Place>, String);

/// Where a text breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line, counted from 1.
    Line(u64),
    /// An entry of the list, counted from 1.
    Entry(u64),
}

/// The same for a text.
///
/// # Errors
/// The place where it can be said, and the rule that it breaks.
pub fn read(text: &str, grid_s: u64) -> Result<Vec<Span>, (Option<Place>, String)> {
    let is_json = text.trim_start().starts_with(['{', '[']);
    let spans = if is_json { json::read(text)? } else { incidents::read(text)? };
    spans::on_grid(spans, grid_s.max(1))
}
