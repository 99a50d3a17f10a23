//! How probes connect: through the guarded resolver, over connections that are kept as long as they may be.

use std::sync::{Mutex, PoisonError};

use reqwest::header::{HOST, HeaderValue};
use reqwest::{Client, Method, Request, redirect};
use rustls::ClientConfig;
use url::Url;

use super::ProberError;
use super::guard::GuardedResolver;
use super::tls::{GoodUntil, Tls};
use crate::config::{Config, Resolve};

/// Makes HTTP clients that follow no redirect, use no proxy and connect only where they may.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    resolver: GuardedResolver,
    keep_alive: bool,
    tls: Tls,
}

impl Connector {
    pub(super) fn new(config: &Config, tls: Tls, allow_private: bool) -> Self {
        let resolver = GuardedResolver::new(config.resolve.clone(), allow_private);
        Self { resolver, keep_alive: config.probe.keep_alive, tls }
    }

    /// A client for many targets.
    pub(super) fn shared(&self) -> Result<Client, ProberError> {
        Ok(self.client(self.tls.shared()?)?)
    }

    /// The connections of one `https` target; `None` where there are no roots to judge it by.
    pub(super) fn own(&self) -> Option<Result<Connections, ProberError>> {
        let kept = self.kept()?;
        Some(kept.map(|kept| Connections::Own { connector: self.clone(), kept: Mutex::new(kept) }))
    }

    fn kept(&self) -> Option<Result<Kept, ProberError>> {
        let made = self.tls.watched()?.map_err(ProberError::from);
        Some(made.and_then(|(config, good_until)| Ok(Kept { client: self.client(config)?, good_until })))
    }

    fn client(&self, tls: ClientConfig) -> Result<Client, reqwest::Error> {
        let builder = Client::builder()
            .user_agent(concat!("earnest-oracle/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .tls_backend_preconfigured(tls)
            .dns_resolver(self.resolver.clone());
        if self.keep_alive { builder } else { builder.pool_max_idle_per_host(0) }.build()
    }
}

/// A client with its connections, and until when they may be used.
#[derive(Debug)]
pub(super) struct Kept {
    client: Client,
    good_until: GoodUntil,
}

/// Where a check's requests go.
#[derive(Debug)]
pub(super) enum Connections {
    /// Over connections that it shares with others.
    Shared(Client),
    /// Over its own: they are given up before the certificate that they began with goes out of date.
    Own {
        /// Makes the next ones.
        connector: Connector,
        /// The present ones.
        kept: Mutex<Kept>,
    },
}

impl Connections {
    /// The client for a request that begins now.
    pub(super) fn now(&self) -> Client {
        let (connector, kept) = match self {
            Self::Shared(client) => return client.clone(),
            Self::Own { connector, kept } => (connector, kept),
        };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.good_until.has_passed(connector.tls.clock().now_s()) {
            match connector.kept() {
                Some(Ok(fresh)) => *kept = fresh,
                // The first one could be made, so this is not to be expected; an old connection is no
                // reason to call a service down.
                Some(Err(error)) => tracing::error!(%error, "a target's connections can't be renewed"),
                None => {}
            }
        }
        kept.client.clone()
    }
}

/// A request to `url`, and whether the configuration leads its host to a fixed address.
///
/// The name stays in the URL, so that certificate, SNI and `Host` are those of the name.
pub(super) fn request(method: Method, url: &Url, resolve: &[Resolve]) -> Option<(Request, bool)> {
    let host = url.host_str()?;
    let led = resolve.iter().any(|rule| rule.is_for(host));
    let mut request = Request::new(method, url.clone());
    if let (true, Some(port)) = (led, url.port()) {
        // A port in the URL would win over the one that the resolver gives.
        request.headers_mut().insert(HOST, HeaderValue::from_str(&format!("{host}:{port}")).ok()?);
        request.url_mut().set_port(None).ok()?;
    }
    Some((request, led))
}
