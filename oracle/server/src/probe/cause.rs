//! Why a probe was not good.

use std::{fmt, io};

use rustls::CertificateError;

/// Why a probe was not good; kept with the sample, so that a person can tell what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The name leads to no address.
    Name,
    /// The name leads only to addresses that may not be probed, which nobody outside could reach either.
    Forbidden,
    /// No connection: refused, or nobody listening.
    Connect,
    /// No whole answer in the time that the measurement allows.
    Timeout,
    /// The connection broke, or what came is not HTTP.
    Broken,
    /// The head of the answer is longer than any should be.
    HeadTooLong,
    /// The connection is up, but there is no TLS to be had over it.
    Tls,
    /// The certificate, or one of those that vouch for it, has expired.
    CertificateExpired,
    /// The certificate, or one of those that vouch for it, is not valid yet.
    CertificateNotYetValid,
    /// The certificate is another host's.
    CertificateName,
    /// Nobody whom the oracle trusts vouches for the certificate.
    CertificateIssuer,
    /// The certificate is not valid for another reason.
    Certificate,
    /// The status code is not one of the expected.
    Status(u16),
    /// The body is longer than the measurement allows.
    BodyTooLong,
    /// The body's hash is another one.
    BodyDiffers,
    /// The body lacks the expected text.
    BodyLacksText,
    /// Too few of the oracle's own references answered, so that it says nothing about the target.
    References,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("name not found"),
            Self::Forbidden => f.write_str("address not public"),
            Self::Connect => f.write_str("connect"),
            Self::Timeout => f.write_str("timeout"),
            Self::Broken => f.write_str("broken answer"),
            Self::HeadTooLong => f.write_str("head too long"),
            Self::Tls => f.write_str("tls"),
            Self::CertificateExpired => f.write_str("certificate expired"),
            Self::CertificateNotYetValid => f.write_str("certificate not yet valid"),
            Self::CertificateName => f.write_str("certificate for another name"),
            Self::CertificateIssuer => f.write_str("certificate of unknown issuer"),
            Self::Certificate => f.write_str("certificate not valid"),
            Self::Status(code) => write!(f, "status {code}"),
            Self::BodyTooLong => f.write_str("body too long"),
            Self::BodyDiffers => f.write_str("body differs"),
            Self::BodyLacksText => f.write_str("body lacks text"),
            Self::References => f.write_str("own connectivity"),
        }
    }
}

impl Cause {
    /// What it means that a handshake broke off with this error. Whoever hangs up in it does listen.
    pub(super) fn of_handshake(error: &io::Error) -> Self {
        match error.get_ref().and_then(|carried| carried.downcast_ref()) {
            Some(tls) => Self::of_tls(tls),
            None => Self::Tls,
        }
    }

    /// What it means that an exchange over a connection broke off with this error.
    pub(super) fn of_exchange(error: &hyper::Error) -> Self {
        if error.is_parse_too_large() { Self::HeadTooLong } else { Self::Broken }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        use CertificateError as C;
        match error {
            rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => {
                Self::CertificateExpired
            }
            rustls::Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => {
                Self::CertificateNotYetValid
            }
            rustls::Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
                Self::CertificateName
            }
            rustls::Error::InvalidCertificate(C::UnknownIssuer) => Self::CertificateIssuer,
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
                Self::Certificate
            }
            _ => Self::Tls,
        }
    }
}
