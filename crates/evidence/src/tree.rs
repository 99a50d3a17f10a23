//! Building a tree and its proofs.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2_next::Sha256;

use crate::{Digest, Proof};

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
    inner: MemoryBackedTree<Sha256, Vec<u8>>,
}

impl Tree {
    /// A tree without leaves; its root is the hash of nothing, as RFC 6962 section 2.1 says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: &[u8]) {
        self.inner.push(leaf.to_vec());
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> Digest {
        (*self.inner.root().as_bytes()).into()
    }

    /// The number of leaves.
    pub fn len(&self) -> u64 {
        self.inner.len()
    }

    /// Whether there is no leaf yet.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// The proof that the leaf of this index is in the tree; `None` when there is no such leaf.
    pub fn prove(&self, index: u64) -> Option<Proof> {
        if index >= self.len() {
            return None;
        }
        let proof = self.inner.prove_inclusion(usize::try_from(index).ok()?);
        Proof::from_bytes(proof.as_bytes())
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
