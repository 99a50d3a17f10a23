//! Text for people, JSON for programs.

use anyhow::Context as _;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::exit::Failure;

/// Prints a value as JSON.
pub fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).context("the answer cannot be written")?;
    line(&text);
    Ok(())
}

/// Prints a value as JSON on one line.
pub fn json_line<T: Serialize>(value: &T) -> Result<(), Failure> {
    line(&serde_json::to_string(value).context("the answer cannot be written")?);
    Ok(())
}

/// Prints a line. A reader that has gone away (`| head`) is no failure.
pub fn line(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line beside the answer, for a person.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// A table with a header, ready for rows.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().copied());
    table
}

/// Facts, one a line, their values aligned.
pub fn facts(facts: &[(&str, String)]) {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in facts {
        line(&format!("{name:width$}  {value}"));
    }
}

/// What terms may pay, where the node tells it.
pub fn outlook(outlook: Option<&protocol::owner::OutlookView>) {
    if let Some(outlook) = outlook {
        line(&format!("\n{}", outlook.text.trim_end()));
    }
}

/// Satoshis with thin groups of three digits.
pub fn sat(amount: terms::Sat) -> String {
    let digits = amount.0.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
