//! What a table costs in adaptor signatures.

use super::{PayoutTable, Segment};
use crate::agreement::{OracleSet, Tolerance};

/// The values that share a base-2 digit prefix: `2^free_bits` of them from `start` on.
#[derive(Clone, Copy)]
struct Block {
    start: u64,
    free_bits: u64,
}

impl Block {
    fn end(self) -> u64 {
        self.start + ((1 << self.free_bits) - 1)
    }
}

impl PayoutTable {
    /// How many adaptor signatures a contract with one oracle needs: the base-2 digit prefixes that cover the
    /// segments exactly, or one a level.
    ///
    /// A segment that starts and ends at multiples of a large power of two takes one; one whose edges fall
    /// anywhere takes up to `2n`.
    pub fn signature_estimate(&self) -> u64 {
        match self {
            Self::Numeric { segments, .. } => {
                let blocks = |segment: &Segment| blocks_of(segment.start.0, segment.end.0 + 1).count() as u64;
                segments.iter().map(blocks).sum()
            }
            Self::Levels { levels, .. } => levels.len() as u64,
        }
    }

    /// How many adaptor signatures each party gives in a contract with these oracles: as many for each combination of
    /// t of them, and with a tolerance more for values that lie near a block's edge. Exact: neighbours that pay the
    /// same are counted as the one run that they become.
    pub fn signatures(&self, oracles: &OracleSet) -> u64 {
        let combinations = combinations(oracles.keys.len() as u64, oracles.threshold);
        let each = match (self, &oracles.tolerance) {
            (Self::Levels { levels, .. }, _) => levels.len() as u64,
            (Self::Numeric { .. }, None) => self.blocks().count() as u64,
            (Self::Numeric { digits, .. }, Some(tolerance)) => {
                let others = oracles.threshold.saturating_sub(1).min(14);
                let last = (1u64 << digits) - 1;
                self.blocks().map(|block| prefixes_around(block, tolerance, last, 1 << others)).sum()
            }
        };
        combinations.saturating_mul(each)
    }

    /// The blocks of each run of equal payout, ascending.
    fn blocks(&self) -> impl Iterator<Item = Block> {
        let segments = match self {
            Self::Numeric { segments, .. } => segments.as_slice(),
            Self::Levels { .. } => &[],
        };
        let runs = segments.chunk_by(|a, b| a.provider_sat == b.provider_sat);
        runs.filter_map(|run| Some((run.first()?.start.0, run.last()?.end.0 + 1)))
            .flat_map(|(start, limit)| blocks_of(start, limit))
    }
}

/// The fewest blocks that cover `start..limit` and nothing else.
fn blocks_of(start: u64, limit: u64) -> impl Iterator<Item = Block> {
    let mut at = start;
    std::iter::from_fn(move || {
        let left = limit.checked_sub(at).filter(|left| *left > 0)?;
        let block = Block { start: at, free_bits: u64::from(at.trailing_zeros().min(left.ilog2())) };
        at = block.end() + 1;
        Some(block)
    })
}

/// How many prefixes the other oracles of a combination need when the first lies in `block`. Each of the others may
/// lie to one side of an edge or the other, which is `sides` ways in all. As `dlc-trie` does it, with its coverage
/// maximized.
fn prefixes_around(block: Block, tolerance: &Tolerance, last: u64, sides: u64) -> u64 {
    let error_bits = tolerance.max_error_exp.min(62);
    let (error, support) = (1u64 << error_bits, 1u64 << tolerance.min_fail_exp.min(62));
    if block.free_bits >= error_bits {
        let edges = u64::from(block.start != 0) + u64::from(block.end() != last);
        return 1 + edges * (sides - 1);
    }
    let offset = block.start & (error - 1);
    let (left, right) = (block.start - offset, block.start - offset + (error - 1));
    let near_left = offset < support;
    let near_right = block.end() > right.saturating_sub(support);
    match (near_left, near_right) {
        (true, _) if left > 0 => sides,
        (false, true) if right != last => sides,
        _ => 1,
    }
}

/// t of n.
fn combinations(n: u64, t: u64) -> u64 {
    (0..t.min(n)).fold(1, |product, i| product * (n - i) / (i + 1))
}
