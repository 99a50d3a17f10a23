//! The token that says: this process has something to do.

use std::sync::Arc;
use std::time::Duration;

use crate::participant::Participant;
use crate::system_now_ms;
use crate::wake::{Roused, Wake};

/// The system's clock may be set while somebody sleeps, so a long sleep looks at it this often.
const SYSTEM_SLICE_MS: u64 = 60_000;

/// While one of these is alive and not sleeping, simulated time does not move.
///
/// On the system clock it is an empty token, and the same code runs with both.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let clock = clock::Clock::system();
/// let mut busy = clock.busy().await;
/// busy.sleep_until_ms(clock.now_ms() + 5).await;
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the process is quiescent again as soon as this is dropped"]
pub struct Busy(Option<Arc<Participant>>);

impl Busy {
    pub(crate) async fn enter(participant: Option<Arc<Participant>>) -> Self {
        let Some(participant) = participant else {
            return Self(None);
        };
        participant.begin();
        // Made before the wait, so that giving up on the wait gives the token back.
        let busy = Self(Some(participant));
        if let Some(participant) = &busy.0 {
            participant.acknowledged().await;
        }
        busy
    }

    /// One more token, for a task about to be spawned. Needs no word with the barrier, since
    /// the process is busy already.
    pub fn share(&self) -> Self {
        if let Some(participant) = &self.0 {
            participant.begin();
        }
        Self(self.0.clone())
    }

    /// Sleeps until the clock shows `wake_ms` (unix milliseconds) or later; the process is
    /// quiescent meanwhile, as far as this token goes. Returns at once when that time is past.
    ///
    /// Sleepers of several processes due at the same moment are woken one process after
    /// the other, in an order that is always the same (see [`crate::barrier`]).
    ///
    /// Dropping the returned future wakes the token. Where the process was quiescent just then,
    /// something unknown to the clock did that, and the barrier is told but not waited for; so
    /// don't `select!` a sleep against what another task of this process does: that
    /// is what [`Busy::sleep_until_or`] is for.
    pub async fn sleep_until_ms(&mut self, wake_ms: u64) {
        match &self.0 {
            Some(participant) => participant.sleep(wake_ms).await,
            None => system_sleep(wake_ms).await,
        }
    }

    /// Like [`Busy::sleep_until_ms`], but returns early when `wake` is called, or was called
    /// since this last returned because of it.
    pub async fn sleep_until_or(&mut self, wake_ms: u64, wake: &Wake) -> Roused {
        wake.or(self.sleep_until_ms(wake_ms)).await
    }

    /// Sleeps until `wake` is called, however long that takes.
    pub async fn sleep_until_woken(&mut self, wake: &Wake) {
        self.sleep_until_or(crate::NEVER, wake).await;
    }
}

/// The same as [`Busy::share`]; here so that a token can ride in a request's extensions.
impl Clone for Busy {
    fn clone(&self) -> Self {
        self.share()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(participant) = &self.0 {
            participant.end();
        }
    }
}

async fn system_sleep(wake_ms: u64) {
    loop {
        let left = wake_ms.saturating_sub(system_now_ms());
        if left == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(left.min(SYSTEM_SLICE_MS))).await;
    }
}
