//! TCP and TLS: a connection that comes about, and a handshake with a valid certificate.

use std::sync::Arc;

use terms::{DocumentError, TcpTarget, TlsTarget};

use super::NO_ROOTS;
use super::attempt::Attempt;
use super::cause::Cause;
use super::dial::Dialer;
use super::lookups::Lookups;
use super::names::Endpoint;
use super::timing::{Timing, Trip};
use super::tls::Speaks;

/// Connects to targets that are no more than a port.
#[derive(Debug)]
pub(super) struct Sockets {
    dialer: Arc<Dialer>,
    timing: Timing,
}

/// A port, ready to be connected to again and again. No connection is kept: that it comes about is the question.
#[derive(Debug)]
pub(super) struct SocketCheck {
    endpoint: Endpoint,
    timeout_ms: u64,
    handshake: Option<Handshake>,
    lookups: Lookups,
}

#[derive(Clone, Copy, Debug)]
struct Handshake {
    certificate_valid_s: Option<u64>,
}

impl SocketCheck {
    fn of(endpoint: Endpoint, timeout_ms: u64, handshake: Option<Handshake>) -> Self {
        Self { endpoint, timeout_ms, handshake, lookups: Lookups::default() }
    }
}

impl Sockets {
    pub(super) fn new(dialer: Arc<Dialer>, timing: Timing) -> Self {
        Self { dialer, timing }
    }

    /// # Errors
    /// Names the field that this oracle can't probe, and why.
    pub(super) fn prepare_tcp(&self, target: &TcpTarget) -> Result<SocketCheck, DocumentError> {
        let endpoint = self.endpoint("target.tcp.host", &target.host, target.port)?;
        Ok(SocketCheck::of(endpoint, target.timeout_ms, None))
    }

    /// # Errors
    /// Names the field that this oracle can't probe, and why.
    pub(super) fn prepare_tls(&self, target: &TlsTarget) -> Result<SocketCheck, DocumentError> {
        if self.dialer.tls().is_blind() {
            return Err(DocumentError::new("target.tls", format!("this oracle can't judge TLS: {NO_ROOTS}")));
        }
        let endpoint = self.endpoint("target.tls.host", &target.host, target.port)?;
        let handshake = Handshake { certificate_valid_s: target.certificate_valid_s };
        Ok(SocketCheck::of(endpoint, target.timeout_ms, Some(handshake)))
    }

    fn endpoint(&self, field: &str, host: &str, port: u16) -> Result<Endpoint, DocumentError> {
        let endpoint = Endpoint::new(host, port);
        if self.dialer.names().forbids(&endpoint.host) {
            return Err(DocumentError::new(field, "this oracle does not probe private or special addresses"));
        }
        Ok(endpoint)
    }

    /// Connects once.
    pub(super) async fn attempt(&self, check: &SocketCheck) -> Attempt {
        let work = async |trip: &mut Trip| self.connect(check, trip).await;
        let ran = self.timing.run(check.timeout_ms, &check.lookups, work).await;
        Attempt { fault: ran.outcome.err(), value: None, latency_ms: ran.latency_ms, phases: ran.phases }
    }

    async fn connect(&self, check: &SocketCheck, trip: &mut Trip) -> Result<(), Cause> {
        let Some(handshake) = check.handshake else {
            return self.dialer.tcp(&check.endpoint, trip).await.map(drop);
        };
        let (_, validity) = self.dialer.secured(&check.endpoint, Speaks::Anything, trip).await?;
        validity.lasts(self.dialer.tls().clock().now_s(), handshake.certificate_valid_s)
    }
}
