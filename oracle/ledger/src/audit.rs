//! Recomputing a bundle, and saying where it breaks.

use evidence::{Checkpoint, CheckpointError, ProofError};
use terms::{DocumentError, Hex32};

use crate::bundle::{Bundle, VERSION, root};
use crate::csv::{self, Columns, CsvError};
use crate::evaluate::{Evaluation, in_order, slices};
use crate::grid::Grid;
use crate::report::{Report, add_up};
use crate::sample::Sample;
use crate::slice::SliceVerdict;

/// Where a bundle breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// More bytes than are read.
    #[error("the bundle has {bytes} bytes, more than are read")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// Not the JSON of a bundle.
    #[error("line {line}, column {column}: not a bundle's JSON ({category:?} error)")]
    Json {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What kind of error.
        category: serde_json::error::Category,
    },
    /// Another version of the format.
    #[error("v: must be {VERSION}, is {got}")]
    Version {
        /// Which one.
        got: u64,
    },
    /// The measurement breaks a rule.
    #[error("measurement.{0}")]
    Measurement(DocumentError),
    /// The samples cannot be read.
    #[error("samples: {0}")]
    Samples(CsvError),
    /// A sample lies outside the window, or not where the order of evidence puts it, or is written otherwise.
    #[error("samples: line {line} is not the next sample of the window in the order of evidence")]
    Order {
        /// The line, counted from 1.
        line: u64,
    },
    /// The bundle has verdicts for another number of slices than the window.
    #[error("slices: the window has {expected}, the bundle {got}")]
    SliceCount {
        /// What the window has.
        expected: u64,
        /// What the bundle has.
        got: u64,
    },
    /// A slice's verdict is not what its samples give.
    #[error("slice {index}, {check}: not what its samples give")]
    Slice {
        /// The slice's index.
        index: u64,
        /// What differs.
        check: Check,
    },
    /// The root is not that of the slices.
    #[error("root: is {got}, the slices give {expected}")]
    Root {
        /// What the slices give.
        expected: Hex32,
        /// What the bundle says.
        got: Hex32,
    },
    /// The report is not what the slices give.
    #[error("report, {check}: not what the slices give")]
    Report {
        /// What differs.
        check: Check,
    },
    /// The checkpoint is not one of the log's.
    #[error("log.checkpoint: {0}")]
    Checkpoint(CheckpointError),
    /// The log does not have this outcome where the bundle says.
    #[error("log.proof: {0}")]
    NotInLog(ProofError),
    /// The revealed seed is not the one that was committed to.
    #[error("probe_seed: is not the seed of the commitment")]
    Seed,
    /// A probe was made before its moment, so the moments were chosen otherwise than by the seed.
    #[error(
        "samples: line {line}: {vantage} made probe {probe} before {at_ms}, the moment that the seed gives for it"
    )]
    Moment {
        /// The line, counted from 1.
        line: u64,
        /// Who made it.
        vantage: String,
        /// The slot's index in the window.
        probe: u64,
        /// The moment that follows from the seed, in unix milliseconds.
        at_ms: u64,
    },
}

/// What was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The index or the start.
    Place,
    /// Good, bad, unmeasured or excluded.
    State,
    /// Counts, and what else is counted.
    Counts,
    /// The hash of the samples.
    SamplesHash,
    /// The event's id.
    EventId,
    /// The outcome.
    Outcome,
    /// The exact reading, or its rounded value.
    Reading,
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Place => "index or start",
            Self::State => "state",
            Self::Counts => "counts",
            Self::SamplesHash => "hash of the samples",
            Self::EventId => "event id",
            Self::Outcome => "outcome",
            Self::Reading => "reading",
        })
    }
}

impl Bundle {
    /// Recomputes slices, root and report from the samples, and compares all of them with the bundle's.
    ///
    /// No signature is checked here, and the root is only as good as the place it was taken from.
    ///
    /// # Errors
    /// Says where the bundle breaks first: line, slice or field.
    pub fn audit(&self) -> Result<Evaluation, AuditError> {
        if self.v != VERSION {
            return Err(AuditError::Version { got: self.v });
        }
        let grid = Grid::new(&self.measurement).map_err(AuditError::Measurement)?;
        let samples = csv::read(self.samples.as_bytes()).map_err(AuditError::Samples)?;
        let ordered = in_order(&grid, &samples);
        self.check_text(&ordered)?;
        let slices = slices(&grid, &ordered);
        self.check_slices(&slices)?;
        let expected = root(&slices);
        if self.root != expected {
            return Err(AuditError::Root { expected, got: self.root });
        }
        let report = add_up(&grid, &slices);
        self.check_report(&report)?;
        if self.seed_matches() == Some(false) {
            return Err(AuditError::Seed);
        }
        Ok(Evaluation { report, slices })
    }

    /// Checks that the log has this outcome, under a checkpoint that the log's key signed. Whose key that is, is for
    /// the caller to check. `None` when the bundle says nothing about a log.
    ///
    /// # Errors
    /// When checkpoint or proof do not hold.
    pub fn audit_log(&self) -> Result<Option<Checkpoint>, AuditError> {
        let Some(log) = &self.log else { return Ok(None) };
        let checkpoint =
            Checkpoint::open(&log.public_key, &log.checkpoint).map_err(AuditError::Checkpoint)?;
        evidence::verify(&checkpoint.root, checkpoint.size, log.index, &self.entry().leaf(), &log.proof)
            .map_err(AuditError::NotInLog)?;
        Ok(Some(checkpoint))
    }

    /// The text must be the canonical one: otherwise it could carry samples that nothing hashes.
    fn check_text(&self, ordered: &[&Sample]) -> Result<(), AuditError> {
        let canonical = csv::write(Columns::of(&self.measurement), ordered.iter().copied());
        if self.samples == canonical {
            return Ok(());
        }
        let same = self.samples.lines().zip(canonical.lines()).take_while(|(got, expected)| got == expected);
        Err(AuditError::Order { line: same.count() as u64 + 1 })
    }

    fn check_slices(&self, expected: &[SliceVerdict]) -> Result<(), AuditError> {
        if self.slices.len() != expected.len() {
            return Err(AuditError::SliceCount {
                expected: expected.len() as u64,
                got: self.slices.len() as u64,
            });
        }
        // Where outages are confirmed, a sample also decides slices before its own; its own is where it was changed.
        let pairs = || expected.iter().zip(&self.slices);
        let changed = pairs().find(|(expected, got)| expected.samples_sha256 != got.samples_sha256);
        let differing = changed.or_else(|| pairs().find(|(expected, got)| expected != got));
        differing.map_or(Ok(()), |(expected, got)| {
            Err(AuditError::Slice { index: expected.index, check: slice_difference(expected, got) })
        })
    }

    fn check_report(&self, expected: &Report) -> Result<(), AuditError> {
        if self.report == *expected {
            return Ok(());
        }
        Err(AuditError::Report { check: report_difference(expected, &self.report) })
    }
}

fn slice_difference(expected: &SliceVerdict, got: &SliceVerdict) -> Check {
    if (expected.index, expected.start) != (got.index, got.start) {
        Check::Place
    } else if expected.samples_sha256 != got.samples_sha256 {
        Check::SamplesHash
    } else if expected.state != got.state {
        Check::State
    } else {
        Check::Counts
    }
}

fn report_difference(expected: &Report, got: &Report) -> Check {
    if expected.event_id != got.event_id {
        Check::EventId
    } else if expected.outcome != got.outcome {
        Check::Outcome
    } else if (&expected.reading, expected.value) != (&got.reading, got.value) {
        Check::Reading
    } else {
        Check::Counts
    }
}
