//! Samples as text: `unix_ms,vantage,ok,latency_ms`, one line a sample.
//!
//! `ok` is `1` for a good answer, `0` for a bad one, and empty where the vantage could not tell.
//! `latency_ms` may be empty where `ok` is not `1`, and then reads as 0.
//!
//! ```
//! let samples = ledger::csv::read("unix_ms,vantage,ok,latency_ms\n1000,fra1,1,23\n16000,fra1,,\n".as_bytes())?;
//! assert_eq!(samples[1].verdict, ledger::Verdict::Unknown);
//! # Ok::<(), ledger::csv::CsvError>(())
//! ```

use std::fmt::Write as _;
use std::io;

use csv::{ReaderBuilder, StringRecord};

use crate::sample::{Sample, Verdict, is_vantage};

/// The first line.
pub const HEADER: &str = "unix_ms,vantage,ok,latency_ms";

/// A file of more samples than this is refused: a year of five-second probes from three vantages fits in.
pub const MAX_SAMPLES: usize = 20_000_000;

/// A file of more bytes than this is refused.
pub const MAX_BYTES: u64 = 1 << 30;

const COLUMNS: [&str; 4] = ["unix_ms", "vantage", "ok", "latency_ms"];

/// Why samples could not be read: where, and which rule was broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {rule}")]
pub struct CsvError {
    /// The line, counted from 1.
    pub line: u64,
    /// The column's name.
    pub column: &'static str,
    /// The rule.
    pub rule: Rule,
}

/// What the columns must hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// The header is not [`HEADER`].
    #[error("the first line must be \"{HEADER}\"")]
    Header,
    /// The line has another number of columns.
    #[error("a line has 4 columns, this one has {got}")]
    Columns {
        /// How many it has.
        got: usize,
    },
    /// Not an unsigned integer that fits.
    #[error("must be an integer from 0 to {max}")]
    Integer {
        /// The largest one.
        max: u64,
    },
    /// Not a name.
    #[error("must be 1 to 64 of A-Z a-z 0-9 . _ -")]
    Vantage,
    /// Not a verdict.
    #[error("must be 1, 0 or empty")]
    Ok,
    /// Latency missing for a good answer.
    #[error("must be there when ok is 1")]
    LatencyMissing,
    /// Not UTF-8, or the reader failed.
    #[error("unreadable: {kind}")]
    Unreadable {
        /// The kind of failure.
        kind: io::ErrorKind,
    },
    /// Too many lines.
    #[error("more than {MAX_SAMPLES} samples")]
    TooMany,
}

/// Reads samples, in the order of their lines.
///
/// # Errors
/// Names the line, the column and the rule that it breaks.
pub fn read(input: impl io::Read) -> Result<Vec<Sample>, CsvError> {
    let bounded = io::Read::take(input, MAX_BYTES);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bounded);
    let mut record = StringRecord::new();
    if !next(&mut reader, &mut record)? || record != COLUMNS[..] {
        return Err(CsvError { line: 1, column: COLUMNS[0], rule: Rule::Header });
    }
    let mut samples = Vec::new();
    while next(&mut reader, &mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        if samples.len() == MAX_SAMPLES {
            return Err(CsvError { line, column: COLUMNS[0], rule: Rule::TooMany });
        }
        samples.push(sample(&record).map_err(|(column, rule)| CsvError { line, column, rule })?);
    }
    Ok(samples)
}

/// Reads one sample's line, as [`line()`] writes it.
///
/// # Errors
/// As [`read`]; the header counts as line 1.
pub fn read_line(line: &str) -> Result<Sample, CsvError> {
    let mut samples = read(format!("{HEADER}\n{line}").as_bytes())?;
    let one = samples.pop().filter(|_| samples.is_empty());
    one.ok_or(CsvError { line: 2, column: COLUMNS[0], rule: Rule::Columns { got: 0 } })
}

/// Writes samples with the header, in the order given.
pub fn write<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> String {
    let mut text = format!("{HEADER}\n");
    for sample in samples {
        push_line(&mut text, sample);
    }
    text
}

/// One sample's line, with its newline: the form that the evidence hashes.
pub fn line(sample: &Sample) -> String {
    let mut text = String::new();
    push_line(&mut text, sample);
    text
}

pub(crate) fn push_line(text: &mut String, sample: &Sample) {
    let ok = match sample.verdict {
        Verdict::Good => "1",
        Verdict::Bad => "0",
        Verdict::Unknown => "",
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{},{},{ok},{}", sample.unix_ms, sample.vantage, sample.latency_ms);
}

fn next(reader: &mut csv::Reader<impl io::Read>, record: &mut StringRecord) -> Result<bool, CsvError> {
    reader.read_record(record).map_err(|error| {
        let line = error.position().map_or(0, csv::Position::line);
        let kind = match error.kind() {
            csv::ErrorKind::Io(error) => error.kind(),
            _ => io::ErrorKind::InvalidData,
        };
        CsvError { line, column: COLUMNS[0], rule: Rule::Unreadable { kind } }
    })
}

fn sample(record: &StringRecord) -> Result<Sample, (&'static str, Rule)> {
    let fields: Vec<&str> = record.iter().collect();
    let [unix_ms, vantage, ok, latency_ms] = fields[..] else {
        let rule = Rule::Columns { got: fields.len() };
        return Err((COLUMNS[fields.len().min(3)], rule));
    };
    let verdict = verdict(ok)?;
    Ok(Sample {
        unix_ms: integer(unix_ms, terms::units::MAX_NUMBER).map_err(|rule| (COLUMNS[0], rule))?,
        vantage: if is_vantage(vantage) {
            vantage.to_owned()
        } else {
            return Err((COLUMNS[1], Rule::Vantage));
        },
        verdict,
        latency_ms: latency(latency_ms, verdict).map_err(|rule| (COLUMNS[3], rule))?,
    })
}

fn verdict(ok: &str) -> Result<Verdict, (&'static str, Rule)> {
    match ok {
        "1" => Ok(Verdict::Good),
        "0" => Ok(Verdict::Bad),
        "" => Ok(Verdict::Unknown),
        _ => Err((COLUMNS[2], Rule::Ok)),
    }
}

fn latency(text: &str, verdict: Verdict) -> Result<u32, Rule> {
    match (text, verdict) {
        ("", Verdict::Good) => Err(Rule::LatencyMissing),
        ("", _) => Ok(0),
        _ => Ok(u32::try_from(integer(text, u64::from(u32::MAX))?).unwrap_or(u32::MAX)),
    }
}

/// Digits only: `parse` alone would take "+5" too.
fn integer(text: &str, max: u64) -> Result<u64, Rule> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && *number <= max);
    number.ok_or(Rule::Integer { max })
}
