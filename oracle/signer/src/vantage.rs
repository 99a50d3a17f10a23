//! The key of a vantage, and the seed that an oracle tells it in secret.

use std::fmt;
use std::path::Path;

use ledger::batch::Statement;
use secp256k1_zkp::schnorr::Signature;
use secp256k1_zkp::{Keypair, Message, Parity, PublicKey, SECP256K1, SecretKey, XOnlyPublicKey, ecdh};
use terms::Hex32;
use zeroize::{Zeroize as _, Zeroizing};

use crate::hash::tagged;
use crate::key::{Expected, KeyError, KeyOptions, OracleKey, Passphrase};
use crate::seal::{self, RandomnessError};

/// The key that a vantage signs its requests and its samples with. Its file is like an oracle's.
pub struct VantageKey(OracleKey);

/// Why a seed cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// The vantage's key is no point of the curve.
    #[error("the vantage's key is none")]
    Key,
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

impl VantageKey {
    /// Makes a random key and writes it to a new file of mode 0600.
    ///
    /// # Errors
    /// As [`OracleKey::create`].
    pub fn create(path: &Path, options: &KeyOptions) -> Result<Self, KeyError> {
        OracleKey::create(path, options).map(Self)
    }

    /// Loads a key for use in this process.
    ///
    /// # Errors
    /// As [`OracleKey::load`].
    pub fn load(
        path: &Path,
        passphrase: Option<&Passphrase>,
        expected: &Expected<'_>,
    ) -> Result<Self, KeyError> {
        OracleKey::load(path, passphrase, expected).map(Self)
    }

    /// The x-only public key: the vantage's identity.
    pub fn public(&self) -> Hex32 {
        Hex32(self.0.public().serialize())
    }

    /// The key pair, to sign with.
    pub fn keypair(&self) -> &Keypair {
        self.0.keypair()
    }

    /// Signs what was seen in a block.
    pub fn sign_batch(&self, statement: &Statement<'_>) -> [u8; 64] {
        SECP256K1.sign_schnorr_no_aux_rand(&message(statement), self.0.keypair()).serialize()
    }

    /// The seed that the oracle of this key sealed for this vantage in this context; `None` when it did not.
    pub fn open_seed(&self, oracle: &Hex32, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let key = shared(self.0.keypair(), oracle)?;
        let seed = seal::open(&key, context, sealed)?;
        seed.as_slice().try_into().ok().map(Zeroizing::new)
    }
}

/// Seals an event's probe seed for one vantage: nobody else reads it, and nobody but this oracle can have written
/// it, or said it in another context. XChaCha20-Poly1305 with the context beside it, under the tagged hash
/// (`earnest/vantage-seed/v1`) of the x coordinate that both keys lead to.
///
/// # Errors
/// When the vantage's key is none, or there is no randomness.
pub fn seal_seed(
    oracle: &OracleKey,
    vantage: &Hex32,
    context: &[u8],
    seed: &[u8; 32],
) -> Result<Vec<u8>, SeedError> {
    let key = shared(oracle.keypair(), vantage).ok_or(SeedError::Key)?;
    Ok(seal::seal(&key, context, seed)?)
}

/// Whether [`VantageKey::sign_batch`] of this key made the signature.
pub fn check_batch(key: &Hex32, statement: &Statement<'_>, signature: &[u8; 64]) -> bool {
    let read =
        XOnlyPublicKey::from_slice(&key.0).and_then(|key| Ok((key, Signature::from_slice(signature)?)));
    read.is_ok_and(|(key, signature)| SECP256K1.verify_schnorr(&signature, &message(statement), &key).is_ok())
}

fn message(statement: &Statement<'_>) -> Message {
    Message::from_digest(tagged("earnest/vantage-batch/v1", &[&statement.bytes()]))
}

/// Whether these bytes are an x-only key: a point of the curve.
pub fn check_key(key: &Hex32) -> bool {
    XOnlyPublicKey::from_slice(&key.0).is_ok()
}

/// What both keys lead to. An x-only key stands for two points, whose multiples share their x coordinate.
fn shared(own: &Keypair, other: &Hex32) -> Option<Zeroizing<[u8; 32]>> {
    let other = XOnlyPublicKey::from_slice(&other.0).ok()?;
    let other = PublicKey::from_x_only_public_key(other, Parity::Even);
    let mut secret = SecretKey::from_keypair(own);
    let mut point = ecdh::shared_secret_point(&other, &secret);
    secret.non_secure_erase();
    let key = Zeroizing::new(tagged("earnest/vantage-seed/v1", &[&point[..32]]));
    point.zeroize();
    Some(key)
}

impl fmt::Debug for VantageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VantageKey({})", self.public())
    }
}
