//! The oracle's log has a key of its own, since checkpoints are signed with Ed25519.

use evidence::{CheckpointError, LogKey};
use secp256k1_zkp::{Message, SECP256K1, XOnlyPublicKey, schnorr::Signature};
use zeroize::Zeroizing;

use crate::hash::tagged;
use crate::key::OracleKey;

/// The key of this oracle's log. It follows from the oracle's key (tagged hash `earnest/log-key-seed/v1` of the
/// secret), so that whoever has that key's backup has this one; the log is named `earnest-oracle/<public key>`.
///
/// # Errors
/// Never: the name is well formed.
pub fn log_key(key: &OracleKey) -> Result<LogKey, CheckpointError> {
    let secret = key.secret_bytes();
    let seed = Zeroizing::new(tagged("earnest/log-key-seed/v1", &[&secret[..]]));
    LogKey::from_seed(&format!("earnest-oracle/{}", key.public()), &seed)
}

/// Signs that the log of this public key is the oracle's (BIP340, tag `earnest/log-key/v1`, over the key's text).
pub fn sign_log_key(key: &OracleKey, log_key: &str) -> Signature {
    SECP256K1.sign_schnorr_no_aux_rand(&message(log_key), key.keypair())
}

/// Whether [`sign_log_key`] of this key made the signature.
pub fn check_log_key(key: &XOnlyPublicKey, log_key: &str, signature: &Signature) -> bool {
    SECP256K1.verify_schnorr(signature, &message(log_key), key).is_ok()
}

fn message(log_key: &str) -> Message {
    Message::from_digest(tagged("earnest/log-key/v1", &[log_key.as_bytes()]))
}
