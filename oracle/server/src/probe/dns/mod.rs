//! DNS: a question to a name server, and whether the answer is the expected one.

mod answers;
mod resolver;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use terms::{DnsTarget, DocumentError, RecordType};

use super::attempt::Attempt;
use super::cause::Cause;
use super::dial::Dialer;
use super::lookups::Lookups;
use super::names::Endpoint;
use super::own::unless_exhausted;
use super::timing::{Timing, Trip};
pub(super) use resolver::Resolver;

/// Asks name servers.
#[derive(Debug)]
pub(super) struct Dns {
    dialer: Arc<Dialer>,
    /// The configured server, where there is one.
    own: Option<SocketAddr>,
    timing: Timing,
}

/// A question, ready to be asked again and again.
#[derive(Debug)]
pub(super) struct DnsCheck {
    question: resolver::Question,
    asks: Asks,
    timeout_ms: u64,
    answers: Vec<String>,
    lookups: Lookups,
}

/// Who is asked.
#[derive(Debug)]
enum Asks {
    /// The oracle's own resolver.
    Own(Box<Resolver>),
    /// The server that the measurement names; where it is, is looked up anew by each probe.
    Named(Endpoint),
}

impl Dns {
    pub(super) fn new(dialer: Arc<Dialer>, own: Option<SocketAddr>, timing: Timing) -> Self {
        Self { dialer, own, timing }
    }

    /// # Errors
    /// Names the field that this oracle can't probe, and why.
    pub(super) fn prepare(&self, target: &DnsTarget) -> Result<DnsCheck, DocumentError> {
        let refuse = |field: &str, rule: &str| DocumentError::new(format!("target.dns.{field}"), rule);
        let question = resolver::Question::new(&target.name, target.record)
            .ok_or_else(|| refuse("name", "must be a name that can be asked for"))?;
        let asks = match &target.server {
            None => {
                Asks::Own(self.own_resolver(target.timeout_ms).map(Box::new).ok_or_else(|| {
                    refuse("server", "must be given: this oracle's machine has no resolver")
                })?)
            }
            Some(server) => Asks::Named(
                Endpoint::parse(server)
                    .filter(|server| !self.dialer.names().forbids(&server.host))
                    .ok_or_else(|| refuse("server", "this oracle asks no private or special addresses"))?,
            ),
        };
        let (timeout_ms, answers) = (target.timeout_ms, target.answers.clone());
        Ok(DnsCheck { question, asks, timeout_ms, answers, lookups: Lookups::default() })
    }

    /// The operator's own word, so it may lie on a private network.
    fn own_resolver(&self, timeout_ms: u64) -> Option<Resolver> {
        match self.own {
            Some(server) => Resolver::at(server, timeout_ms),
            None => Resolver::of_system(timeout_ms),
        }
    }

    /// Asks once.
    pub(super) async fn attempt(&self, check: &DnsCheck) -> Attempt {
        let work = async |trip: &mut Trip| self.ask(check, trip).await;
        let ran = self.timing.run(check.timeout_ms, &check.lookups, work).await;
        let fault = match &ran.outcome {
            Ok(found) => fault_of(found, &check.answers),
            Err(cause) => Some(*cause),
        };
        Attempt { fault, value: None, latency_ms: ran.latency_ms, phases: ran.phases }
    }

    async fn ask(&self, check: &DnsCheck, trip: &mut Trip) -> Result<Vec<String>, Cause> {
        let named;
        let resolver = match &check.asks {
            Asks::Own(resolver) => resolver,
            Asks::Named(server) => {
                let addresses = self.dialer.names().addresses(server, trip).await?;
                let address = addresses.first().copied().ok_or(Cause::Name)?;
                named = Resolver::at(address, check.timeout_ms).ok_or(Cause::Connect)?;
                &named
            }
        };
        let started = Instant::now();
        let found = resolver.ask(&check.question, trip).await;
        trip.phases.add_dns(started);
        found.map_err(|cause| match cause {
            Cause::Connect | Cause::Timeout => unless_exhausted(cause),
            other => other,
        })
    }
}

fn fault_of(found: &[String], expected: &[String]) -> Option<Cause> {
    let missing = expected.iter().any(|answer| !found.contains(answer));
    missing.then_some(Cause::DnsAnswer)
}

/// As messages have it.
fn wire(record: RecordType) -> hickory_resolver::proto::rr::RecordType {
    use hickory_resolver::proto::rr::RecordType as Wire;
    match record {
        RecordType::A => Wire::A,
        RecordType::Aaaa => Wire::AAAA,
        RecordType::Cname => Wire::CNAME,
        RecordType::Mx => Wire::MX,
        RecordType::Ns => Wire::NS,
        RecordType::Txt => Wire::TXT,
    }
}
