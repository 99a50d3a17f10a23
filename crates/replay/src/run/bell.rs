//! How a message that trips a gate rouses the director, at the very moment of the message.

use std::sync::{Arc, Mutex, PoisonError};

use clock::{Clock, Wake};

/// Rung by gates, heard by the director. Clones are the same bell.
#[derive(Clone, Debug)]
pub(super) struct Bell {
    clock: Clock,
    wake: Arc<Wake>,
    /// The faults that were tripped and have not begun.
    tripped: Arc<Mutex<Vec<usize>>>,
}

impl Bell {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, wake: Arc::default(), tripped: Arc::default() }
    }

    /// A message has tripped the fault of this number. Time does not move until the director has heard of it.
    pub(super) async fn ring(&self, fault: usize) {
        let busy = self.clock.busy().await;
        self.tripped.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
        self.wake.wake(&busy);
    }

    /// What the director sleeps on.
    pub(super) fn wake(&self) -> &Wake {
        &self.wake
    }

    /// The faults that were tripped since the last look.
    pub(super) fn take(&self) -> Vec<usize> {
        std::mem::take(&mut *self.tripped.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
