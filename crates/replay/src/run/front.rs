//! The service that is measured, as a place meets it: its name, its certificate, its answers.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::A;
use hickory_resolver::proto::rr::{RData, RecordType};
use testbed::{Authority, FailingTarget, Identity, NameServer, Phase as Behaviour, Reply, THE_CENTURY};
use url::Url;

use super::agenda::Behaviours;
use super::certificates::Presented;
use super::config;
use crate::scenario::{CertificateFault, Condition, DnsFailure, Scenario};

/// The service, and what leads to it.
#[derive(Debug)]
pub(super) struct Front {
    service: FailingTarget,
    host: String,
    /// The rule by which the oracle gets to it: straight, or as its name says and to its port there.
    rule: String,
    names: Option<Names>,
    certificates: Option<Certificates>,
}

impl Front {
    /// A service at the host of the scenario's target; with a name server of its own where the scenario makes names fail,
    /// and with certificates where it speaks TLS. Whom to believe about these is written to `roots`.
    pub(super) async fn start(scenario: &Scenario, roots: PathBuf) -> anyhow::Result<Self> {
        let url = scenario.measurement.target.http().map(|http| http.url.as_str()).unwrap_or_default();
        let url: Url = url.parse().context("measurement.target")?;
        let service = FailingTarget::start().await.context("the target")?;
        service.set_body(scenario.body.clone());
        let is_dns = |condition: &Condition| matches!(condition, Condition::Dns(_));
        let names = match scenario.phases.iter().any(|phase| is_dns(&phase.condition)) {
            true => Some(Names::start().await?),
            false => None,
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        let rule = match &names {
            None => config::resolve(&scenario.measurement, service.addr())?,
            Some(_) => format!(
                "\n[[resolve]]\nhost = {}\nport = {}\n",
                config::quoted(&*host),
                service.addr().port()
            ),
        };
        let certificates = match url.scheme() {
            "https" => Some(Certificates::new(roots)?),
            _ => None,
        };
        Ok(Self { service, host, rule, names, certificates })
    }

    /// Behaves like this from now on.
    pub(super) fn behave(&self, behaviours: &Behaviours) -> anyhow::Result<()> {
        self.service.set(behaviours.target.clone());
        if let Some(names) = &self.names {
            names.fail(behaviours.dns);
        }
        if let Some(certificates) = &self.certificates {
            self.service.present(&certificates.identity(&self.host, &behaviours.certificate)?)?;
        }
        if behaviours.ends_connections() {
            self.service.hang_up();
        }
        Ok(())
    }

    /// Behaves like this from now on, and is found and believed by everybody.
    pub(super) fn only(&self, behaviour: Behaviour) -> anyhow::Result<()> {
        self.service.set(behaviour);
        if let Some(names) = &self.names {
            names.fail(None);
        }
        if let Some(certificates) = &self.certificates {
            self.service.present(&certificates.identity(&self.host, &Presented::default())?)?;
        }
        Ok(())
    }

    /// What the oracle's configuration says below `[probe]` and after it, so that it finds and believes the service.
    pub(super) fn lines(&self) -> String {
        let mut lines = String::new();
        if let Some(names) = &self.names {
            let server = names.server.addr();
            // The name leads to this machine.
            lines += &format!("allow_private_targets = true\ndns_server = \"{server}\"\n");
        }
        if let Some(certificates) = &self.certificates {
            let roots = config::path(&certificates.roots);
            lines += &format!("system_roots = false\nextra_roots = {roots}\n");
        }
        lines + &self.rule
    }
}

/// A name server that knows every name, until it shall fail.
#[derive(Debug)]
struct Names {
    server: NameServer,
    failure: Arc<Mutex<Option<DnsFailure>>>,
}

impl Names {
    async fn start() -> anyhow::Result<Self> {
        let failure = Arc::<Mutex<Option<DnsFailure>>>::default();
        let now = Arc::clone(&failure);
        let answer =
            move |query: &Query, _| reply(*now.lock().unwrap_or_else(PoisonError::into_inner), query);
        let server = NameServer::start(answer).await.context("the name server")?;
        Ok(Self { server, failure })
    }

    fn fail(&self, failure: Option<DnsFailure>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// Every name leads to this machine.
fn reply(failure: Option<DnsFailure>, query: &Query) -> Reply {
    let records = match query.query_type() {
        RecordType::A => vec![RData::A(A(Ipv4Addr::LOCALHOST))],
        _ => Vec::new(),
    };
    match failure {
        None => Reply::Records(records),
        Some(DnsFailure::NoName) => Reply::Code(ResponseCode::NXDomain),
        Some(DnsFailure::NoAddress) => Reply::Records(Vec::new()),
        Some(DnsFailure::ServerFailure) => Reply::Code(ResponseCode::ServFail),
        Some(DnsFailure::Refused) => Reply::Code(ResponseCode::Refused),
        // Nobody really waits: the answer says that it comes too late.
        Some(DnsFailure::Timeout) => Reply::Late { records, latency_ms: u32::MAX },
    }
}

/// Two authorities, of which the oracle believes one.
#[derive(Debug)]
struct Certificates {
    ours: Authority,
    stranger: Authority,
    /// The file with the certificate of the one that is believed.
    roots: PathBuf,
}

impl Certificates {
    fn new(roots: PathBuf) -> anyhow::Result<Self> {
        let ours = Authority::new("the replay's authority")?;
        crate::files::write(&roots, ours.pem().as_bytes())?;
        Ok(Self { ours, stranger: Authority::new("a stranger")?, roots })
    }

    fn identity(&self, host: &str, presented: &Presented) -> anyhow::Result<Identity> {
        let authority = match presented.fault {
            Some(CertificateFault::UnknownIssuer) => &self.stranger,
            _ => &self.ours,
        };
        let host = match presented.fault {
            Some(CertificateFault::OtherName) => "other.example",
            _ => host,
        };
        let first = presented.first.map_or(*THE_CENTURY.start(), |first| first.0);
        let last = presented.last.map_or(*THE_CENTURY.end(), |last| last.0);
        authority.vouch(host, first..=last).with_context(|| format!("a certificate for {host}"))
    }
}
