//! Evidence that cannot be changed afterwards: Merkle trees over opaque leaves, as RFC 6962
//! (Certificate Transparency) and the C2SP tlogs define them.
//!
//! A root of 32 bytes commits to every leaf and to their order. A [`Proof`] of a few hashes shows
//! that one leaf is under a root; a consistency proof, that a later log begins with an earlier one.
//! [`Checkpoint`]s are signed roots, [`TilePath`]s the files in which a log is published. Hashing, proofs
//! and formats are the crates `tlog_tiles`' and `signed_note`'s; this crate bounds what they are given, so that
//! no input from outside reaches one of their panics.
//!
//! This crate knows nothing of samples, oracles, clocks or files: leaves are bytes. Start
//! reading at [`Tree`] for a tree in memory, at [`Log`] for one in storage.

mod checkpoint;
mod growth;
mod hashes;
pub mod log;
mod proof;
mod tile;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError, LogKey};
pub use growth::{Growth, Relation, compare};
pub use log::{Log, LogError};
pub use proof::{Proof, ProofError, verify};
pub use tile::{TILE_WIDTH, TilePath};
pub use tree::{Tree, root};

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// The largest tree that is proved or verified: `2^40` leaves, far beyond any log and far below
/// where index arithmetic could overflow.
pub const MAX_LEAVES: u64 = 1 << 40;
