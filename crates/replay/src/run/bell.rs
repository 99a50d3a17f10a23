//! How a message that trips a gate rouses the director, at the very moment of the message.

use std::sync::{Arc, Mutex, PoisonError};

use clock::{Clock, Wake};
use tokio::sync::Notify;

/// Rung by gates, heard by the director. Clones are the same bell.
#[derive(Clone, Debug)]
pub(super) struct Bell {
    clock: Clock,
    wake: Arc<Wake>,
    /// The faults that were tripped and have not begun.
    tripped: Arc<Mutex<Vec<usize>>>,
    /// For who waits without sleeping.
    rung: Arc<Notify>,
}

impl Bell {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, wake: Arc::default(), tripped: Arc::default(), rung: Arc::default() }
    }

    /// A message has tripped the faults of these numbers. Time does not move until the director has heard of it.
    pub(super) async fn ring(&self, faults: &[usize]) {
        let busy = self.clock.busy().await;
        self.tripped.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
        self.wake.wake(&busy);
        self.rung.notify_one();
    }

    /// Waits until it was rung since the last look, for who holds time meanwhile.
    pub(super) async fn rung(&self) {
        while self.tripped.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            self.rung.notified().await;
        }
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
