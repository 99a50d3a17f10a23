//! A certificate authority of one's own, and certificates that are valid from when to when one says.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use thiserror::Error;

/// Why there is no certificate, or no service with it.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// It could not be made.
    #[error("a certificate could not be made: {0}")]
    Making(#[from] rcgen::Error),
    /// It can't be presented.
    #[error("a certificate can't be presented: {0}")]
    Presenting(#[from] rustls::Error),
}

/// Vouches for certificates, and is believed by whoever is given its own.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
#[derive(Debug)]
pub struct Identity {
    certificate: Certificate,
    key: KeyPair,
}

/// From 2000 to 2099, in unix seconds.
pub const THE_CENTURY: RangeInclusive<u64> = 946_684_800..=4_070_908_800;

impl Authority {
    /// Valid for the whole century.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(name: &str) -> Result<Self, CertificateError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2099, 1, 1));
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// A certificate for `host`, valid from the first to the last of these unix seconds.
    ///
    /// # Errors
    /// When `host` is no name that a certificate can bear.
    pub fn vouch(&self, host: &str, valid: RangeInclusive<u64>) -> Result<Identity, CertificateError> {
        let mut params = CertificateParams::new(vec![host.to_owned()])?;
        (params.not_before, params.not_after) = (moment(*valid.start()).into(), moment(*valid.end()).into());
        let key = KeyPair::generate()?;
        Ok(Identity { certificate: params.signed_by(&key, &self.0)?, key })
    }

    /// Its own certificate, as files have it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Its own certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        self.0.der()
    }
}

impl Identity {
    /// What a server presents it with.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn server(&self) -> Result<Arc<ServerConfig>, CertificateError> {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der()).into();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)?;
        Ok(Arc::new(config))
    }
}

fn moment(unix_s: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix_s)
}
