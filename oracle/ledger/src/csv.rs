//! Samples as text: `unix_ms,vantage,ok,latency_ms`, one line a sample; and for a metric a fifth column, `value`.
//!
//! `ok` is `1` for a good answer, `0` for a bad one, and empty where the vantage could not tell.
//! `latency_ms` may be empty where `ok` is not `1`, and then reads as 0. `value` is the reading of a good answer, and
//! empty where `ok` is not `1`; a good answer without one says nothing.
//!
//! ```
//! let samples = ledger::csv::read("unix_ms,vantage,ok,latency_ms\n1000,fra1,1,23\n16000,fra1,,\n".as_bytes())?;
//! assert_eq!(samples[1].verdict, ledger::Verdict::Unknown);
//! # Ok::<(), ledger::csv::CsvError>(())
//! ```

use std::fmt::Write as _;
use std::io;

use csv::{ReaderBuilder, StringRecord};

use terms::{Decimal, Indicator, Measurement};

use crate::sample::{Sample, Verdict, is_vantage};

/// The first line.
pub const HEADER: &str = "unix_ms,vantage,ok,latency_ms";

/// The first line where each good sample has a reading.
pub const HEADER_WITH_VALUE: &str = "unix_ms,vantage,ok,latency_ms,value";

/// A file of more samples than this is refused: a year of five-second probes from three vantages fits in.
pub const MAX_SAMPLES: usize = 20_000_000;

/// A file of more bytes than this is refused.
pub const MAX_BYTES: u64 = 1 << 30;

const COLUMNS: [&str; 5] = ["unix_ms", "vantage", "ok", "latency_ms", "value"];

/// Which columns a table of samples has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Four: [`HEADER`].
    Plain,
    /// Five, for a metric: [`HEADER_WITH_VALUE`].
    WithValue,
}

impl Columns {
    /// The columns of a measurement's samples.
    pub fn of(measurement: &Measurement) -> Self {
        match measurement.indicator {
            Indicator::Metric(_) => Self::WithValue,
            _ => Self::Plain,
        }
    }

    /// The first line, without its newline.
    pub fn header(self) -> &'static str {
        match self {
            Self::Plain => HEADER,
            Self::WithValue => HEADER_WITH_VALUE,
        }
    }

    /// One sample's line, with its newline: the form that the evidence hashes.
    pub fn line(self, sample: &Sample) -> String {
        let mut text = String::new();
        self.push_line(&mut text, sample);
        text
    }

    /// Reads one sample's line, as [`Columns::line`] writes it.
    ///
    /// # Errors
    /// As [`read`]; the header counts as line 1.
    pub fn read_line(self, line: &str) -> Result<Sample, CsvError> {
        let mut samples = read(format!("{}\n{line}", self.header()).as_bytes())?;
        let one = samples.pop().filter(|_| samples.is_empty());
        let rule = Rule::Columns { expected: self.names().len(), got: 0 };
        one.ok_or(CsvError { line: 2, column: COLUMNS[0], rule })
    }

    pub(crate) fn push_line(self, text: &mut String, sample: &Sample) {
        let ok = match sample.verdict {
            Verdict::Good => "1",
            Verdict::Bad => "0",
            Verdict::Unknown => "",
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "{},{},{ok},{}", sample.unix_ms, sample.vantage, sample.latency_ms);
        if self == Self::WithValue {
            text.push(',');
            if let Some(value) = self.value(sample) {
                let _ = write!(text, "{value}");
            }
        }
        text.push('\n');
    }

    /// Are these written as the same line?
    pub(crate) fn same(self, a: &Sample, b: &Sample) -> bool {
        let value = |sample: &Sample| self.value(sample);
        (a.unix_ms, &a.vantage, a.verdict, a.latency_ms, value(a))
            == (b.unix_ms, &b.vantage, b.verdict, b.latency_ms, value(b))
    }

    /// Only a good answer of a metric has a reading, whatever else the sample says.
    fn value(self, sample: &Sample) -> Option<Decimal> {
        sample.value.filter(|_| self == Self::WithValue && sample.verdict == Verdict::Good)
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &COLUMNS[..4],
            Self::WithValue => &COLUMNS,
        }
    }
}

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
    /// The header is neither [`HEADER`] nor [`HEADER_WITH_VALUE`].
    #[error("the first line must be \"{HEADER}\", and \",value\" after it for a metric")]
    Header,
    /// The line has another number of columns.
    #[error("a line has {expected} columns, this one has {got}")]
    Columns {
        /// How many it should have.
        expected: usize,
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
    /// A reading of an answer that is not good, or not a number in its one spelling.
    #[error("must be a decimal number such as 12.5 where ok is 1, and empty otherwise")]
    Value,
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
    let header = next(&mut reader, &mut record)?;
    let columns = [Columns::Plain, Columns::WithValue].into_iter().find(|columns| record == *columns.names());
    let Some(columns) = columns.filter(|_| header) else {
        return Err(CsvError { line: 1, column: COLUMNS[0], rule: Rule::Header });
    };
    let mut samples = Vec::new();
    while next(&mut reader, &mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        if samples.len() == MAX_SAMPLES {
            return Err(CsvError { line, column: COLUMNS[0], rule: Rule::TooMany });
        }
        samples.push(sample(&record, columns).map_err(|(column, rule)| CsvError { line, column, rule })?);
    }
    Ok(samples)
}

/// Writes samples with the header, in the order given.
pub fn write<'a>(columns: Columns, samples: impl IntoIterator<Item = &'a Sample>) -> String {
    let mut text = format!("{}\n", columns.header());
    for sample in samples {
        columns.push_line(&mut text, sample);
    }
    text
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

fn sample(record: &StringRecord, columns: Columns) -> Result<Sample, (&'static str, Rule)> {
    let fields: Vec<&str> = record.iter().collect();
    let names = columns.names();
    let [unix_ms, vantage, ok, latency_ms, rest @ ..] = &fields[..] else {
        return Err(wrong_number(&fields, names));
    };
    if fields.len() != names.len() {
        return Err(wrong_number(&fields, names));
    }
    let verdict = verdict(ok)?;
    Ok(Sample {
        unix_ms: integer(unix_ms, terms::units::MAX_NUMBER).map_err(|rule| (COLUMNS[0], rule))?,
        vantage: if is_vantage(vantage) {
            (*vantage).to_owned()
        } else {
            return Err((COLUMNS[1], Rule::Vantage));
        },
        verdict,
        latency_ms: latency(latency_ms, verdict).map_err(|rule| (COLUMNS[3], rule))?,
        value: match rest {
            [value] => reading(value, verdict).map_err(|rule| (COLUMNS[4], rule))?,
            _ => None,
        },
    })
}

fn wrong_number(fields: &[&str], names: &[&'static str]) -> (&'static str, Rule) {
    let last = names.get(fields.len()).or(names.last()).copied().unwrap_or(COLUMNS[0]);
    (last, Rule::Columns { expected: names.len(), got: fields.len() })
}

fn reading(text: &str, verdict: Verdict) -> Result<Option<Decimal>, Rule> {
    match (text, verdict) {
        ("", _) => Ok(None),
        (_, Verdict::Good) => Decimal::parse(text).map(Some).ok_or(Rule::Value),
        _ => Err(Rule::Value),
    }
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
