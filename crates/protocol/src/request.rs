//! Requests that are signed by whoever makes them, so that a server knows the key that asks without a password.
//!
//! The signature stands in the header `Authorization`, and covers everything that the request means: who is asked, by
//! which method, at which path, with which body, when, and once. A server that remembers the nonces of the last
//! minutes ([`MAX_SKEW_S`]) can't be made to act twice on one request, and no other server can be made to act on it.
//!
//! ```text
//! Authorization: Earnest key="<32 bytes hex>", time="<unix seconds>", nonce="<32 bytes hex>", sig="<64 bytes hex>"
//! sig = BIP340 by key over taggedhash("earnest/request/v1", canonical JSON of
//!       {"body_sha256","key","method","nonce","path","time","to"})
//! ```
//!
//! `path` is what follows the server's base address, with its query; `to` is the server's own x-only key.

use std::fmt;

use secp256k1_zkp::Keypair;
use serde::Serialize;
use terms::{DocumentError, Hex32, UnixSeconds, units::MAX_NUMBER};

use crate::bytes::Hex64;
use crate::signing;

/// The BIP340 tag of a request's hash.
pub const TAG: &str = "earnest/request/v1";

/// The scheme's name in `Authorization` and `WWW-Authenticate`.
pub const SCHEME: &str = "Earnest";

/// The header with what a request was paid with, once its answer was 402.
pub const PAYMENT_REFERENCE: &str = "payment-reference";

/// A request's time may lie this far from the server's, in seconds. Nonces are remembered for as long.
pub const MAX_SKEW_S: u64 = 300;

/// What is asked: the part of a request that its signature covers.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The HTTP method, in capitals.
    pub method: &'a str,
    /// Path and query, without scheme and host.
    pub path: &'a str,
    /// The body's bytes.
    pub body: &'a [u8],
}

/// The header's contents: a key's word that it makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Whose request it is (x-only).
    pub key: Hex32,
    /// When it was made.
    pub time: UnixSeconds,
    /// Random, never used twice by this key.
    pub nonce: Hex32,
    /// BIP340 by `key`.
    pub sig: Hex64,
}

/// Why a credential is not good for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Its time is not the server's.
    #[error("time: must be within {MAX_SKEW_S} s of {now}, the time here")]
    Time {
        /// The server's time.
        now: UnixSeconds,
    },
    /// It was made for another request, by another key, or for another server.
    #[error("sig: is not a signature of `key` over this request to this server")]
    Signature,
}

impl CredentialError {
    /// The field that breaks a rule.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Time { .. } => "time",
            Self::Signature => "sig",
        }
    }
}

impl Credential {
    /// Signs a request to the server whose key is `to`. The same arguments always give the same bytes.
    pub fn sign(call: &Call<'_>, to: Hex32, time: UnixSeconds, nonce: Hex32, keypair: &Keypair) -> Self {
        let key = signing::public_key(keypair);
        let sig = signing::sign(hash(call, to, key, time, nonce), keypair);
        Self { key, time, nonce, sig }
    }

    /// Whether it is good for this request to the server whose key is `to`, now. Whether its nonce was used before is
    /// the server's to know.
    ///
    /// # Errors
    /// See [`CredentialError`].
    pub fn verify(&self, call: &Call<'_>, to: Hex32, now: UnixSeconds) -> Result<(), CredentialError> {
        if self.time.0.abs_diff(now.0) > MAX_SKEW_S {
            return Err(CredentialError::Time { now });
        }
        let hash = hash(call, to, self.key, self.time, self.nonce);
        signing::verify(hash, self.key, self.sig).map_err(|_| CredentialError::Signature)
    }

    /// Reads the value of an `Authorization` header: the four parameters in any order, quoted or not.
    ///
    /// # Errors
    /// Names the parameter and the rule that it breaks.
    pub fn parse(header: &str) -> Result<Self, DocumentError> {
        let scheme = header.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
        let parameters = scheme.and_then(|_| header[SCHEME.len()..].strip_prefix(' '));
        let parameters =
            parameters.ok_or_else(|| broken("authorization", "must be of the scheme Earnest"))?;
        let mut read = Parameters::default();
        for parameter in parameters.split(',') {
            read.take(parameter)?;
        }
        let time = read.time.filter(|time| time.bytes().all(|b| b.is_ascii_digit()));
        let time = time.and_then(|time| time.parse().ok()).filter(|time| *time <= MAX_NUMBER);
        Ok(Self {
            key: read
                .key
                .and_then(Hex32::parse)
                .ok_or_else(|| broken("key", "must be 64 lower-case hex digits"))?,
            time: UnixSeconds(time.ok_or_else(|| broken("time", "must be unix seconds"))?),
            nonce: read
                .nonce
                .and_then(Hex32::parse)
                .ok_or_else(|| broken("nonce", "must be 64 lower-case hex digits"))?,
            sig: read
                .sig
                .and_then(Hex64::parse)
                .ok_or_else(|| broken("sig", "must be 128 lower-case hex digits"))?,
        })
    }
}

/// The value of an `Authorization` header.
impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, time, nonce, sig } = self;
        write!(f, "{SCHEME} key=\"{key}\", time=\"{time}\", nonce=\"{nonce}\", sig=\"{sig}\"")
    }
}

#[derive(Default)]
struct Parameters<'a> {
    key: Option<&'a str>,
    time: Option<&'a str>,
    nonce: Option<&'a str>,
    sig: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    fn take(&mut self, parameter: &'a str) -> Result<(), DocumentError> {
        let form = || broken("authorization", "must be parameters of the form name=\"value\"");
        let (name, value) = parameter.trim().split_once('=').ok_or_else(form)?;
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let place = match name {
            "key" => &mut self.key,
            "time" => &mut self.time,
            "nonce" => &mut self.nonce,
            "sig" => &mut self.sig,
            _ => {
                return Err(broken("authorization", "has a parameter that is none of key, time, nonce, sig"));
            }
        };
        match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(broken(name, "must be there once")),
        }
    }
}

fn broken(field: &str, rule: &str) -> DocumentError {
    DocumentError::new(field, rule)
}

fn hash(call: &Call<'_>, to: Hex32, key: Hex32, time: UnixSeconds, nonce: Hex32) -> Hex32 {
    #[derive(Serialize)]
    struct Unsigned<'a> {
        to: Hex32,
        method: &'a str,
        path: &'a str,
        body_sha256: Hex32,
        key: Hex32,
        time: UnixSeconds,
        nonce: Hex32,
    }
    let Call { method, path, body } = *call;
    let body_sha256 = Hex32(terms::canonical::sha256(body));
    signing::tagged_hash(TAG, &Unsigned { to, method, path, body_sha256, key, time, nonce })
}
