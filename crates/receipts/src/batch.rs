//! Signed roots over lines.

use secp256k1_zkp::Keypair;
use serde::{Deserialize, Serialize};
use terms::{Hex32, UnixSeconds};

use crate::line::Line;
use crate::{is_signed, public_key, sign, tagged_shape};

/// Lines become a batch every so many seconds.
pub const BATCH_EVERY_S: u64 = 600;

/// A signed Merkle root over the commitments of some lines in a row. It says nothing about what they are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// What is signed.
    pub batch: BatchDraft,
    /// BIP340 signature by `key` over the tagged hash `earnest/receipt-batch/v1`.
    pub sig: String,
}

/// What a batch says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchDraft {
    /// Its number, from 0.
    pub number: u64,
    /// The hash of the batch before; zeros for the first.
    pub prev: Hex32,
    /// The number of its first line.
    pub first: u64,
    /// How many lines it has.
    pub count: u64,
    /// The Merkle root (RFC 6962) over their commitments.
    pub root: Hex32,
    /// The hash of its last line.
    pub head: Hex32,
    /// When it was made.
    pub at: UnixSeconds,
    /// Who signs: the node's identity key.
    pub key: Hex32,
}

impl Batch {
    /// The batch after `before`, over these lines; `None` when there are none.
    pub fn over(lines: &[Line], before: Option<&Self>, at: UnixSeconds, key: &Keypair) -> Option<Self> {
        let (first, last) = (lines.first()?, lines.last()?);
        let batch = BatchDraft {
            number: before.map_or(0, |before| before.batch.number + 1),
            prev: before.map_or(Hex32([0; 32]), Self::hash),
            first: first.seq,
            count: lines.len() as u64,
            root: root(lines.iter().map(|line| line.commitment)),
            head: last.hash,
            at,
            key: public_key(key),
        };
        let sig = sign(batch.hash(), key);
        Some(Self { batch, sig })
    }

    /// What the next batch names, and what is signed.
    pub fn hash(&self) -> Hex32 {
        self.batch.hash()
    }

    /// Whether the signature is the key's.
    pub fn is_signed(&self) -> bool {
        is_signed(self.hash(), self.batch.key, &self.sig)
    }
}

impl BatchDraft {
    fn hash(&self) -> Hex32 {
        tagged_shape("earnest/receipt-batch/v1", self)
    }
}

/// The Merkle root over commitments.
pub(crate) fn root(commitments: impl IntoIterator<Item = Hex32>) -> Hex32 {
    Hex32(evidence::root(commitments.into_iter().map(|commitment| commitment.0)))
}

/// The end of an exported file, signed when it was exported: without it nobody could tell whether something is missing
/// there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// What is signed.
    pub end: EndDraft,
    /// BIP340 signature by `key` over the tagged hash `earnest/receipt-end/v1`.
    pub sig: String,
}

/// What an end says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndDraft {
    /// How many lines there are.
    pub lines: u64,
    /// How many batches there are.
    pub batches: u64,
    /// The hash of the last line; zeros where there is none.
    pub head: Hex32,
    /// When it was exported.
    pub at: UnixSeconds,
    /// Who signs: the node's identity key.
    pub key: Hex32,
}

impl End {
    /// The end of a file with so many lines and batches.
    pub fn seal(lines: u64, batches: u64, head: Hex32, at: UnixSeconds, key: &Keypair) -> Self {
        let end = EndDraft { lines, batches, head, at, key: public_key(key) };
        let sig = sign(end.hash(), key);
        Self { end, sig }
    }

    /// Whether the signature is the key's.
    pub fn is_signed(&self) -> bool {
        is_signed(self.end.hash(), self.end.key, &self.sig)
    }
}

impl EndDraft {
    fn hash(&self) -> Hex32 {
        tagged_shape("earnest/receipt-end/v1", self)
    }
}
