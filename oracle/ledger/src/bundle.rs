//! Everything needed to recompute one event's outcome, in one file.
//!
//! ```text
//! measurement -> event id            samples -> slices -> leaves -> root
//! announcement, attestation          samples -> report
//! ```
//! [`Bundle::audit`] follows the arrows and says where one breaks. Whether the announcement and the
//! attestation belong to it, and whether the oracle signed the root, is checked by the crate `signer`.

use serde::{Deserialize, Serialize};
use terms::{DocumentError, Hex32, Measurement};

pub use crate::audit::{AuditError, Check};
use crate::csv::{self, Columns};
use crate::entry::Entry;
use crate::evaluate::{in_order, slices};
use crate::grid::Grid;
use crate::report::{Report, add_up};
use crate::sample::Sample;
use crate::schedule;
use crate::slice::SliceVerdict;

/// The format's version.
pub const VERSION: u64 = 1;

/// A larger bundle is refused: 512 MiB. A month of 15-second probes takes 7 MB.
pub const MAX_BUNDLE_BYTES: usize = 512 << 20;

/// The evidence of one event. Version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The format's version: 1.
    pub v: u64,
    /// What was measured.
    pub measurement: Measurement,
    /// The oracle's announcement, as the hex of its TLV record.
    pub announcement: String,
    /// The oracle's attestation, as the hex of its TLV record, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<String>,
    /// What the oracle said of its probe seed before the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed_commitment: Option<Hex32>,
    /// The seed, once it is revealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_seed: Option<Hex32>,
    /// The root over the leaves of all slices.
    pub root: Hex32,
    /// The oracle's signature over the root, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_signature: Option<String>,
    /// That the oracle's log has the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogProof>,
    /// What vantages elsewhere signed; the oracle's own vantage is not among them. None where it measured alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vantages: Vec<VantageWord>,
    /// The outcome and its counts.
    pub report: Report,
    /// Every slice of the window, ascending.
    pub slices: Vec<SliceVerdict>,
    /// The samples inside the window as CSV, in the order of evidence, without exact repetitions.
    pub samples: String,
}

/// What a bundle is made from, besides the samples.
#[derive(Clone, Debug)]
pub struct Draft {
    /// See [`Bundle::measurement`].
    pub measurement: Measurement,
    /// See [`Bundle::announcement`].
    pub announcement: String,
    /// See [`Bundle::attestation`].
    pub attestation: Option<String>,
    /// See [`Bundle::seed_commitment`].
    pub seed_commitment: Option<Hex32>,
    /// See [`Bundle::probe_seed`].
    pub probe_seed: Option<Hex32>,
    /// See [`Bundle::root_signature`].
    pub root_signature: Option<String>,
    /// See [`Bundle::log`].
    pub log: Option<LogProof>,
    /// See [`Bundle::vantages`].
    pub vantages: Vec<VantageWord>,
}

/// What a vantage elsewhere signed of an event: that its samples in these blocks are those of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VantageWord {
    /// Its name in the samples.
    pub name: String,
    /// Its x-only key.
    pub key: Hex32,
    /// The blocks that it reported in time, ascending.
    pub blocks: Vec<SignedBlock>,
}

/// A block of the window with a vantage's signature over its samples; see [`crate::batch`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedBlock {
    /// The first probe index.
    pub from: u64,
    /// The index after the last.
    pub to: u64,
    /// The signature, in hex.
    pub sig: String,
}

/// That the oracle's public log has the event's outcome: an [`Entry::Closed`], under a signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogProof {
    /// The log's public key, as C2SP's signed-note has it.
    pub public_key: String,
    /// The oracle's signature over that key, in hex: this log is its own.
    pub key_signature: String,
    /// The checkpoint (C2SP tlog-checkpoint), with its signature.
    pub checkpoint: String,
    /// The entry's index.
    pub index: u64,
    /// The hashes from the entry to the checkpoint's root.
    pub proof: evidence::Proof,
}

impl Bundle {
    /// Builds the bundle over these samples, in any order; those outside the window are left out.
    ///
    /// # Errors
    /// Names the field of the measurement and the rule that it breaks.
    pub fn build(draft: Draft, samples: &[Sample]) -> Result<Self, DocumentError> {
        let grid = Grid::new(&draft.measurement)?;
        let samples = in_order(&grid, samples);
        let slices = slices(&grid, &samples);
        let samples = csv::write(Columns::of(&draft.measurement), samples);
        Ok(Self {
            v: VERSION,
            measurement: draft.measurement,
            announcement: draft.announcement,
            attestation: draft.attestation,
            seed_commitment: draft.seed_commitment,
            probe_seed: draft.probe_seed,
            root: root(&slices),
            root_signature: draft.root_signature,
            log: draft.log,
            vantages: draft.vantages,
            report: add_up(&grid, &slices),
            samples,
            slices,
        })
    }

    /// Parses a bundle. Its contents are not checked yet: that is [`Bundle::audit`].
    ///
    /// # Errors
    /// [`AuditError::TooLarge`], or [`AuditError::Json`] with line and column.
    pub fn parse(bytes: &[u8]) -> Result<Self, AuditError> {
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(AuditError::TooLarge { bytes: bytes.len() });
        }
        serde_json::from_slice(bytes).map_err(|error| AuditError::Json {
            line: error.line(),
            column: error.column(),
            category: error.classify(),
        })
    }

    /// The bundle as JSON.
    ///
    /// # Panics
    /// Never: a bundle holds only strings, integers, lists and objects.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a bundle holds only strings, integers, lists and objects")
    }

    /// The entry of the oracle's log that says what this bundle came to.
    pub fn entry(&self) -> Entry {
        Entry::Closed {
            event_id: self.measurement.event_id(),
            root: self.root,
            slices: self.slices.len() as u64,
            outcome: self.report.outcome.clone(),
        }
    }

    /// Whether the revealed seed is the one that was committed to; `None` while nothing can be compared.
    pub fn seed_matches(&self) -> Option<bool> {
        let (seed, commitment) = self.probe_seed.zip(self.seed_commitment)?;
        Some(schedule::seed_commitment(&seed.0) == commitment)
    }
}

/// The root over the leaves of these slices, in this order.
pub fn root(slices: &[SliceVerdict]) -> Hex32 {
    Hex32(evidence::root(slices.iter().map(SliceVerdict::leaf)))
}
