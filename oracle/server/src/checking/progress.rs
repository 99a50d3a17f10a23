//! How far an audit is, on a terminal.

use std::time::Duration;

use evidence::Checkpoint;
use indicatif::{ProgressBar, ProgressStyle};

use super::walk::Walk;

/// A line on stderr; nothing where that is no terminal.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Shown until it is dropped.
    pub fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::default_spinner());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// An entry of the log was read.
    pub fn entry(&self, walk: &Walk, checkpoint: &Checkpoint) {
        if walk.log.size().is_multiple_of(256) {
            self.0.set_message(format!("log: {} of {} entries", walk.log.size(), checkpoint.size));
        }
    }

    /// An event is about to be checked.
    pub fn event(&self, number: usize, of: usize) {
        self.0.set_message(format!("events: {number} of {of}"));
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
