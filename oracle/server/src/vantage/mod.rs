//! A vantage elsewhere: a process of its own that probes for oracles and hands in what it saw, signed.
//!
//! ```text
//! assignments -> watch -> samples -> signed batches -> oracle
//!   errand.rs    follow.rs     spool.rs (on disk first)   errand.rs
//! ```
//!
//! It serves one key of an oracle, and what was announced by the keys before it (`lineage.rs`).
//!
//! Everything is in the spool before it leaves, so that nothing is lost or said twice whoever dies when. What the
//! oracle does with it stands in `crate::vantages`.

mod assignment;
mod errand;
mod follow;
mod lineage;
mod service;
mod spool;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clock::{Busy, Clock, Roused, Wake};
use signer::VantageKey;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::measuring::watch::Place;
use crate::probe::Prober;

pub use service::{Running, start};
pub use spool::{Spool, SpoolError};

/// A vantage's parts. There is one for a process, shared by its tasks.
#[derive(Debug)]
pub struct Outpost {
    config: Config,
    clock: Clock,
    key: VantageKey,
    spool: Spool,
    prober: Arc<Prober>,
    /// Samples are written at least this often.
    flush_every_ms: u64,
    /// Whether the oracles agree about the time. While they don't, nothing that is seen counts.
    clock_fits: AtomicBool,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Outpost {
    fn place(&self) -> Place {
        Place { clock: self.clock.clone(), prober: Arc::clone(&self.prober) }
    }

    /// Sleeps until the clock shows `wake_ms`; false when the process is to stop.
    async fn sleep(&self, busy: &mut Busy, wake_ms: u64) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = busy.sleep_until_ms(wake_ms) => true,
        }
    }

    /// As [`Self::sleep`], or until the bell is rung; `None` when the process is to stop.
    async fn sleep_or(&self, busy: &mut Busy, wake_ms: u64, wake: &Wake) -> Option<Roused> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            roused = busy.sleep_until_or(wake_ms, wake) => Some(roused),
        }
    }

    fn clock_fits(&self) -> bool {
        self.clock_fits.load(Ordering::Relaxed)
    }

    fn judge_clock(&self, fits: bool) {
        if self.clock_fits.swap(fits, Ordering::Relaxed) != fits {
            if fits {
                tracing::info!("the clock agrees with the oracle's again");
            } else {
                tracing::error!("the clock is not the oracle's: nothing that is seen counts until it is");
            }
        }
    }
}
