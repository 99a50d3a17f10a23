//! Lines and their chain.

use serde::{Deserialize, Serialize};
use terms::Hex32;

use crate::movement::Movement;
use crate::{tagged, tagged_shape};

/// One line: a commitment to a movement, chained to the line before; with its opening, or without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its number, from 0.
    pub seq: u64,
    /// The hash of the line before; zeros for the first.
    pub prev: Hex32,
    /// The commitment: says nothing about the movement to whoever has not the salt.
    pub commitment: Hex32,
    /// The hash of number, `prev` and commitment.
    pub hash: Hex32,
    /// What it commits to; left out where it stays private.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Opening>,
}

/// What opens a commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// 32 random bytes, so that nobody can guess the movement.
    pub salt: Hex32,
    /// The movement.
    pub movement: Movement,
}

impl Opening {
    /// The commitment that this opens.
    pub fn commitment(&self) -> Hex32 {
        tagged_shape("earnest/receipt/v1", self)
    }
}

impl Line {
    /// The hash that number, `prev` and commitment give.
    pub fn expected_hash(&self) -> Hex32 {
        tagged("earnest/receipt-line/v1", &[&self.seq.to_be_bytes(), &self.prev.0, &self.commitment.0])
    }
}

/// Where the chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The number of the next line.
    pub next: u64,
    /// The hash of the last line.
    pub head: Hex32,
}

impl Chain {
    /// Before the first line.
    pub const EMPTY: Self = Self { next: 0, head: Hex32([0; 32]) };

    /// The next line.
    pub fn append(&mut self, movement: Movement, salt: [u8; 32]) -> Line {
        let opening = Opening { salt: Hex32(salt), movement };
        let mut line = Line {
            seq: self.next,
            prev: self.head,
            commitment: opening.commitment(),
            hash: Hex32([0; 32]),
            opening: Some(opening),
        };
        line.hash = line.expected_hash();
        (self.next, self.head) = (line.seq + 1, line.hash);
        line
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::EMPTY
    }
}
