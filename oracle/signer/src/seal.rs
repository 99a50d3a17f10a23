//! Sealing small secrets: XChaCha20-Poly1305 with a random nonce.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// The operating system has no randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no randomness: {0}")]
pub struct RandomnessError(pub(crate) getrandom::Error);

pub(crate) const NONCE_BYTES: usize = 24;

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, RandomnessError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut bytes[..]).map_err(RandomnessError)?;
    Ok(bytes)
}

/// The nonce and the ciphertext, in that order.
///
/// # Panics
/// Never: the cipher refuses only messages of 256 GiB.
pub(crate) fn seal(key: &[u8; 32], context: &[u8], secret: &[u8]) -> Result<Vec<u8>, RandomnessError> {
    let nonce = random::<NONCE_BYTES>()?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let payload = Payload { msg: secret, aad: context };
    let sealed = cipher.encrypt(XNonce::from_slice(&nonce[..]), payload).expect("secrets are short");
    Ok([&nonce[..], &sealed].concat())
}

/// The secret; `None` when key, context or a single bit differ.
pub(crate) fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let payload = Payload { msg: sealed, aad: context };
    cipher.decrypt(XNonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
}
