//! Proofs that a leaf is under a root, and their verification.

use serde::{Deserialize, Serialize};
use tlog_tiles::{Hash, check_record, record_hash};

use crate::{Digest, MAX_LEAVES};

/// The siblings on the way from a leaf to the root: `PATH(m, D[n])` of RFC 6962 section 2.1.1.
///
/// As JSON it is a list of strings of 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Proof {
    path: Vec<Digest>,
}

/// Why a proof was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// No tree of this size has a leaf of this index.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    IndexOutOfRange {
        /// The leaf's index.
        index: u64,
        /// The tree's number of leaves.
        size: u64,
    },
    /// The tree is larger than [`MAX_LEAVES`].
    #[error("a tree of {size} leaves is larger than the {MAX_LEAVES} that are verified")]
    TreeTooLarge {
        /// The tree's number of leaves.
        size: u64,
    },
    /// The path has the wrong number of hashes, or leads to another root.
    #[error("the path of {path} hashes does not lead from leaf {index} to the root")]
    WrongPath {
        /// The leaf's index.
        index: u64,
        /// The path's length.
        path: usize,
    },
}

/// A proof has at most this many hashes: one for each level of the largest tree.
const MAX_PATH: usize = 40;

impl Proof {
    /// The hashes, the leaf's sibling first.
    pub fn path(&self) -> &[Digest] {
        &self.path
    }

    /// A proof of these hashes; `None` when they are more than the largest tree's levels.
    pub fn from_path(path: Vec<Digest>) -> Option<Self> {
        (path.len() <= MAX_PATH).then_some(Self { path })
    }
}

/// Verifies that `leaf` is the leaf of this index in the tree of this size and root.
///
/// # Errors
/// Says whether the index or the path is wrong.
pub fn verify(root: &Digest, size: u64, index: u64, leaf: &[u8], proof: &Proof) -> Result<(), ProofError> {
    if size > MAX_LEAVES {
        return Err(ProofError::TreeTooLarge { size });
    }
    if index >= size {
        return Err(ProofError::IndexOutOfRange { index, size });
    }
    let wrong = ProofError::WrongPath { index, path: proof.path.len() };
    let path = proof.path.iter().map(|hash| Hash(*hash)).collect();
    check_record(&path, size, Hash(*root), index, record_hash(leaf)).map_err(|_| wrong)
}

impl TryFrom<Vec<String>> for Proof {
    type Error = &'static str;

    fn try_from(texts: Vec<String>) -> Result<Self, Self::Error> {
        let path: Option<Vec<Digest>> = texts.iter().map(|text| parse_digest(text)).collect();
        path.and_then(Self::from_path).ok_or("must be at most 40 strings of 64 lower-case hex digits")
    }
}

impl From<Proof> for Vec<String> {
    fn from(proof: Proof) -> Self {
        proof.path.iter().map(hex::encode).collect()
    }
}

fn parse_digest(text: &str) -> Option<Digest> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(digest)
}
