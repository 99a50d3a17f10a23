//! Files: JSON lines, which can be verified, and CSV, for spreadsheets.

use std::collections::BTreeSet;

use secp256k1_zkp::Keypair;
use serde::{Deserialize, Serialize};
use terms::{Hex32, UnixSeconds};

use crate::batch::{Batch, End};
use crate::line::Line;

/// One line of an exported file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A movement, or its commitment.
    Receipt(Line),
    /// A signed root over the lines before it.
    Batch(Batch),
    /// The end of the file.
    End(End),
}

impl Record {
    /// The record as a line of a file: canonical JSON (RFC 8785).
    pub fn text(&self) -> String {
        String::from_utf8(terms::canonical::bytes(self)).unwrap_or_default()
    }

    /// Reads a line of a file; `None` when it is not exactly what [`Record::text`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let record: Self = terms::canonical::parse(text.as_bytes()).ok()?;
        (record.text() == text).then_some(record)
    }
}

/// The file with all lines and batches, signed at its end.
pub fn export(lines: &[Line], batches: &[Batch], at: UnixSeconds, key: &Keypair) -> String {
    let mut text = String::new();
    let mut push = |record: Record| {
        text.push_str(&record.text());
        text.push('\n');
    };
    let mut waiting = batches.iter().peekable();
    for line in lines {
        push(Record::Receipt(line.clone()));
        let last = |batch: &&Batch| batch.batch.first.saturating_add(batch.batch.count) == line.seq + 1;
        if let Some(batch) = waiting.next_if(|batch| last(batch)) {
            push(Record::Batch(batch.clone()));
        }
    }
    let head = lines.last().map_or(Hex32([0; 32]), |line| line.hash);
    push(Record::End(End::seal(lines.len() as u64, batches.len() as u64, head, at, key)));
    text
}

/// A file in which only these lines are open. It verifies like the whole one.
///
/// # Errors
/// The number of the first line of the file that is no record.
pub fn redact(text: &str, open: &BTreeSet<u64>) -> Result<String, usize> {
    let mut redacted = String::new();
    for (index, line) in text.lines().enumerate() {
        let record = match Record::parse(line).ok_or(index + 1)? {
            Record::Receipt(line) if !open.contains(&line.seq) => {
                Record::Receipt(Line { opening: None, ..line })
            }
            record => record,
        };
        redacted.push_str(&record.text());
        redacted.push('\n');
    }
    Ok(redacted)
}

/// The open lines of a file as a table for spreadsheets. It cannot be verified.
///
/// # Errors
/// The number of the first line of the file that is no record.
pub fn csv(text: &str) -> Result<String, usize> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "seq",
        "at",
        "paid_to",
        "sat",
        "purpose",
        "escrow",
        "txid",
        "terms_hash",
        "attestation",
        "corrects",
        "hash",
    ];
    // Writing into memory does not fail.
    let _ = writer.write_record(header);
    for (index, line) in text.lines().enumerate() {
        let Record::Receipt(line) = Record::parse(line).ok_or(index + 1)? else { continue };
        if let Some(opening) = &line.opening {
            let _ = writer.write_record(row(&line, &opening.movement));
        }
    }
    Ok(writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default())
}

fn row(line: &Line, movement: &crate::Movement) -> [String; 11] {
    let text = |hash: Option<Hex32>| hash.map_or(String::new(), |hash| hash.to_string());
    [
        line.seq.to_string(),
        movement.at.to_string(),
        movement.paid_to.to_string(),
        movement.sat.to_string(),
        movement.purpose.name().to_owned(),
        text(movement.escrow),
        text(movement.txid),
        text(movement.terms_hash),
        text(movement.attestation),
        movement.corrects.map_or(String::new(), |seq| seq.to_string()),
        line.hash.to_string(),
    ]
}
