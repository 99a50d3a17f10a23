//! Rousing a sleeping task without a gap in which time could move.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::busy::Busy;

/// Why a sleep ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roused {
    /// The time came.
    Due,
    /// Somebody called [`Wake::wake`].
    Woken,
}

/// A bell for one sleeping task: like [`tokio::sync::Notify`] with its one permit, except that
/// the caller's busyness is handed over along with it.
///
/// The token waits inside until the sleeper took it, so a `Wake` that is rung but never
/// slept on ([`Busy::sleep_until_or`]) holds simulated time still until it is dropped.
#[derive(Debug, Default)]
pub struct Wake {
    bell: Notify,
    carried: Mutex<Option<Busy>>,
}

impl Wake {
    /// A bell that nobody rang yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rouses the task that sleeps on this, or makes its next sleep on it return at once.
    /// The caller shows with its token that the process is busy, and the sleeper inherits that.
    pub fn wake(&self, busy: &Busy) {
        // An older token that was never taken is dropped only after the lock is released.
        let _older = self.carry(Some(busy.share()));
        self.bell.notify_one();
    }

    /// Waits for `sleep` or for the bell. `sleep` is dropped, and so its token awake again,
    /// before the carried one is given back.
    pub(crate) async fn or(&self, sleep: impl Future<Output = ()>) -> Roused {
        let roused = tokio::select! {
            biased;
            () = self.bell.notified() => Roused::Woken,
            () = sleep => Roused::Due,
        };
        if roused == Roused::Woken {
            drop(self.carry(None));
        }
        roused
    }

    fn carry(&self, busy: Option<Busy>) -> Option<Busy> {
        std::mem::replace(&mut self.carried.lock().unwrap_or_else(PoisonError::into_inner), busy)
    }
}
