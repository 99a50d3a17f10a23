//! Signing the root of an event's evidence.

use secp256k1_zkp::{Message, SECP256K1, XOnlyPublicKey, schnorr::Signature};
use terms::{EventId, Hex32};

use crate::hash::tagged;
use crate::key::OracleKey;

/// Signs that the evidence of an event is these many slices under this root (BIP340, tag
/// `earnest/evidence-root/v1`, over event id, a zero byte, the count as eight bytes, and the root).
pub fn sign_root(key: &OracleKey, event_id: &EventId, root: &Hex32, slices: u64) -> Signature {
    SECP256K1.sign_schnorr_no_aux_rand(&message(event_id, root, slices), key.keypair())
}

/// Whether [`sign_root`] of this key made the signature.
pub fn check_root(
    key: &XOnlyPublicKey,
    event_id: &EventId,
    root: &Hex32,
    slices: u64,
    signature: &Signature,
) -> bool {
    SECP256K1.verify_schnorr(signature, &message(event_id, root, slices), key).is_ok()
}

fn message(event_id: &EventId, root: &Hex32, slices: u64) -> Message {
    let parts = [event_id.as_str().as_bytes(), &[0], &slices.to_be_bytes(), &root.0];
    Message::from_digest(tagged("earnest/evidence-root/v1", &parts))
}
