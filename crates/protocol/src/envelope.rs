//! The signed envelope in which everything between two nodes travels.
//!
//! An [`Envelope`] in hand was signed by its `from` and obeys every rule of its fields: there is no
//! way to have another one. [`Envelope::seal`] makes one, [`Envelope::open`] takes one from a peer
//! at a time, and [`Envelope::verify`] takes one from the disk or a transcript, where time has passed.

mod error;

use secp256k1_zkp::Keypair;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::canonical;
use terms::units::MAX_NUMBER;
use terms::{DocumentError, Hex32, UnixSeconds};

use crate::body::Body;
use crate::bytes::Hex64;
use crate::signing;

pub use error::EnvelopeError;
pub(crate) use error::in_words;

/// The versions of the protocol that this crate speaks: an envelope's `v`, and what a card lists in `versions`.
///
/// Version 2 adds negotiated terms to version 1. A session keeps the version of its first envelope.
pub const VERSIONS: [u64; 2] = [1, 2];

/// The latest of [`VERSIONS`].
pub const LATEST: u64 = 2;

/// The BIP340 tag of an envelope's hash, by its version.
fn tag(v: u64) -> String {
    format!("earnest/envelope/v{v}")
}

/// The largest envelope that is parsed, in bytes. A DLC message of 16,384 signatures takes a third of it.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// How far a peer's clock may run ahead, in seconds.
pub const MAX_AHEAD_S: u64 = 300;

/// The longest time between `at` and `expires`, in seconds: 31 days. The ids that a node must remember
/// to answer a repeated envelope are bounded by it.
pub const MAX_LIFETIME_S: u64 = 31 * 86_400;

/// What a sender decides about an envelope; [`Envelope::seal`] adds `from` and the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The protocol's version, one of [`VERSIONS`].
    pub v: u64,
    /// Fresh random bytes; repeating an envelope repeats its id, which is how a retry is recognised.
    pub id: Hex32,
    /// The session: fresh random bytes chosen by whoever opens it.
    pub session: Hex32,
    /// 1 for the session's first envelope, then one more for each, whichever way it goes.
    pub seq: u64,
    /// The receiver's identity key.
    pub to: Hex32,
    /// When it was made.
    pub at: UnixSeconds,
    /// The receiver refuses it from this moment on. After `at`, by at most [`MAX_LIFETIME_S`].
    pub expires: UnixSeconds,
    /// The [hash](Envelope::hash) of the session's previous envelope, whichever way it went; `None` for the first.
    pub prev: Option<Hex32>,
    /// What it says.
    pub body: Body,
}

/// A signed envelope whose signature and fields have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    draft: Draft,
    from: Hex32,
    sig: Hex64,
    hash: Hex32,
}

impl Draft {
    /// The same draft in another version of the protocol.
    #[must_use]
    pub fn in_version(self, v: u64) -> Self {
        Self { v, ..self }
    }
}

impl Envelope {
    /// Signs a draft. The same draft and key always give the same bytes.
    ///
    /// # Errors
    /// When a field of the draft breaks a rule that [`Envelope::verify`] would refuse it for.
    pub fn seal(draft: Draft, keypair: &Keypair) -> Result<Self, EnvelopeError> {
        let from = signing::public_key(keypair);
        check_fields(&draft, from)?;
        let hash = signing_hash(&draft, from);
        let envelope = Self { draft, from, sig: signing::sign(hash, keypair), hash };
        let size = envelope.bytes().len();
        if size > MAX_BYTES {
            return Err(DocumentError::new(
                "document",
                format!("must have at most {MAX_BYTES} bytes, not {size}"),
            )
            .into());
        }
        Ok(envelope)
    }

    /// Takes an envelope from a peer, now.
    ///
    /// # Errors
    /// What [`Envelope::verify`] refuses; an envelope for another receiver, expired, or from the future.
    pub fn open(bytes: &[u8], now_s: u64, expected_to: Hex32) -> Result<Self, EnvelopeError> {
        let envelope = Self::verify(bytes)?;
        envelope.check_arrival(now_s, expected_to)?;
        Ok(envelope)
    }

    /// As [`Envelope::open`], for a receiver that had other keys before: sessions that began under one of them go on
    /// under it.
    ///
    /// # Errors
    /// As [`Envelope::open`].
    pub fn open_by(
        bytes: &[u8],
        now_s: u64,
        current: Hex32,
        former: &[Hex32],
    ) -> Result<Self, EnvelopeError> {
        let envelope = Self::verify(bytes)?;
        let to = envelope.to();
        let receiver = if former.contains(&to) { to } else { current };
        envelope.check_arrival(now_s, receiver)?;
        Ok(envelope)
    }

    /// Takes an envelope whose arrival is past: from the disk, or from a transcript. Everything is
    /// checked but receiver and time.
    ///
    /// # Errors
    /// Another version, a field that breaks a rule, a wrong signature.
    pub fn verify(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let written: Value = canonical::parse_within(bytes, MAX_BYTES)?;
        check_version(&written)?;
        let wire: Wire = canonical::parse_within(bytes, MAX_BYTES)?;
        let draft = Draft {
            v: wire.v,
            id: wire.id,
            session: wire.session,
            seq: wire.seq,
            to: wire.to,
            at: wire.at,
            expires: wire.expires,
            prev: wire.prev,
            body: Body::from_value(wire.body)?,
        };
        check_fields(&draft, wire.from)?;
        let hash = signing_hash(&draft, wire.from);
        signing::verify(hash, wire.from, wire.sig).map_err(|_| EnvelopeError::Signature)?;
        Ok(Self { draft, from: wire.from, sig: wire.sig, hash })
    }

    /// Refuses an envelope of a version above `latest`: a node may speak fewer than this crate.
    ///
    /// # Errors
    /// [`EnvelopeError::Version`]
    pub fn check_version(&self, latest: u64) -> Result<(), EnvelopeError> {
        if self.draft.v <= latest {
            return Ok(());
        }
        Err(EnvelopeError::Version { got: self.draft.v, latest })
    }

    fn check_arrival(&self, now_s: u64, expected_to: Hex32) -> Result<(), EnvelopeError> {
        let Draft { to, at, expires, .. } = self.draft;
        if to != expected_to {
            return Err(EnvelopeError::Recipient { got: to, expected: expected_to });
        }
        if expires.0 <= now_s {
            return Err(EnvelopeError::Expired { expires, now_s });
        }
        if at.0 > now_s.saturating_add(MAX_AHEAD_S) {
            return Err(EnvelopeError::FromTheFuture { at, now_s });
        }
        Ok(())
    }

    /// The bytes to send and to store: canonical, with the signature.
    pub fn bytes(&self) -> Vec<u8> {
        canonical::bytes(self)
    }

    /// The tagged hash that `sig` signs and that the next envelope's `prev` holds.
    pub fn hash(&self) -> Hex32 {
        self.hash
    }

    /// The protocol's version that it speaks.
    pub fn v(&self) -> u64 {
        self.draft.v
    }

    /// The envelope's id.
    pub fn id(&self) -> Hex32 {
        self.draft.id
    }

    /// The session's id.
    pub fn session(&self) -> Hex32 {
        self.draft.session
    }

    /// Its place in the session, from 1.
    pub fn seq(&self) -> u64 {
        self.draft.seq
    }

    /// Who signed it.
    pub fn from(&self) -> Hex32 {
        self.from
    }

    /// Who it is for.
    pub fn to(&self) -> Hex32 {
        self.draft.to
    }

    /// When it was made.
    pub fn at(&self) -> UnixSeconds {
        self.draft.at
    }

    /// When it expires.
    pub fn expires(&self) -> UnixSeconds {
        self.draft.expires
    }

    /// The hash of the previous envelope.
    pub fn prev(&self) -> Option<Hex32> {
        self.draft.prev
    }

    /// What it says.
    pub fn body(&self) -> &Body {
        &self.draft.body
    }

    /// What it says, without copying a large message.
    pub fn into_body(self) -> Body {
        self.draft.body
    }

    /// The signature.
    pub fn sig(&self) -> Hex64 {
        self.sig
    }
}

impl Serialize for Envelope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Outline::new(&self.draft, self.from, Some(self.sig)).serialize(serializer)
    }
}

fn signing_hash(draft: &Draft, from: Hex32) -> Hex32 {
    signing::tagged_hash(&tag(draft.v), &Outline::new(draft, from, None))
}

fn check_fields(draft: &Draft, from: Hex32) -> Result<(), DocumentError> {
    let refuse = |field: &str, rule: &str| Err(DocumentError::new(field, rule));
    if !VERSIONS.contains(&draft.v) {
        return refuse("v", "must be a version of the protocol: 1 or 2");
    }
    if from == draft.to {
        return refuse("to", "must differ from `from`");
    }
    if draft.seq == 0 || draft.seq > MAX_NUMBER {
        return refuse("seq", "must be from 1 to 2^53 - 1");
    }
    if draft.prev.is_some() != (draft.seq > 1) {
        return refuse("prev", "must be null in a session's first envelope, and only there");
    }
    if draft.expires.0 > MAX_NUMBER || draft.expires <= draft.at {
        return refuse("expires", "must be after `at`, and at most 2^53 - 1");
    }
    if draft.expires.0 - draft.at.0 > MAX_LIFETIME_S {
        return refuse("expires", "must be at most 31 days after `at`");
    }
    draft.body.check()
}

/// An envelope as it is written: with the signature, or without it for hashing.
#[derive(Serialize)]
struct Outline<'a> {
    v: u64,
    id: Hex32,
    session: Hex32,
    seq: u64,
    from: Hex32,
    to: Hex32,
    at: UnixSeconds,
    expires: UnixSeconds,
    prev: Option<Hex32>,
    body: &'a Body,
    #[serde(skip_serializing_if = "Option::is_none")]
    sig: Option<Hex64>,
}

impl<'a> Outline<'a> {
    fn new(draft: &'a Draft, from: Hex32, sig: Option<Hex64>) -> Self {
        let Draft { v, id, session, seq, to, at, expires, prev, ref body } = *draft;
        Self { v, id, session, seq, from, to, at, expires, prev, body, sig }
    }
}

/// An envelope as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u64,
    id: Hex32,
    session: Hex32,
    seq: u64,
    from: Hex32,
    to: Hex32,
    at: UnixSeconds,
    expires: UnixSeconds,
    #[serde(deserialize_with = "present")]
    prev: Option<Hex32>,
    body: Value,
    sig: Hex64,
}

/// Comes before anything else, so that a later version with other fields is refused for its version. It also
/// refuses a list of the fields' values, which serde would read as well.
fn check_version(written: &Value) -> Result<(), EnvelopeError> {
    match written.get("v").and_then(Value::as_u64) {
        Some(got) if VERSIONS.contains(&got) => Ok(()),
        Some(got) => Err(EnvelopeError::Version { got, latest: LATEST }),
        None => Err(DocumentError::new("v", "must be the protocol's version, a number").into()),
    }
}

/// Makes serde demand the field, which it would not for a plain `Option`.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Hex32>, D::Error> {
    Option::deserialize(deserializer)
}
