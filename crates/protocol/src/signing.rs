//! BIP340 signatures over tagged hashes of canonical JSON.

use secp256k1_zkp::{Keypair, Message, SECP256K1, XOnlyPublicKey, schnorr::Signature};
use serde::Serialize;
use sha2::{Digest, Sha256};
use terms::Hex32;

use crate::bytes::Hex64;

/// The x-only public key (BIP340) of a key pair: what `from`, `to` and a card's `key` hold.
pub fn public_key(keypair: &Keypair) -> Hex32 {
    Hex32(keypair.x_only_public_key().0.serialize())
}

/// The tagged hash (BIP340) of a shape's canonical form (RFC 8785).
pub(crate) fn tagged_hash<T: Serialize>(tag: &str, shape: &T) -> Hex32 {
    tagged_bytes(tag, &terms::canonical::bytes(shape))
}

/// The tagged hash (BIP340) of bytes.
pub(crate) fn tagged_bytes(tag: &str, bytes: &[u8]) -> Hex32 {
    let tag = Sha256::digest(tag.as_bytes());
    Hex32(Sha256::new().chain_update(tag).chain_update(tag).chain_update(bytes).finalize().into())
}

/// Signs without auxiliary randomness: BIP340's nonce is then a function of key and hash, which is
/// safe, and the same draft always gives the same bytes.
pub(crate) fn sign(hash: Hex32, keypair: &Keypair) -> Hex64 {
    let message = Message::from_digest(hash.0);
    Hex64(SECP256K1.sign_schnorr_no_aux_rand(&message, keypair).serialize())
}

/// The key is no point of the curve, or the signature is not its over the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadSignature;

/// Checks a signature.
pub(crate) fn verify(hash: Hex32, key: Hex32, sig: Hex64) -> Result<(), BadSignature> {
    let key = XOnlyPublicKey::from_slice(&key.0).map_err(|_| BadSignature)?;
    let sig = Signature::from_slice(&sig.0).map_err(|_| BadSignature)?;
    SECP256K1.verify_schnorr(&sig, &Message::from_digest(hash.0), &key).map_err(|_| BadSignature)
}
