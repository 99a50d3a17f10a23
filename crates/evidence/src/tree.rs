//! Building a tree in memory, and its proofs.

use tlog_tiles::{Hash, prove_record, stored_hashes, tree_hash};

use crate::hashes::Hashes;
use crate::{Digest, MAX_LEAVES, Proof};

/// An append-only Merkle tree in memory.
///
/// ```
/// let mut tree = evidence::Tree::new();
/// tree.push(b"first slice");
/// tree.push(b"second slice");
/// let proof = tree.prove(1).expect("the leaf exists");
/// assert!(evidence::verify(&tree.root(), tree.len(), 1, b"second slice", &proof).is_ok());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tree {
    len: u64,
    /// By their positions, without a gap.
    hashes: Vec<Hash>,
}

impl Tree {
    /// A tree without leaves; its root is the hash of nothing, as RFC 6962 section 2.1 says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: &[u8]) {
        let new = stored_hashes(self.len, leaf, &Hashes(|position| self.at(position)));
        self.hashes.extend(new.expect("the tree keeps every hash"));
        self.len += 1;
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> Digest {
        let root = tree_hash(self.len, &Hashes(|position| self.at(position)));
        root.expect("the tree keeps every hash").0
    }

    /// The number of leaves.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no leaf yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The proof that the leaf of this index is in the tree; `None` when there is no such leaf.
    pub fn prove(&self, index: u64) -> Option<Proof> {
        if index >= self.len || self.len > MAX_LEAVES {
            return None;
        }
        let path = prove_record(self.len, index, &Hashes(|position| self.at(position))).ok()?;
        Proof::from_path(path.into_iter().map(|hash| hash.0).collect())
    }

    fn at(&self, position: u64) -> Option<Hash> {
        self.hashes.get(usize::try_from(position).ok()?).copied()
    }
}

/// The root over these leaves, in this order.
pub fn root<L: AsRef<[u8]>>(leaves: impl IntoIterator<Item = L>) -> Digest {
    let mut tree = Tree::new();
    for leaf in leaves {
        tree.push(leaf.as_ref());
    }
    tree.root()
}
