//! What keeps a service that is well from being reached: its name, or its certificate.

use std::fmt;

use terms::Measurement;
use url::{Host, Url};

use super::error::ScenarioError;
use super::reader::Field;

/// What the name server says in place of the service's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsFailure {
    /// That there is no such name.
    NoName,
    /// That the name has no address.
    NoAddress,
    /// That it failed itself: whom it asked did not answer.
    ServerFailure,
    /// That it does not answer such questions.
    Refused,
    /// Nothing before the probe gives up.
    Timeout,
}

const DNS: [(&str, DnsFailure); 5] = [
    ("nxdomain", DnsFailure::NoName),
    ("no_address", DnsFailure::NoAddress),
    ("servfail", DnsFailure::ServerFailure),
    ("refused", DnsFailure::Refused),
    ("timeout", DnsFailure::Timeout),
];

impl fmt::Display for DnsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoName => "its name does not exist any more (NXDOMAIN)",
            Self::NoAddress => "its name has no address",
            Self::ServerFailure => "its name can't be looked up (SERVFAIL)",
            Self::Refused => "its name is not answered for (REFUSED)",
            Self::Timeout => "its name is not answered for in time",
        })
    }
}

/// What is wrong with the certificate that the service presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// Its last second was the one before the phase.
    Expired,
    /// Its first second is the one after the phase.
    NotYetValid,
    /// It is somebody else's.
    OtherName,
    /// Nobody whom the oracle believes vouches for it.
    UnknownIssuer,
}

const CERTIFICATES: [(&str, CertificateFault); 4] = [
    ("expired", CertificateFault::Expired),
    ("not_yet_valid", CertificateFault::NotYetValid),
    ("other_name", CertificateFault::OtherName),
    ("unknown_issuer", CertificateFault::UnknownIssuer),
];

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "its certificate has expired",
            Self::NotYetValid => "its certificate is not valid yet",
            Self::OtherName => "its certificate is for another name",
            Self::UnknownIssuer => "its certificate is of an unknown issuer",
        })
    }
}

pub(super) fn dns(field: &Field<'_>, measurement: &Measurement) -> Result<DnsFailure, ScenarioError> {
    let failure = field.one_of(&DNS)?;
    match target(measurement).as_ref().and_then(Url::host) {
        Some(Host::Domain(_)) => Ok(failure),
        _ => Err(field.error("needs a name in measurement.target: an address is not looked up")),
    }
}

pub(super) fn certificate(
    field: &Field<'_>,
    measurement: &Measurement,
) -> Result<CertificateFault, ScenarioError> {
    let fault = field.one_of(&CERTIFICATES)?;
    match target(measurement) {
        Some(url) if url.scheme() == "https" => Ok(fault),
        _ => Err(field.error("needs https in measurement.target: nothing else has a certificate")),
    }
}

fn target(measurement: &Measurement) -> Option<Url> {
    measurement.target.http().and_then(|http| http.url.parse().ok())
}
