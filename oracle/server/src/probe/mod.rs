//! Probing: one request to a target, and the judgement whether its answer was good.
//!
//! Bad means that the target failed. Where the oracle's own connectivity is in doubt the verdict
//! is unknown, and a probe that was never made leaves no sample at all.

mod cause;
mod client;
mod guard;
mod references;
mod timing;

use std::sync::Arc;

use ledger::Verdict;
use terms::{DocumentError, Target};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use cause::Cause;
pub use client::Check;
use client::Http;
pub use references::ReferenceAnswer;
use references::References;
pub use timing::Timing;

use crate::config::Config;

/// What one probe of a target saw.
#[derive(Debug)]
pub struct Observation {
    /// Good, bad, or not to be decided.
    pub verdict: Verdict,
    /// Until the whole answer was there, or until the probe gave up.
    pub latency_ms: u32,
    /// Why it is not good.
    pub cause: Option<Cause>,
    /// What the reference targets answered, when they were asked.
    pub references: Vec<ReferenceAnswer>,
}

/// Probes targets; one for the whole process.
#[derive(Debug)]
pub struct Prober {
    http: Http,
    references: References,
    under_way: Arc<Semaphore>,
}

impl Prober {
    /// A prober as the configuration says.
    ///
    /// # Errors
    /// When the HTTP client can't be built.
    pub fn new(config: &Config, timing: Timing) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: Http::new(config, timing)?,
            references: References::new(config, timing)?,
            under_way: Arc::new(Semaphore::new(config.limits.probes)),
        })
    }

    /// Turns a target into a request that can be sent again and again.
    ///
    /// # Errors
    /// Names the field of the measurement that this oracle can't probe, and why.
    pub fn prepare(&self, target: &Target) -> Result<Check, DocumentError> {
        self.http.prepare(target)
    }

    /// A place among the probes that may be under way at once.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.under_way).acquire_owned().await.ok()
    }

    /// Probes once; where that fails, asks the references whether it may count.
    pub async fn probe(&self, check: &Check) -> Observation {
        match self.http.attempt(check).await {
            Ok(latency_ms) => {
                Observation { verdict: Verdict::Good, latency_ms, cause: None, references: Vec::new() }
            }
            Err((cause, latency_ms)) => self.judge_failure(cause, latency_ms).await,
        }
    }

    async fn judge_failure(&self, cause: Cause, latency_ms: u32) -> Observation {
        let references = self.references.ask().await;
        let (verdict, cause) = if self.references.suffice(&references) {
            (Verdict::Bad, cause)
        } else {
            (Verdict::Unknown, Cause::References)
        };
        Observation { verdict, latency_ms, cause: Some(cause), references }
    }
}
