//! A stub resolver: it asks name servers, over UDP and where the answer does not fit over TCP, and remembers nothing.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::Name;
use hickory_resolver::system_conf::read_system_conf;
use terms::RecordType;

use super::answers;
use crate::probe::cause::Cause;
use crate::probe::timing::Trip;

/// UDP loses packets: in the time of a probe a question is asked this often.
const ASKED: u64 = 3;

/// What is asked.
#[derive(Clone, Debug)]
pub(in crate::probe) struct Question {
    name: Name,
    record: RecordType,
}

impl Question {
    /// A question about exactly this name, which the resolver's search domains don't change.
    pub(in crate::probe) fn new(name: &str, record: RecordType) -> Option<Self> {
        let mut name = Name::from_ascii(name).ok()?;
        name.set_fqdn(true);
        Some(Self { name, record })
    }
}

/// Asks certain name servers.
#[derive(Clone)]
pub(in crate::probe) struct Resolver(TokioResolver);

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl Resolver {
    /// Asks one server, and gives up before `timeout_ms` are over.
    pub(in crate::probe) fn at(server: SocketAddr, timeout_ms: u64) -> Option<Self> {
        let port = |mut connection: ConnectionConfig| {
            connection.port = server.port();
            connection
        };
        let connections = vec![port(ConnectionConfig::udp()), port(ConnectionConfig::tcp())];
        let server = NameServerConfig::new(server.ip(), true, connections);
        Self::over(ResolverConfig::from_name_servers(vec![server]), timeout_ms)
    }

    /// Asks the servers of the machine (`/etc/resolv.conf`); `None` when it has none.
    pub(in crate::probe) fn of_system(timeout_ms: u64) -> Option<Self> {
        let (config, _) = read_system_conf().ok()?;
        let (_, _, servers) = config.into_parts();
        if servers.is_empty() {
            None
        } else {
            Self::over(ResolverConfig::from_name_servers(servers), timeout_ms)
        }
    }

    fn over(config: ResolverConfig, timeout_ms: u64) -> Option<Self> {
        let mut options = ResolverOpts::default();
        options.timeout = Duration::from_millis(timeout_ms.div_ceil(ASKED).max(1));
        options.attempts = usize::try_from(ASKED - 1).unwrap_or(0);
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        builder.build().ok().map(Self)
    }

    /// The addresses of a host, best first; `None` when it has none, or nobody says.
    pub(in crate::probe) async fn addresses(&self, host: &str, trip: &mut Trip) -> Option<Vec<IpAddr>> {
        let mut name = Name::from_ascii(host).ok()?;
        name.set_fqdn(true);
        let found = self.0.lookup_ip(name).await.ok()?;
        trip.heard_name_server(found.as_lookup().additionals());
        Some(found.iter().collect())
    }

    /// The answers to a question, as measurements write them; at least one.
    pub(in crate::probe) async fn ask(
        &self,
        question: &Question,
        trip: &mut Trip,
    ) -> Result<Vec<String>, Cause> {
        let looked_up = self.0.lookup(question.name.clone(), super::wire(question.record)).await;
        let lookup = looked_up.map_err(|error| cause_of(&error))?;
        trip.heard_name_server(lookup.additionals());
        let found: Vec<String> = lookup
            .answers()
            .iter()
            .filter_map(|record| answers::text_of(&record.data, question.record))
            .collect();
        if found.is_empty() { Err(Cause::DnsNoRecord) } else { Ok(found) }
    }
}

/// What it means that a question was not answered with records.
fn cause_of(error: &NetError) -> Cause {
    match error {
        NetError::Timeout => Cause::Timeout,
        NetError::Io(_) | NetError::NoConnections => Cause::Connect,
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Cause::DnsNoName,
            ResponseCode::NoError => Cause::DnsNoRecord,
            code => Cause::DnsCode(code.into()),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => Cause::DnsCode((*code).into()),
        _ => Cause::DnsBroken,
    }
}
