//! Blocks: what a vantage elsewhere reports, and signs, as one.
//!
//! A window is cut into blocks that everybody finds at the same places: inside each slice, every
//! [`MAX_BATCH_PROBES`] slots. So a block never belongs to two slices, and two batches of one vantage for one
//! block are either the same or a contradiction.

use std::ops::Range;

use serde::Serialize;
use terms::{EventId, Hex32};

use crate::csv::Columns;
use crate::grid::Grid;
use crate::sample::Sample;

/// The slots of a block, at most.
pub const MAX_BATCH_PROBES: u64 = 1_000;

/// What a vantage signs about a block: BIP340, tag `earnest/vantage-batch/v1`, over the canonical form.
///
/// The announcement is one oracle's for one event, so that the words said to one oracle are none for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement<'a> {
    /// The event.
    pub event_id: EventId,
    /// SHA-256 of the announcement: its TLV with type and length.
    pub announcement_sha256: Hex32,
    /// The vantage's name.
    pub vantage: &'a str,
    /// The first probe index of the block.
    pub from: u64,
    /// The index after its last.
    pub to: u64,
    /// SHA-256 of the samples' CSV lines, in the order of evidence, without a header. There are no others.
    pub samples_sha256: Hex32,
}

impl Statement<'_> {
    /// The bytes that are signed.
    pub fn bytes(&self) -> Vec<u8> {
        terms::canonical::bytes(self)
    }
}

/// The hash of a block's samples, which are in their order.
pub fn samples_sha256<'a>(columns: Columns, samples: impl IntoIterator<Item = &'a Sample>) -> Hex32 {
    let mut lines = String::new();
    samples.into_iter().for_each(|sample| columns.push_line(&mut lines, sample));
    Hex32(terms::canonical::sha256(lines.as_bytes()))
}

impl Grid {
    /// The block of a slot of the window.
    pub fn block_of(&self, probe: u64) -> Range<u64> {
        let slice = self.probes_of(self.slice_of_probe(probe));
        let from = slice.start + (probe - slice.start) / MAX_BATCH_PROBES * MAX_BATCH_PROBES;
        from..(from + MAX_BATCH_PROBES).min(slice.end)
    }

    /// How many blocks a slice has.
    pub fn blocks_per_slice(&self) -> u64 {
        self.probes_per_slice().div_ceil(MAX_BATCH_PROBES)
    }

    /// When a block ends, in unix milliseconds.
    pub fn block_end_ms(&self, block: &Range<u64>) -> u64 {
        self.probe_start_ms(block.end)
    }
}
