//! Bodies that are looked into, and the memory that they take together.
//!
//! A stranger says how long a body may be, and the target takes the whole time of the probe to send it: a thousand such
//! probes would keep gigabytes.

use std::ops::Deref;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::probe::cause::Cause;

/// So much of each body is kept whatever the others take: most are no longer.
const FREE_BYTES: usize = 64 * 1024;
/// What lies beyond that takes at most so much memory, in KiB, for all probes together: 256 MiB.
const SHARED_KIB: usize = 256 * 1024;

/// The memory that long bodies share.
#[derive(Clone, Debug)]
pub(super) struct Memory(Arc<Semaphore>);

impl Default for Memory {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(SHARED_KIB)))
    }
}

/// A body, or what came of it so far. Its memory is given back with it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    place: Option<OwnedSemaphorePermit>,
}

impl Kept {
    /// Adds what came.
    ///
    /// # Errors
    /// [`Cause::OwnLimits`] when there is no memory left for it: that is the oracle's fault.
    pub(super) fn push(&mut self, data: &[u8], memory: &Memory) -> Result<(), Cause> {
        let length = self.bytes.len().saturating_add(data.len());
        let wanted = length.saturating_sub(FREE_BYTES).div_ceil(1024);
        let held = self.place.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(wanted.saturating_sub(held)).map_err(|_| Cause::OwnLimits)?;
        if more > 0 {
            let more = Arc::clone(&memory.0).try_acquire_many_owned(more).map_err(|_| Cause::OwnLimits)?;
            match &mut self.place {
                Some(place) => place.merge(more),
                None => self.place = Some(more),
            }
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

impl Deref for Kept {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
impl From<Vec<u8>> for Kept {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, place: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bodies_share_what_memory_there_is_and_short_ones_need_none_of_it() {
        let memory = Memory(Arc::new(Semaphore::new(3_000)));
        let megabyte = vec![0; 1 << 20];
        let mut long: Vec<Kept> = Vec::new();
        let full = loop {
            let mut body = Kept::default();
            let pushed = megabyte.chunks(10_000).try_for_each(|chunk| body.push(chunk, &memory));
            if pushed.is_err() {
                break pushed;
            }
            long.push(body);
        };
        assert_eq!(full, Err(Cause::OwnLimits));
        assert_eq!(
            (long.len(), memory.0.available_permits()),
            (3, 3_000 - 3 * 960),
            "all of the fourth is given back"
        );
        assert!(Kept::default().push(&megabyte[..FREE_BYTES], &memory).is_ok());
        long.pop();
        assert!(Kept::default().push(&megabyte, &memory).is_ok());
    }
}
