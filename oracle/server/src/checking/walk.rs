//! Walking a log: every entry, every hash that the server shows of it, and the checkpoints it signed.

use std::collections::BTreeSet;

use evidence::log::{LogError, Stored};
use evidence::{Checkpoint, Log, TILE_WIDTH, TilePath};

use super::said::{Events, SaidError};
use super::source::{Source, SourceError};

/// An entry has at most 65,535 bytes, and two for its length.
const MAX_BUNDLE: usize = 256 * (2 + 65_535);
const MAX_TILE: usize = 256 * 32;

/// Where a log breaks.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// It can't be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file of entries is cut off, or has more of them than its name says.
    #[error("tile {path}: does not hold {expected} entries")]
    Entries {
        /// The file.
        path: String,
        /// How many it should hold.
        expected: u64,
    },
    /// A hash is not that of the entries below it.
    #[error("tile {path}, hash {place}: is not that of the entries below it")]
    Hash {
        /// The file.
        path: String,
        /// The hash's place in it.
        place: usize,
    },
    /// An entry says what it must not.
    #[error("entry {index}: {error}")]
    Entry {
        /// The entry.
        index: u64,
        /// What is wrong.
        error: SaidError,
    },
    /// The entries are not those of the checkpoint.
    #[error("the {size} entries do not give the root of the checkpoint that the oracle signed over them")]
    Root {
        /// The checkpoint's size.
        size: u64,
    },
    /// The log is too large.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A log as far as it was walked.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// Its right edge.
    pub log: Log,
    /// Hashes that are still needed: for the edge, and for tiles that are not full.
    pub hashes: Stored,
    /// What it said of every event.
    pub events: Events,
}

impl Walk {
    /// Walks on to this checkpoint, calling `at` after each entry.
    ///
    /// # Errors
    /// Says at which tile or entry it breaks.
    pub async fn to(
        &mut self,
        source: &Source,
        checkpoint: &Checkpoint,
        mut at: impl FnMut(&Self),
    ) -> Result<(), WalkError> {
        while self.log.size() < checkpoint.size {
            let leaves = self.bundle(source, checkpoint.size).await?;
            for leaf in leaves {
                self.take(&leaf)?;
                at(self);
            }
            self.compare(source, TilePath::completed(self.log.size())).await?;
            self.prune();
        }
        self.compare(source, TilePath::growing(self.log.size())).await?;
        if self.log.root() == checkpoint.root {
            Ok(())
        } else {
            Err(WalkError::Root { size: checkpoint.size })
        }
    }

    /// The entries from here to the end of their file, or of the log.
    async fn bundle(&self, source: &Source, size: u64) -> Result<Vec<Vec<u8>>, WalkError> {
        let (index, known) = (self.log.size() / TILE_WIDTH, self.log.size() % TILE_WIDTH);
        let width = TILE_WIDTH.min(size - index * TILE_WIDTH);
        let path = TilePath::Entries { index, width }.path();
        let bytes = source.get(&format!("/tile/{path}"), MAX_BUNDLE).await?;
        let leaves = split(&bytes).filter(|leaves| leaves.len() as u64 == width);
        let mut leaves = leaves.ok_or(WalkError::Entries { path, expected: width })?;
        leaves.drain(..usize::try_from(known).unwrap_or(leaves.len()));
        Ok(leaves)
    }

    fn take(&mut self, leaf: &[u8]) -> Result<(), WalkError> {
        let index = self.log.size();
        self.events.hear(leaf).map_err(|error| WalkError::Entry { index, error })?;
        self.hashes.extend(self.log.append(leaf)?);
        Ok(())
    }

    /// Compares tiles of hashes with what the entries give.
    async fn compare(&self, source: &Source, tiles: Vec<TilePath>) -> Result<(), WalkError> {
        for tile in tiles {
            let expected = tile.hashes(self.log.size(), &self.hashes).ok_or(LogError::Missing)?;
            let path = tile.path();
            let shown = source.get(&format!("/tile/{path}"), MAX_TILE).await?;
            let (shown, rest) = shown.as_chunks::<32>();
            let same = shown.iter().zip(&expected).take_while(|(shown, expected)| shown == expected).count();
            if same < expected.len() || same < shown.len() || !rest.is_empty() {
                return Err(WalkError::Hash { path, place: same });
            }
        }
        Ok(())
    }

    /// Forgets the hashes that nothing ahead needs.
    fn prune(&mut self) {
        let size = self.log.size();
        let growing = TilePath::growing(size).into_iter().filter_map(|tile| tile.positions(size));
        let needed: BTreeSet<u64> = growing.flatten().chain(Log::edge(size)).collect();
        self.hashes.retain(|position, _| needed.contains(position));
    }
}

/// Entries, each behind its length in two bytes; `None` when the last one is cut off.
fn split(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut leaves = Vec::new();
    while let [high, low, rest @ ..] = bytes {
        let (leaf, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
        leaves.push(leaf.to_vec());
        bytes = rest;
    }
    bytes.is_empty().then_some(leaves)
}
