//! The files of a published log (C2SP tlog-tiles): 256 hashes of one level, or 256 entries, in a file each.

use tlog_tiles::{Tile, stored_hash_index};

use crate::Digest;
use crate::log::Stored;

/// Hashes, or entries, in a full tile.
pub const TILE_WIDTH: u64 = 256;
const HEIGHT: u8 = 8;
/// The levels of the largest log; the library's own reading panics far above them.
const MAX_LEVEL: u8 = 7;

/// Which file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TilePath {
    /// Hashes of one level of tiles.
    Hashes {
        /// 0 for the hashes of entries, 1 for those of subtrees of 256 entries, and so on.
        level: u8,
        /// The tile's number in its level.
        index: u64,
        /// How many hashes it has; 256 where it is full.
        width: u64,
    },
    /// The entries themselves.
    Entries {
        /// The bundle's number.
        index: u64,
        /// How many entries it has; 256 where it is full.
        width: u64,
    },
}

impl TilePath {
    /// Reads what follows `/tile/` in a URL: `<level>/<N>[.p/<width>]` or `entries/<N>[.p/<width>]`, where `N` is
    /// written in groups of three digits (`x001/x234/067`).
    pub fn parse(path: &str) -> Option<Self> {
        let (level, rest) = path.split_once('/')?;
        // A partial tile without a hash is none; the library would panic.
        if rest.ends_with(".p/0") || rest.len() > 40 {
            return None;
        }
        match level {
            "entries" => {
                let tile = Tile::from_path(&format!("tile/{HEIGHT}/data/{rest}")).ok()?;
                Some(Self::Entries { index: tile.level_index(), width: tile.width().into() })
            }
            _ => {
                let number: u8 = level.parse().ok().filter(|number| *number <= MAX_LEVEL)?;
                let tile = Tile::from_path(&format!("tile/{HEIGHT}/{number}/{rest}")).ok()?;
                let canonical = number.to_string() == level;
                let (index, width) = (tile.level_index(), tile.width().into());
                canonical.then_some(Self::Hashes { level: number, index, width })
            }
        }
    }

    /// What follows `/tile/` in a URL: what [`TilePath::parse`] reads.
    pub fn path(self) -> String {
        let (level, index, width) = match self {
            Self::Hashes { level, index, width } => (level.to_string(), index, width),
            Self::Entries { index, width } => ("entries".to_owned(), index, width),
        };
        let partial = if width < TILE_WIDTH { format!(".p/{width}") } else { String::new() };
        format!("{level}/{}{partial}", number(index))
    }

    /// The tile's hashes of a log of this size that lies under `hashes`, by position; `None` when one is missing there, when
    /// the log does not have them all, or for entries.
    pub fn hashes(self, size: u64, hashes: &Stored) -> Option<Vec<Digest>> {
        self.positions(size)?.iter().map(|position| hashes.get(position).copied()).collect()
    }

    /// The tiles of hashes that have grown with the last of `size` entries to their full width.
    pub fn completed(size: u64) -> Vec<Self> {
        let full =
            |level: &u8| size > 0 && size.is_multiple_of(1 << (u32::from(HEIGHT) * (u32::from(*level) + 1)));
        let tile = |level: u8| {
            let index = (size >> (u32::from(HEIGHT) * (u32::from(level) + 1))) - 1;
            Self::Hashes { level, index, width: TILE_WIDTH }
        };
        (0..MAX_LEVEL).take_while(full).map(tile).collect()
    }

    /// The tiles of hashes of a log of this size that are not full yet, nor empty.
    pub fn growing(size: u64) -> Vec<Self> {
        let tile = |level: u8| {
            let there = size >> (u32::from(HEIGHT) * u32::from(level));
            let (index, width) = (there / TILE_WIDTH, there % TILE_WIDTH);
            (width > 0).then_some(Self::Hashes { level, index, width })
        };
        (0..=MAX_LEVEL).filter_map(tile).collect()
    }

    /// The entries or hashes of its level that it holds: the first, and how many; `None` when a log of this size
    /// does not have them all.
    pub fn range(self, size: u64) -> Option<(u64, u64)> {
        let (level, index, width) = match self {
            Self::Hashes { level, index, width } => (level, index, width),
            Self::Entries { index, width } => (0, index, width),
        };
        let first = index.checked_mul(TILE_WIDTH)?;
        let there = size >> (u32::from(HEIGHT) * u32::from(level));
        (first.checked_add(width)? <= there).then_some((first, width))
    }

    /// The positions of a tile's hashes in the log's linear order; `None` when a log of this size does not have
    /// them all, or for entries.
    pub fn positions(self, size: u64) -> Option<Vec<u64>> {
        let Self::Hashes { level, .. } = self else { return None };
        let (first, width) = self.range(size)?;
        Some((first..first + width).map(|n| stored_hash_index(HEIGHT * level, n)).collect())
    }
}

/// A tile's number in groups of three digits, all but the last with an `x` before them.
fn number(index: u64) -> String {
    let (mut text, mut rest) = (format!("{:03}", index % 1000), index / 1000);
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    text
}
