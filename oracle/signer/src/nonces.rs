//! The secret nonces of one event.

use std::collections::BTreeSet;
use std::fmt;

use secp256k1_zkp::{SECP256K1, SecretKey, XOnlyPublicKey};
use terms::{EventId, Scale};
use zeroize::Zeroizing;

use crate::hash::tagged;
use crate::key::{OracleKey, random_secret};
use crate::seal::{self, RandomnessError};

/// An event has at most this many nonces; twice what the largest scale needs.
pub const MAX_NONCES: usize = 64;

const SEAL_VERSION: u8 = 1;

/// The secret nonces of one event, one for each digit.
///
/// They come from the operating system's randomness and are never derived from anything: a store
/// that was wiped or restored must not bring one back for another event. They are not `Clone`, never
/// print, and are erased when dropped; [`crate::attest`] takes them by value.
pub struct Nonces(Vec<SecretKey>);

/// Why there are no nonces.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NonceError {
    /// None, or more than [`MAX_NONCES`].
    #[error("an event has 1 to {MAX_NONCES} nonces, not {count}")]
    Count {
        /// How many.
        count: usize,
    },
    /// The same nonce came twice: the machine's randomness is broken, and the key would follow.
    #[error("the operating system gave the same nonce twice")]
    Repeated,
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// Sealed by another key, for another event, or changed.
    #[error("the sealed nonces are not this key's for event {event_id}, or were changed")]
    Sealed {
        /// The event.
        event_id: EventId,
    },
}

impl Nonces {
    /// How many nonces an event of this scale has: one for each digit, or one for a level.
    pub fn count_for(scale: &Scale) -> usize {
        match scale {
            Scale::Numeric(numeric) => usize::try_from(numeric.digits).unwrap_or(usize::MAX),
            Scale::Enum(_) => 1,
        }
    }

    /// Fresh nonces from the operating system.
    ///
    /// # Errors
    /// When the count is out of bounds, or the machine's randomness fails.
    pub fn generate(count: usize) -> Result<Self, NonceError> {
        if !(1..=MAX_NONCES).contains(&count) {
            return Err(NonceError::Count { count });
        }
        let drawn: Result<Vec<_>, RandomnessError> = (0..count).map(|_| random_secret()).collect();
        let nonces = Self(drawn?);
        let distinct: BTreeSet<_> = nonces.public().iter().map(XOnlyPublicKey::serialize).collect();
        if distinct.len() == count { Ok(nonces) } else { Err(NonceError::Repeated) }
    }

    /// The public nonces, in the order of the digits.
    pub fn public(&self) -> Vec<XOnlyPublicKey> {
        self.0.iter().map(|nonce| nonce.x_only_public_key(SECP256K1).0).collect()
    }

    /// Seals them for storage under the oracle's key. Only the same key opens them, for the same event.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal(&self, key: &OracleKey, event_id: &EventId) -> Result<Vec<u8>, NonceError> {
        let mut secret = Zeroizing::new(Vec::with_capacity(self.0.len() * 32));
        for nonce in &self.0 {
            secret.extend_from_slice(&Zeroizing::new(nonce.secret_bytes())[..]);
        }
        let sealed = seal::seal(&seal_key(key), &context(event_id), &secret)?;
        Ok([&[SEAL_VERSION][..], &sealed].concat())
    }

    /// Opens what [`Nonces::seal`] sealed.
    ///
    /// # Errors
    /// When the key or the event is another one, or a bit was changed.
    pub fn open(key: &OracleKey, event_id: &EventId, sealed: &[u8]) -> Result<Self, NonceError> {
        let refused = || NonceError::Sealed { event_id: event_id.clone() };
        let sealed = sealed.strip_prefix(&[SEAL_VERSION]).ok_or_else(refused)?;
        let secret = seal::open(&seal_key(key), &context(event_id), sealed).ok_or_else(refused)?;
        let (nonces, rest) = secret.as_chunks::<32>();
        if !rest.is_empty() || !(1..=MAX_NONCES).contains(&nonces.len()) {
            return Err(refused());
        }
        let parsed: Result<Vec<_>, _> = nonces.iter().map(|nonce| SecretKey::from_slice(nonce)).collect();
        parsed.map(Self).map_err(|_| refused())
    }

    pub(crate) fn secrets(&self) -> &[SecretKey] {
        &self.0
    }
}

fn seal_key(key: &OracleKey) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(tagged("earnest/oracle/nonce-seal/v1", &[&key.secret_bytes()[..]]))
}

fn context(event_id: &EventId) -> Vec<u8> {
    [b"earnest/oracle/nonces/v1|", event_id.as_str().as_bytes()].concat()
}

impl Drop for Nonces {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(SecretKey::non_secure_erase);
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonces({} of them)", self.0.len())
    }
}
