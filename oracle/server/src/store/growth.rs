//! Waiting for the log to grow.

use std::time::Duration;

use tokio::sync::watch;

use super::Store;

/// Whoever waits looks for itself after so long, whatever it was told.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Somebody who wants to know when the log has grown.
#[derive(Debug)]
pub struct Growth(watch::Receiver<()>);

impl Growth {
    /// What the log has now is known; only what comes later is news.
    pub fn look(&mut self) {
        self.0.mark_unchanged();
    }

    /// Waits until the log may have grown.
    pub async fn wait(&mut self) {
        // A store that is gone tells nothing any more, and its readers are stopped.
        let _ = tokio::time::timeout(LOOK_EVERY, self.0.changed()).await;
    }
}

impl Store {
    /// Says when the log has grown.
    pub fn growth(&self) -> Growth {
        Growth(self.grown.subscribe())
    }

    /// The log may have grown: whoever waits for it shall look.
    pub(super) fn has_grown(&self) {
        self.grown.send_replace(());
    }
}
