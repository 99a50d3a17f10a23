//! From a host to the addresses that may be connected to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use url::Host;

use super::ProberError;
use super::cause::Cause;
use super::dns::Resolver;
use super::guard::is_public;
use super::own::unless_exhausted;
use super::timing::Trip;
use crate::config::{Config, Resolve as Rule};

/// Where something listens, as a measurement names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// A name, or an address written out.
    pub(super) host: Host<String>,
    /// Its port.
    pub(super) port: u16,
}

impl Endpoint {
    /// A host, which is a name or an address without brackets, and a port.
    pub(super) fn new(host: &str, port: u16) -> Self {
        let host = match host.parse() {
            Ok(IpAddr::V4(ip)) => Host::Ipv4(ip),
            Ok(IpAddr::V6(ip)) => Host::Ipv6(ip),
            Err(_) => Host::Domain(host.to_owned()),
        };
        Self { host, port }
    }

    /// `host:port`, an IPv6 address in brackets.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        Some(Self::new(address.unwrap_or(host), port.parse().ok()?))
    }
}

/// The configured resolver gives up after this time, if the probe does not before.
const LOOKUP_MS: u64 = 10_000;
/// A name with more addresses than this has the rest ignored.
const MAX_ADDRESSES: usize = 16;

/// The configured addresses, and else what the resolver says, less the addresses that nobody outside could reach.
///
/// What it returns is what gets connected to, so a name that leads elsewhere a moment later
/// can't slip by.
#[derive(Clone, Debug)]
pub(super) struct Names {
    rules: Arc<[Rule]>,
    /// Asked instead of the system's resolver.
    resolver: Option<Resolver>,
    allow_private: bool,
}

impl Names {
    /// With `allow_private`, private addresses are fine too. Those of the rules always are: they are the
    /// operator's own word.
    ///
    /// # Errors
    /// When the configured name server can't be asked.
    pub(super) fn new(config: &Config, allow_private: bool) -> Result<Self, ProberError> {
        let at = |server| Resolver::at(server, LOOKUP_MS).ok_or(ProberError::DnsServer { server });
        let resolver = config.probe.dns_server.map(at).transpose()?;
        Ok(Self { rules: config.resolve.as_slice().into(), resolver, allow_private })
    }

    /// Addresses written out that may not be probed. Of a name this is known only when it has been looked up.
    pub(super) fn forbids(&self, host: &Host<String>) -> bool {
        match host {
            Host::Ipv4(ip) => !self.allows((*ip).into()),
            Host::Ipv6(ip) => !self.allows((*ip).into()),
            Host::Domain(_) => false,
        }
    }

    /// The addresses that may be connected to, best first.
    pub(super) async fn addresses(
        &self,
        endpoint: &Endpoint,
        trip: &mut Trip,
    ) -> Result<Vec<SocketAddr>, Cause> {
        let ip = match &endpoint.host {
            Host::Domain(name) => return self.of_name(name, endpoint.port, trip).await,
            Host::Ipv4(ip) => IpAddr::from(*ip),
            Host::Ipv6(ip) => IpAddr::from(*ip),
        };
        if self.allows(ip) { Ok(vec![SocketAddr::new(ip, endpoint.port)]) } else { Err(Cause::Forbidden) }
    }

    async fn of_name(&self, name: &str, port: u16, trip: &mut Trip) -> Result<Vec<SocketAddr>, Cause> {
        let rule = self.rule(name);
        if let Some(addr) = rule.and_then(|rule| rule.addr) {
            return Ok(vec![addr]);
        }
        let port = rule.and_then(|rule| rule.port).unwrap_or(port);
        let found = self.look_up(name, port, trip).await;
        trip.in_time()?;
        let mut found = found.ok_or_else(|| unless_exhausted(Cause::Name))?;
        found.truncate(MAX_ADDRESSES);
        let allowed: Vec<SocketAddr> = found.iter().copied().filter(|addr| self.allows(addr.ip())).collect();
        match (found.is_empty(), allowed.is_empty()) {
            (true, _) => Err(Cause::Name),
            (false, true) => Err(Cause::Forbidden),
            (false, false) => Ok(allowed),
        }
    }

    fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.is_for(name))
    }

    async fn look_up(&self, name: &str, port: u16, trip: &mut Trip) -> Option<Vec<SocketAddr>> {
        match &self.resolver {
            Some(resolver) => {
                let found = resolver.addresses(name, trip).await?;
                Some(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
            }
            None => trip.lookups.ask(name, port).await,
        }
    }

    /// Is this a name that no rule of the configuration leads to a fixed address?
    pub(super) fn looks_up(&self, host: &Host<String>) -> bool {
        matches!(host, Host::Domain(name) if self.rule(name).is_none_or(|rule| rule.addr.is_none()))
    }

    fn allows(&self, ip: IpAddr) -> bool {
        self.allow_private || is_public(ip)
    }
}
