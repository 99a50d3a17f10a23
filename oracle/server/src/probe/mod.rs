//! Probing: one request to a target, and the judgement whether its answer was good.
//!
//! Bad means that the target failed. Where the oracle's own connectivity is in doubt the verdict
//! is unknown, and a probe that was never made leaves no sample at all.

mod attempt;
mod cause;
mod dial;
mod guard;
mod http;
mod names;
mod phases;
mod references;
mod roots;
mod timing;
mod tls;

use std::sync::Arc;

use clock::Clock;
use ledger::Verdict;
use terms::{DocumentError, Target};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use cause::Cause;
use http::{Http, HttpCheck};
pub use phases::Phases;
pub use references::ReferenceAnswer;
use references::References;
pub use roots::{Roots, RootsError};
pub use timing::Timing;
use tls::Tls;
pub use tls::TlsError;

use crate::config::Config;

/// What an operator has to know where a certificate can't be judged.
pub const NO_ROOTS: &str = "this machine has no root certificates; install the package \
     ca-certificates, or set probe.extra_roots";

/// Why targets can't be probed at all.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    /// The configured roots can't be used.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// A reference needs roots, and there are none. Every failed probe would be taken for the oracle's own fault.
    #[error("reference.url: {url} can't be judged: {}", NO_ROOTS)]
    Reference {
        /// The reference.
        url: String,
    },
    /// Certificates can't be judged, or TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A target, ready to be probed again and again.
#[derive(Debug)]
pub struct Check(HttpCheck);

/// What one probe of a target saw.
#[derive(Debug)]
pub struct Observation {
    /// Good, bad, or not to be decided.
    pub verdict: Verdict,
    /// Until the whole answer was there, or until the probe gave up.
    pub latency_ms: u32,
    /// Why it is not good.
    pub cause: Option<Cause>,
    /// How long the parts of it took.
    pub phases: Phases,
    /// What the reference targets answered, when they were asked.
    pub references: Vec<ReferenceAnswer>,
}

/// Probes targets; one for the whole process.
#[derive(Debug)]
pub struct Prober {
    http: Http,
    references: References,
    under_way: Arc<Semaphore>,
    roots: Roots,
}

impl Prober {
    /// A prober as the configuration says, whose time is `clock`'s.
    ///
    /// # Errors
    /// When roots that the configuration names or needs can't be had.
    pub fn new(config: &Config, clock: &Clock) -> Result<Self, ProberError> {
        let timing = if clock.is_simulated() { Timing::Simulated } else { Timing::Stopwatch };
        let roots = Roots::load(&config.probe)?;
        let tls = Tls::new(&roots, clock.clone())?;
        let blind = config.references.iter().find(|it| roots.is_empty() && it.url.scheme() == "https");
        if let Some(reference) = blind {
            return Err(ProberError::Reference { url: reference.url.to_string() });
        }
        Ok(Self {
            http: Http::new(config, &tls, timing, config.probe.allow_private_targets),
            references: References::new(config, &tls, timing),
            under_way: Arc::new(Semaphore::new(config.limits.probes)),
            roots,
        })
    }

    /// Counts its probes together with those of the prober that it comes after, which may be under way still.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        Self { under_way: Arc::clone(&before.under_way), ..self }
    }

    /// Whom it believes about certificates.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Turns a target into a request that can be sent again and again.
    ///
    /// # Errors
    /// Names the field of the measurement that this oracle can't probe, and why.
    pub fn prepare(&self, target: &Target) -> Result<Check, DocumentError> {
        match target {
            Target::Http(http) => self.http.prepare(http).map(Check),
            _ => Err(DocumentError::new(
                format!("target.{}", target.kind()),
                "this oracle does not probe this kind of target yet",
            )),
        }
    }

    /// A place among the probes that may be under way at once.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.under_way).acquire_owned().await.ok()
    }

    /// Probes once; where that fails, asks the references whether it may count.
    pub async fn probe(&self, check: &Check) -> Observation {
        let attempt = self.http.attempt(&check.0).await;
        let (latency_ms, phases) = (attempt.latency_ms, attempt.phases);
        let Some(fault) = attempt.fault else {
            let (verdict, cause) = (Verdict::Good, None);
            return Observation { verdict, latency_ms, cause, phases, references: Vec::new() };
        };
        let references = self.references.ask().await;
        let (verdict, cause) = if self.references.suffice(&references) {
            (Verdict::Bad, fault)
        } else {
            (Verdict::Unknown, Cause::References)
        };
        Observation { verdict, latency_ms, cause: Some(cause), phases, references }
    }
}
