//! Whom a client believes about certificates: the machine's authorities.

use std::sync::{Arc, LazyLock};

use rustls::{ClientConfig, RootCertStore};

/// Read once: the roots of a machine change rarely, and there may be a client for every peer.
static SYSTEM: LazyLock<RootCertStore> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
});

/// A configuration for a URL of this scheme, or the rule that stands in the way.
pub(crate) fn for_scheme(scheme: &str) -> Result<ClientConfig, &'static str> {
    if scheme == "http" {
        return trusting(RootCertStore::empty());
    }
    if SYSTEM.is_empty() {
        return Err("can't be judged: this machine has no root certificates; install the package \
                    ca-certificates, or let SSL_CERT_FILE name a file of them");
    }
    trusting(SYSTEM.clone())
}

/// A configuration that believes these authorities.
pub(crate) fn trusting(roots: RootCertStore) -> Result<ClientConfig, &'static str> {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| "can't be reached: TLS has no protocol version to offer")?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
