//! Looking hashes up by their position in a log.

use std::cell::RefCell;

use tlog_tiles::{Error, Hash, HashReader};

/// Reads hashes by calling a function; one that it does not know is an error.
pub(crate) struct Hashes<F>(pub F);

impl<F: Fn(u64) -> Option<Hash>> HashReader for Hashes<F> {
    fn read_hashes(&self, positions: &[u64]) -> Result<Vec<Hash>, Error> {
        positions.iter().map(|position| (self.0)(*position).ok_or(Error::IndexesNotInTree)).collect()
    }
}

/// Has no hashes, and notes which ones it is asked for.
#[derive(Default)]
pub(crate) struct Wanted(RefCell<Vec<u64>>);

impl Wanted {
    /// The positions that it was asked for.
    pub(crate) fn positions(self) -> Vec<u64> {
        self.0.into_inner()
    }
}

impl HashReader for Wanted {
    fn read_hashes(&self, positions: &[u64]) -> Result<Vec<Hash>, Error> {
        self.0.borrow_mut().extend_from_slice(positions);
        Err(Error::IndexesNotInTree)
    }
}
