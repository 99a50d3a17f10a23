//! Rows of a small table, each with its line for errors.

use csv::{Reader, ReaderBuilder, StringRecord, StringRecordsIntoIter};
use jiff::Timestamp;
use terms::DocumentError;

/// More rows than this are refused.
const MAX_ROWS: u64 = 1_000_000;

/// What a moment must look like.
pub(super) const MOMENT: &str = "a moment is unix seconds, or as 2026-03-29T01:00:00Z";

/// The rows behind the header.
pub(super) struct Rows<'a> {
    records: StringRecordsIntoIter<&'a [u8]>,
    columns: usize,
    read: u64,
}

/// One row.
pub(super) struct Row {
    line: u64,
    record: StringRecord,
}

impl<'a> Rows<'a> {
    /// The rows of a table of at most so many columns.
    pub(super) fn new(text: &'a str, columns: usize) -> Self {
        let reader: Reader<&[u8]> =
            ReaderBuilder::new().flexible(false).trim(csv::Trim::All).from_reader(text.as_bytes());
        Self { records: reader.into_records(), columns, read: 0 }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.records.reader().position().line();
        let record = self.records.next()?;
        self.read += 1;
        let row = Row { line, record: record.unwrap_or_default() };
        Some(if row.record.is_empty() || row.record.len() > self.columns {
            Err(row.error("must have as many cells as the first line"))
        } else if self.read > MAX_ROWS {
            Err(row.error("is beyond the 1000000 rows that are read"))
        } else {
            Ok(row)
        })
    }
}

impl Row {
    /// A cell; empty where there is none.
    pub(super) fn cell(&self, index: usize) -> &str {
        self.record.get(index).unwrap_or_default()
    }

    /// A cell as a moment in unix milliseconds.
    pub(super) fn moment_ms(&self, index: usize) -> Result<u64, DocumentError> {
        moment_ms(self.cell(index)).ok_or_else(|| self.error(MOMENT))
    }

    /// The rule that this row breaks.
    pub(super) fn error(&self, rule: &str) -> DocumentError {
        DocumentError::new("history", format!("line {}: {rule}", self.line))
    }
}

/// Unix seconds, or a moment as in RFC 3339.
pub(super) fn moment_ms(text: &str) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds: u64 = text.parse().ok()?;
        return seconds.checked_mul(1000).filter(|ms| *ms <= terms::units::MAX_NUMBER);
    }
    let moment: Timestamp = text.parse().ok()?;
    u64::try_from(moment.as_millisecond()).ok()
}
