//! TLS as a probe needs it: certificates are judged at the probe's own time, which may be a simulated one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clock::Clock;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::roots::Roots;

/// A connection is kept no longer than this, so that a certificate is looked at again in time.
const KEPT_S: u64 = 3_600;

/// Makes TLS configurations that share roots, cryptography and clock.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    /// Missing on a machine without roots.
    judge: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    clock: Clock,
}

impl Tls {
    pub(super) fn new(roots: &Roots, clock: Clock) -> Result<Self, VerifierBuilderError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let judge = if roots.is_empty() {
            None
        } else {
            let store = Arc::new(roots.store.clone());
            Some(WebPkiServerVerifier::builder_with_provider(store, Arc::clone(&provider)).build()?)
        };
        Ok(Self { judge, provider, clock })
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// For connections of many targets. Without roots it believes no certificate.
    pub(super) fn shared(&self) -> Result<ClientConfig, Error> {
        let config = ClientConfig::builder_with_details(Arc::clone(&self.provider), self.time())
            .with_safe_default_protocol_versions()?;
        let mut config = match &self.judge {
            Some(judge) => config.with_webpki_verifier(Arc::clone(judge)),
            None => config.with_root_certificates(RootCertStore::empty()),
        }
        .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    /// For the connections of one target, and until when they may be used; `None` without roots.
    pub(super) fn watched(&self) -> Option<Result<(ClientConfig, GoodUntil), Error>> {
        let judge = Arc::clone(self.judge.as_ref()?);
        let good_until = GoodUntil::default();
        let watch = Arc::new(Watch { judge, good_until: good_until.clone() });
        let config = self.shared().map(|mut config| {
            // Not looser than before: `Watch` says yes only where the verifier that it replaces does.
            config.dangerous().set_certificate_verifier(watch);
            (config, good_until)
        });
        Some(config)
    }

    fn time(&self) -> Arc<ProbeTime> {
        Arc::new(ProbeTime(self.clock.clone()))
    }
}

/// The unix second up to which every certificate that was accepted is known to be valid.
#[derive(Clone, Debug)]
pub(super) struct GoodUntil(Arc<AtomicU64>);

impl Default for GoodUntil {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }
}

impl GoodUntil {
    pub(super) fn has_passed(&self, now_s: u64) -> bool {
        now_s > self.0.load(Ordering::Relaxed)
    }
}

/// The time at which certificates are judged.
#[derive(Debug)]
struct ProbeTime(Clock);

impl TimeProvider for ProbeTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.now_ms())))
    }
}

/// Judges certificates as webpki does, and notes how long the judgement holds.
///
/// Nobody looks at a certificate again while a connection lives, and a connection can outlive it. A
/// validity is one stretch of time, so a chain that is good now and in an hour is good in between; and
/// one that is not good in an hour is looked at anew by every probe.
#[derive(Debug)]
struct Watch {
    judge: Arc<WebPkiServerVerifier>,
    good_until: GoodUntil,
}

impl ServerCertVerifier for Watch {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let at =
            |now| self.judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let verified = at(now)?;
        let later_s = now.as_secs().saturating_add(KEPT_S);
        let lasts = at(UnixTime::since_unix_epoch(Duration::from_secs(later_s))).is_ok();
        let until_s = if lasts { later_s } else { now.as_secs() };
        self.good_until.0.fetch_min(until_s, Ordering::Relaxed);
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
