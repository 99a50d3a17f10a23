//! From samples to one outcome, and to the evidence for it.
//!
//! A measurement says what counts; samples say what the vantages saw. [`evaluate`] decides every
//! probe by quorum, every slice by its probes, and the outcome by its slices, in exact integer
//! arithmetic. The same samples give the same [`Report`] to the bit, in whatever order they came and
//! however often. What nobody could decide is *unmeasured*, and never counts as bad.
//!
//! There are two routes to a report, and they agree: [`evaluate`] takes all samples at once;
//! [`close_slices`] closes slices as they end and [`report`] adds them up. A third, [`Tally`], leads to the same outcome from
//! what went wrong alone, for simulations.
//!
//! This crate knows no clock, no network, no files, no keys and no DLC: announcements and
//! attestations pass through a [`bundle::Bundle`] as opaque text. Start reading at [`evaluate`], then
//! [`Grid`] and [`SliceVerdict`].

pub mod batch;
pub mod bundle;
pub mod csv;
pub mod schedule;

mod audit;
mod confirm;
mod counted;
mod entry;
mod evaluate;
mod explain;
mod grid;
mod metric;
mod moments;
mod quorum;
mod ratio;
mod reading;
mod report;
mod sample;
mod slice;
mod tally;

pub use confirm::{Confirmed, Outage};
pub use counted::{counted, counted_so_far};
pub use entry::{Entry, LoggedVantage};
pub use evaluate::{Evaluation, evaluate, outcome};
pub use grid::{Grid, MAX_SLICES};
pub use moments::{LATE_MS, Moments, moment};
pub use quorum::probe_verdicts;
pub use ratio::Ratio;
pub use report::{Incident, ProbeCounts, Report, SliceCounts, SliceError, Turned, progress, report};
pub use sample::{MAX_VANTAGE_CHARS, Sample, Verdict, is_vantage};
pub use slice::{SliceState, SliceVerdict, close_slices};
pub use tally::{Run, Tally};
