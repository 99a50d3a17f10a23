//! An append-only log whose hashes lie in somebody's storage (C2SP tlog; RFC 6962 section 2.1).
//!
//! Every hash of a complete subtree has a *position* in one linear order, the order in which hashes come
//! to be (Crosby and Wallach, "Efficient Data Structures for Tamper-Evident Logging", section 3.3).
//! Whoever stores the log keeps position and hash; [`Log`] itself holds the right edge alone, which is all
//! that appending takes. Proofs are made in two steps: ask which positions they need, and hand the hashes in.

use std::collections::BTreeMap;

use tlog_tiles::{
    Hash, TreeProof, check_tree, prove_record, prove_tree, stored_hash_index, stored_hashes, sub_tree_index,
    tree_hash,
};

use crate::hashes::{Hashes, Wanted};
use crate::{Digest, MAX_LEAVES, Proof};

/// Hashes by their positions.
pub type Stored = BTreeMap<u64, Digest>;

/// A log that can be appended to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    size: u64,
    edge: Stored,
}

/// Why a proof could not be made or does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A log of this size has no such leaf, or no such earlier size.
    #[error("a log of {size} leaves has no {asked}")]
    OutOfRange {
        /// The log's size.
        size: u64,
        /// The leaf's index, or the earlier size.
        asked: u64,
    },
    /// A hash that is needed is not there.
    #[error("a stored hash of the log is missing")]
    Missing,
    /// The log is as large as it can be.
    #[error("the log is full")]
    Full,
    /// The later log does not begin with the earlier one.
    #[error(
        "the log of {newer} leaves does not begin with that of {older}: something was changed or taken back"
    )]
    Inconsistent {
        /// The size of the earlier one.
        older: u64,
        /// The size of the later one.
        newer: u64,
    },
}

impl Log {
    /// A log of `size` leaves, from its right edge: the hashes at [`Log::edge`]'s positions.
    ///
    /// # Errors
    /// When one of them is missing.
    pub fn resume(size: u64, hashes: &Stored) -> Result<Self, LogError> {
        if size > MAX_LEAVES {
            return Err(LogError::Full);
        }
        let hash = |position| Some((position, *hashes.get(&position)?));
        let edge = Self::edge(size).into_iter().map(hash).collect::<Option<Stored>>();
        Ok(Self { size, edge: edge.ok_or(LogError::Missing)? })
    }

    /// The positions of the hashes from which a log of this size can be continued; at most 40.
    pub fn edge(size: u64) -> Vec<u64> {
        sub_tree_index(0, size.min(MAX_LEAVES), Vec::new())
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf. Returns the hashes that it adds, to be stored with their positions.
    ///
    /// # Errors
    /// [`LogError::Full`] at [`MAX_LEAVES`].
    pub fn append(&mut self, leaf: &[u8]) -> Result<Vec<(u64, Digest)>, LogError> {
        if self.size >= MAX_LEAVES {
            return Err(LogError::Full);
        }
        let new = stored_hashes(self.size, leaf, &reader(&self.edge)).map_err(|_| LogError::Missing)?;
        let first = stored_hash_index(0, self.size);
        let added: Vec<_> = (first..).zip(new.into_iter().map(|hash| hash.0)).collect();
        self.size += 1;
        self.edge.extend(added.iter().copied());
        let needed = Self::edge(self.size);
        self.edge.retain(|position, _| needed.contains(position));
        Ok(added)
    }

    /// The root over all leaves.
    pub fn root(&self) -> Digest {
        root_of(self.size, &self.edge).expect("the edge is complete")
    }
}

/// The root of a log of this size, from the hashes at [`Log::edge`]'s positions.
///
/// # Errors
/// When one is missing.
pub fn root_of(size: u64, hashes: &Stored) -> Result<Digest, LogError> {
    tree_hash(size.min(MAX_LEAVES), &reader(hashes)).map(|hash| hash.0).map_err(|_| LogError::Missing)
}

/// The positions that [`prove_inclusion`] needs.
///
/// # Errors
/// When a log of this size has no such leaf.
pub fn inclusion_positions(size: u64, index: u64) -> Result<Vec<u64>, LogError> {
    in_range(size, index < size, index)?;
    let wanted = Wanted::default();
    let _nothing_there = prove_record(size, index, &wanted);
    Ok(wanted.positions())
}

/// Proves that a leaf is in a log of this size; [`crate::verify`] checks it.
///
/// # Errors
/// When there is no such leaf, or a hash is missing.
pub fn prove_inclusion(size: u64, index: u64, hashes: &Stored) -> Result<Proof, LogError> {
    in_range(size, index < size, index)?;
    let path = prove_record(size, index, &reader(hashes)).map_err(|_| LogError::Missing)?;
    Proof::from_path(path.into_iter().map(|hash| hash.0).collect()).ok_or(LogError::Full)
}

/// The positions that [`prove_consistency`] needs.
///
/// # Errors
/// When no log of this size came before.
pub fn consistency_positions(newer: u64, older: u64) -> Result<Vec<u64>, LogError> {
    in_range(newer, (1..=newer).contains(&older), older)?;
    let wanted = Wanted::default();
    let _nothing_there = prove_tree(newer, older, &wanted);
    Ok(wanted.positions())
}

/// Proves that a log began as an earlier one; [`check_consistency`] checks it.
///
/// # Errors
/// When no log of this size came before, or a hash is missing.
pub fn prove_consistency(newer: u64, older: u64, hashes: &Stored) -> Result<Vec<Digest>, LogError> {
    in_range(newer, (1..=newer).contains(&older), older)?;
    let proof = prove_tree(newer, older, &reader(hashes)).map_err(|_| LogError::Missing)?;
    Ok(proof.into_iter().map(|hash| hash.0).collect())
}

/// Checks that the log of size and root `newer` begins with that of size and root `older`.
///
/// # Errors
/// [`LogError::Inconsistent`] when it does not, or the proof is not one.
pub fn check_consistency(
    newer: (u64, &Digest),
    older: (u64, &Digest),
    proof: &[Digest],
) -> Result<(), LogError> {
    in_range(newer.0, (1..=newer.0).contains(&older.0), older.0)?;
    let path: TreeProof = proof.iter().map(|hash| Hash(*hash)).collect();
    check_tree(&path, newer.0, Hash(*newer.1), older.0, Hash(*older.1))
        .map_err(|_| LogError::Inconsistent { older: older.0, newer: newer.0 })
}

fn in_range(size: u64, holds: bool, asked: u64) -> Result<(), LogError> {
    if size > MAX_LEAVES {
        return Err(LogError::Full);
    }
    if holds { Ok(()) } else { Err(LogError::OutOfRange { size, asked }) }
}

fn reader(hashes: &Stored) -> Hashes<impl Fn(u64) -> Option<Hash>> {
    Hashes(|position| hashes.get(&position).map(|hash| Hash(*hash)))
}
