//! Probing: one request to a target, and the judgement whether its answer was good.
//!
//! Bad means that the target failed. Where the oracle's own connectivity is in doubt the verdict
//! is unknown, and a probe that was never made leaves no sample at all.

mod attempt;
mod cause;
mod dial;
mod dns;
mod guard;
mod http;
mod lookups;
mod names;
mod own;
mod phases;
mod read;
mod references;
mod roots;
mod socket;
mod timing;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

use clock::Clock;
use ledger::Verdict;
use terms::{Decimal, DocumentError, Indicator, Measurement, MetricSource, Target};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use attempt::Attempt;
pub use cause::Cause;
use dial::Dialer;
use dns::{Dns, DnsCheck};
use http::{Http, HttpCheck};
pub use lookups::AT_ONCE as LOOKUPS_AT_ONCE;
use names::Names;
pub use phases::Phases;
pub use references::ReferenceAnswer;
use references::References;
pub use roots::{Roots, RootsError};
use socket::{SocketCheck, Sockets};
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
    /// The configured name server can't be asked.
    #[error("probe.dns_server: {server} can't be asked")]
    DnsServer {
        /// The name server.
        server: SocketAddr,
    },
    /// Certificates can't be judged, or TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A target, ready to be probed again and again.
#[derive(Debug)]
pub struct Check(Kind);

#[derive(Debug)]
enum Kind {
    Http(Box<HttpCheck>),
    Socket(SocketCheck),
    Dns(Box<DnsCheck>),
}

impl Check {
    /// Refuses what this oracle would not judge to the end. An event that is announced already is probed all the same.
    ///
    /// # Errors
    /// Names the field of the measurement, and its bound.
    pub fn is_bounded(&self) -> Result<(), DocumentError> {
        match &self.0 {
            Kind::Http(check) => check.is_bounded(),
            Kind::Socket(_) | Kind::Dns(_) => Ok(()),
        }
    }
}

/// What one probe of a target saw.
#[derive(Debug)]
pub struct Observation {
    /// Good, bad, or not to be decided.
    pub verdict: Verdict,
    /// Until the whole answer was there, or until the probe gave up.
    pub latency_ms: u32,
    /// Why it is not good.
    pub cause: Option<Cause>,
    /// What a good answer reads, where a reading is taken.
    pub value: Option<Decimal>,
    /// How long the parts of it took.
    pub phases: Phases,
    /// What the reference targets answered, when they were asked.
    pub references: Vec<ReferenceAnswer>,
}

/// What a failure counts as, why, and what the references answered.
pub type Judged = (Verdict, Option<Cause>, Vec<ReferenceAnswer>);

/// Probes targets; one for the whole process.
#[derive(Debug)]
pub struct Prober {
    http: Http,
    sockets: Sockets,
    dns: Dns,
    references: References,
    under_way: Arc<Semaphore>,
    most: usize,
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
        let names = Names::new(config, config.probe.allow_private_targets)?;
        let dialer = Arc::new(Dialer::new(names, tls.clone()));
        Ok(Self {
            http: Http::new(config, Arc::clone(&dialer), timing),
            sockets: Sockets::new(Arc::clone(&dialer), timing),
            dns: Dns::new(dialer, config.probe.dns_server, timing),
            references: References::new(config, tls, timing)?,
            under_way: Arc::new(Semaphore::new(config.limits.probes)),
            most: config.limits.probes,
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

    /// Turns a measurement's target into a check that can be made again and again.
    ///
    /// # Errors
    /// Names the field of the measurement that this oracle can't probe, and why.
    pub fn prepare(&self, measurement: &Measurement) -> Result<Check, DocumentError> {
        match &measurement.indicator {
            Indicator::Metric(metric) => self.prepare_target(&measurement.target, Some(&metric.source)),
            _ => self.prepare_target(&measurement.target, None),
        }
    }

    /// As [`Prober::prepare`]; with a `source`, each good answer is read there.
    ///
    /// # Errors
    /// Names the field of the measurement that this oracle can't probe, and why.
    pub fn prepare_target(
        &self,
        target: &Target,
        source: Option<&MetricSource>,
    ) -> Result<Check, DocumentError> {
        let kind = match target {
            Target::Http(http) => Kind::Http(Box::new(self.http.prepare(http, source)?)),
            Target::Tcp(tcp) => Kind::Socket(self.sockets.prepare_tcp(tcp)?),
            Target::Tls(tls) => Kind::Socket(self.sockets.prepare_tls(tls)?),
            Target::Dns(dns) => Kind::Dns(Box::new(self.dns.prepare(dns)?)),
            Target::Heartbeat(_) => {
                let rule = "is not probed: the service sends its beats to the oracle";
                return Err(DocumentError::new("target.heartbeat", rule));
            }
        };
        Ok(Check(kind))
    }

    /// How many probes are under way.
    pub fn under_way(&self) -> usize {
        self.most - self.under_way.available_permits()
    }

    /// A place among the probes that may be under way at once.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.under_way).acquire_owned().await.ok()
    }

    /// Probes once; where that fails, asks the references whether it may count.
    pub async fn probe(&self, check: &Check) -> Observation {
        let attempt = match &check.0 {
            Kind::Http(check) => self.http.attempt(check).await,
            Kind::Socket(check) => self.sockets.attempt(check).await,
            Kind::Dns(check) => self.dns.attempt(check).await,
        };
        let Attempt { fault, value, latency_ms, phases } = attempt;
        let (verdict, cause, references) = match fault {
            None => (Verdict::Good, None, Vec::new()),
            // The oracle was not up to it, and says nothing about the target.
            Some(Cause::NotJudged | Cause::OwnLimits) => (Verdict::Unknown, fault, Vec::new()),
            Some(fault) => self.judge_failure(fault).await,
        };
        Observation { verdict, latency_ms, cause, value, phases, references }
    }

    /// What a failure counts as: bad where the references answer, undecided where the oracle itself is not connected.
    pub async fn judge_failure(&self, fault: Cause) -> Judged {
        let references = self.references.ask().await;
        if self.references.suffice(&references) {
            (Verdict::Bad, Some(fault), references)
        } else {
            (Verdict::Unknown, Some(Cause::References), references)
        }
    }
}
