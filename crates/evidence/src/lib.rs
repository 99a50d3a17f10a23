//! Evidence that cannot be changed afterwards: a Merkle tree over opaque leaves, as RFC 6962
//! (Certificate Transparency) and the C2SP tlogs define it.
//!
//! A root of 32 bytes commits to every leaf and to their order. A [`Proof`] of a few hashes shows
//! that one leaf is under a root. The hashing is the crate `ct-merkle`'s; this crate bounds what it
//! is given, so that no input from outside reaches one of its panics.
//!
//! This crate knows nothing of samples, oracles, keys, clocks or files: leaves are bytes. Start
//! reading at [`Tree`].

mod proof;
mod tree;

pub use proof::{Proof, ProofError, verify};
pub use tree::{Tree, root};

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// The largest tree that is proved or verified: `2^40` leaves, far beyond any log and far below
/// where index arithmetic could overflow.
pub const MAX_LEAVES: u64 = 1 << 40;
