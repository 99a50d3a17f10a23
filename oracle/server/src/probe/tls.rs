//! TLS as a probe needs it: certificates are judged at the probe's own time, which may be a simulated one.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, Error, RootCertStore};

use super::cause::Cause;
use super::roots::Roots;

/// A connection is kept no longer than this, so that a certificate is looked at again in time.
const KEPT_S: u64 = 3_600;

/// Shakes hands, and judges certificates; without roots it believes none.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    /// Missing on a machine without roots.
    judge: Option<Arc<WebPkiServerVerifier>>,
    http: Arc<ClientConfig>,
    bare: Arc<ClientConfig>,
    clock: Clock,
}

/// What is spoken over TLS, as the client says in its handshake (ALPN).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// HTTP/1.1.
    Http,
    /// The client does not say.
    Anything,
}

/// How long the certificate that a connection began with holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    /// The unix second up to which its whole chain is known to be valid; an hour after the handshake at most.
    pub(super) known_until_s: u64,
    /// The last unix second of the certificate itself; `None` when it can't be read.
    pub(super) ends_s: Option<u64>,
}

impl Validity {
    /// Is the certificate valid for at least so many seconds more?
    pub(super) fn lasts(self, now_s: u64, least_s: Option<u64>) -> Result<(), Cause> {
        let Some(least_s) = least_s else {
            return Ok(());
        };
        let ends_s = self.ends_s.ok_or(Cause::Certificate)?;
        if ends_s.saturating_sub(now_s) >= least_s { Ok(()) } else { Err(Cause::CertificateEndsSoon) }
    }
}

impl Tls {
    pub(super) fn new(roots: &Roots, clock: Clock) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let judge = if roots.is_empty() {
            None
        } else {
            let store = Arc::new(roots.store.clone());
            Some(WebPkiServerVerifier::builder_with_provider(store, Arc::clone(&provider)).build()?)
        };
        let bare = config(judge.as_ref(), &provider, &clock)?;
        let mut http = bare.clone();
        http.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { judge, http: Arc::new(http), bare: Arc::new(bare), clock })
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Can certificates be judged at all?
    pub(super) fn is_blind(&self) -> bool {
        self.judge.is_none()
    }

    pub(super) fn config(&self, speaks: Speaks) -> Arc<ClientConfig> {
        Arc::clone(match speaks {
            Speaks::Http => &self.http,
            Speaks::Anything => &self.bare,
        })
    }

    /// How long the judgement over a chain that was just accepted holds.
    ///
    /// Nobody looks at a certificate again while a connection lives, and a connection can outlive it. A
    /// validity is one stretch of time, so a chain that is good now and in an hour is good in between; and
    /// one that is not good in an hour is looked at anew by every probe.
    pub(super) fn validity(&self, chain: &[CertificateDer<'_>], name: &ServerName<'_>) -> Validity {
        let now_s = self.clock.now_s();
        let later_s = now_s.saturating_add(KEPT_S);
        let lasts = self.is_valid_at(chain, name, later_s).unwrap_or(false);
        let known_until_s = if lasts { later_s } else { now_s };
        Validity { known_until_s, ends_s: chain.first().and_then(|leaf| last_second(leaf)) }
    }

    fn is_valid_at(&self, chain: &[CertificateDer<'_>], name: &ServerName<'_>, at_s: u64) -> Option<bool> {
        let (leaf, others) = chain.split_first()?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at_s));
        Some(self.judge.as_ref()?.verify_server_cert(leaf, others, name, &[], at).is_ok())
    }
}

fn config(
    judge: Option<&Arc<WebPkiServerVerifier>>,
    provider: &Arc<CryptoProvider>,
    clock: &Clock,
) -> Result<ClientConfig, Error> {
    let time = Arc::new(ProbeTime(clock.clone()));
    let config = ClientConfig::builder_with_details(Arc::clone(provider), time)
        .with_safe_default_protocol_versions()?;
    let mut config = match judge {
        Some(judge) => config.with_webpki_verifier(Arc::clone(judge)),
        None => config.with_root_certificates(RootCertStore::empty()),
    }
    .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The last second in which a certificate is valid.
fn last_second(certificate: &CertificateDer<'_>) -> Option<u64> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    u64::try_from(certificate.validity().not_after.timestamp()).ok()
}

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The roots make no verifier.
    #[error("certificates can't be judged: {0}")]
    Verifier(#[from] VerifierBuilderError),
    /// There is no version of TLS to be had.
    #[error("TLS can't be set up: {0}")]
    Setup(#[from] Error),
}

/// The time at which certificates are judged.
#[derive(Debug)]
struct ProbeTime(Clock);

impl TimeProvider for ProbeTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.now_ms())))
    }
}
