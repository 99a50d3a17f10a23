//! A beat: a service's own signed sign of life, for measurements whose target is a heartbeat.
//!
//! It is signed by the key that the measurement names (BIP340, tag `earnest/beat/v1`, over the canonical form of
//! `{key, name, unix_ms}`), so whoever carries it can neither make one nor change it. Its time makes it good once: an
//! oracle takes it near its own time ([`TOLERANCE_MS`]), and only after all beats that it has taken of this name.

use secp256k1_zkp::Keypair;
use serde::{Deserialize, Serialize};
use terms::Hex32;

use crate::bytes::Hex64;
use crate::signing::{self, public_key};

/// A beat is taken while its time is at most this far from the oracle's, in milliseconds.
pub const TOLERANCE_MS: u64 = 30_000;

/// The BIP340 tag of a beat's hash.
pub const TAG: &str = "earnest/beat/v1";

/// `POST /v1/beats`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// The service's name, as the measurement has it.
    pub name: String,
    /// The key that signs, as the measurement has it.
    pub key: Hex32,
    /// The service's time, in unix milliseconds. Each beat's is later than the one before.
    pub unix_ms: u64,
    /// BIP340 by `key`.
    pub sig: Hex64,
}

/// What became of a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeatHeard {
    /// In the windows of so many events it was heard; before they begin, none.
    pub events: u64,
}

#[derive(Serialize)]
struct Statement<'a> {
    name: &'a str,
    key: Hex32,
    unix_ms: u64,
}

/// The signature is not the key's over this beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sig: is not a signature of `key` over this beat")]
pub struct BadBeat;

impl Beat {
    /// Signs a beat.
    pub fn sign(name: &str, unix_ms: u64, keypair: &Keypair) -> Self {
        let unsigned = Self { name: name.to_owned(), key: public_key(keypair), unix_ms, sig: Hex64([0; 64]) };
        Self { sig: signing::sign(unsigned.hash(), keypair), ..unsigned }
    }

    /// Checks that the key signed it. Whether its time fits is for the receiver to see to.
    ///
    /// # Errors
    /// [`BadBeat`]
    pub fn check(&self) -> Result<(), BadBeat> {
        signing::verify(self.hash(), self.key, self.sig).map_err(|_| BadBeat)
    }

    fn hash(&self) -> Hex32 {
        let Self { name, key, unix_ms, .. } = self;
        signing::tagged_hash(TAG, &Statement { name, key: *key, unix_ms: *unix_ms })
    }
}

#[cfg(test)]
mod tests {
    use secp256k1_zkp::SECP256K1;

    use super::*;

    #[test]
    fn a_beat_is_good_for_its_name_time_and_key_alone() {
        let keypair = Keypair::from_seckey_slice(SECP256K1, &[7; 32]).unwrap();
        let beat = Beat::sign("backups", 1_767_225_600_000, &keypair);
        assert_eq!(beat.check(), Ok(()));
        let others = [
            Beat { name: "backup".to_owned(), ..beat.clone() },
            Beat { unix_ms: beat.unix_ms + 1, ..beat.clone() },
            Beat { key: Hex32([0xff; 32]), ..beat.clone() },
        ];
        for other in others {
            assert_eq!(other.check(), Err(BadBeat), "{other:?}");
        }
    }
}
