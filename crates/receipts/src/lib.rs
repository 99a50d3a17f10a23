//! Receipts: one line for each movement of money, in a chain that shows every edit.
//!
//! A [`Movement`] says when, who got paid, how much, for what, with an opaque proof. It becomes a [`Line`]: a salted
//! commitment to it, chained by hash to the line before, so that a line can be shown alone, or hidden, without breaking
//! the chain. Every ten minutes the new lines become a [`Batch`]: a Merkle root that the node signs with its identity key,
//! and may publish. [`verify`] reads an exported file offline and says which lines were edited, dropped, reordered or
//! inserted.
//!
//! This crate knows nothing of escrows, wallets, clocks and files: movements, moments, salts and keys arrive as
//! arguments. Start reading at [`Movement`], then [`verify`].

mod batch;
mod export;
mod line;
mod movement;
mod reconcile;
mod verify;

pub use batch::{BATCH_EVERY_S, Batch, BatchDraft, End};
pub use export::{Record, csv, export, redact};
pub use line::{Chain, Line, Opening};
pub use movement::{Movement, Payee, Purpose};
pub use reconcile::reconcile;
pub use verify::{Fault, Finding, Report, verify};

use secp256k1_zkp::schnorr::Signature;
use secp256k1_zkp::{Keypair, Message, SECP256K1, XOnlyPublicKey};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use terms::Hex32;

/// The tagged hash (BIP340) of some bytes.
fn tagged(tag: &str, parts: &[&[u8]]) -> Hex32 {
    let tag = Sha256::digest(tag.as_bytes());
    let hash = Sha256::new().chain_update(tag).chain_update(tag);
    Hex32(parts.iter().fold(hash, |hash, part| hash.chain_update(part)).finalize().into())
}

/// The tagged hash of a shape's canonical form (RFC 8785).
fn tagged_shape<T: Serialize>(tag: &str, shape: &T) -> Hex32 {
    tagged(tag, &[&terms::canonical::bytes(shape)])
}

/// A BIP340 signature as 128 hex digits. Without auxiliary randomness, so that the same always gives the same bytes.
fn sign(hash: Hex32, key: &Keypair) -> String {
    let signature = SECP256K1.sign_schnorr_no_aux_rand(&Message::from_digest(hash.0), key).serialize();
    signature.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a signature is the key's over the hash.
fn is_signed(hash: Hex32, key: Hex32, signature: &str) -> bool {
    let lower = !signature.bytes().any(|byte| byte.is_ascii_uppercase());
    let (Ok(key), Ok(signature)) = (XOnlyPublicKey::from_slice(&key.0), signature.parse::<Signature>())
    else {
        return false;
    };
    lower && SECP256K1.verify_schnorr(&signature, &Message::from_digest(hash.0), &key).is_ok()
}

/// The x-only public key of a key pair.
fn public_key(key: &Keypair) -> Hex32 {
    Hex32(key.x_only_public_key().0.serialize())
}
