//! Why a probe was not good.

use std::{fmt, io};

use rustls::CertificateError;

use super::own;

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
    /// The certificate is valid, but not for as long as the measurement expects.
    CertificateEndsSoon,
    /// The status code is not one of the expected.
    Status(u16),
    /// More redirects than the measurement allows.
    TooManyRedirects,
    /// A redirect without an address that could be followed.
    RedirectNowhere,
    /// A redirect from `https` to `http`.
    RedirectToHttp,
    /// The body is shorter than the measurement allows.
    BodyTooShort,
    /// The body is longer than the measurement allows.
    BodyTooLong,
    /// The body's hash is another one.
    BodyDiffers,
    /// The body lacks the expected text.
    BodyLacksText,
    /// The expected expression does not match in the body.
    BodyNoMatch,
    /// The body is not JSON.
    NotJson,
    /// The body does not meet this condition on its JSON, counted from 1.
    Json(u8),
    /// The body is not of the schema.
    JsonSchema,
    /// The answer does not carry the number that was to be read.
    NoReading,
    /// The answer carries several that could be meant.
    SeveralReadings,
    /// What stands where the number should be is none, or one of too many digits.
    NotANumber,
    /// There is no such name.
    DnsNoName,
    /// The name has no record of this type.
    DnsNoRecord,
    /// The name server answers with this error.
    DnsCode(u16),
    /// What the name server sends is no answer.
    DnsBroken,
    /// An expected record is not among the answers.
    DnsAnswer,
    /// The answer was there, but the oracle took too long to judge it.
    NotJudged,
    /// The oracle's machine had no file, buffer or memory left to probe with.
    OwnLimits,
    /// No beat came from the service.
    Silence,
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
            Self::CertificateEndsSoon => f.write_str("certificate ends soon"),
            Self::Status(code) => write!(f, "status {code}"),
            Self::TooManyRedirects => f.write_str("too many redirects"),
            Self::RedirectNowhere => f.write_str("redirect to nowhere"),
            Self::RedirectToHttp => f.write_str("redirect from https to http"),
            Self::BodyTooShort => f.write_str("body too short"),
            Self::BodyTooLong => f.write_str("body too long"),
            Self::BodyDiffers => f.write_str("body differs"),
            Self::BodyLacksText => f.write_str("body lacks text"),
            Self::BodyNoMatch => f.write_str("body does not match"),
            Self::NotJson => f.write_str("not json"),
            Self::Json(number) => write!(f, "json condition {number}"),
            Self::JsonSchema => f.write_str("json not of the schema"),
            Self::NoReading => f.write_str("no reading"),
            Self::SeveralReadings => f.write_str("several readings"),
            Self::NotANumber => f.write_str("reading is no number"),
            Self::DnsNoName => f.write_str("no such name"),
            Self::DnsNoRecord => f.write_str("no such record"),
            Self::DnsCode(code) => write!(f, "dns {}", dns_error(*code)),
            Self::DnsBroken => f.write_str("broken dns answer"),
            Self::DnsAnswer => f.write_str("dns answer differs"),
            Self::NotJudged => f.write_str("not judged in time"),
            Self::OwnLimits => f.write_str("own limits"),
            Self::Silence => f.write_str("silence"),
            Self::References => f.write_str("own connectivity"),
        }
    }
}

impl Cause {
    /// What it means that no connection came about.
    pub(super) fn of_connecting(error: &io::Error) -> Self {
        if own::is_own(error) { Self::OwnLimits } else { Self::Connect }
    }

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

/// What a name server's error says (RFC 1035, section 4.1.1).
fn dns_error(code: u16) -> String {
    match code {
        1 => "format error".to_owned(),
        2 => "server failure".to_owned(),
        4 => "not implemented".to_owned(),
        5 => "refused".to_owned(),
        other => format!("error {other}"),
    }
}
