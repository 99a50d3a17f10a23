//! The oracle's log has a key of its own, since checkpoints are signed with Ed25519.

use std::path::Path;

use evidence::{CheckpointError, LogKey};
use secp256k1_zkp::{Message, SECP256K1, XOnlyPublicKey, schnorr::Signature};
use zeroize::Zeroizing;

use crate::hash::tagged;
use crate::key::{KeyError, OracleKey, Passphrase};
use crate::keyfile;

/// The key of this oracle's log. It follows from the oracle's key (tagged hash `earnest/log-key-seed/v1` of the
/// secret), so that whoever has that key's backup has this one; the log is named `earnest-oracle/<public key>`.
///
/// # Errors
/// Never: the name is well formed.
pub fn log_key(key: &OracleKey) -> Result<LogKey, CheckpointError> {
    LogKey::from_seed(&origin(&key.public()), &seed(key))
}

fn origin(key: &XOnlyPublicKey) -> String {
    format!("earnest-oracle/{key}")
}

fn seed(key: &OracleKey) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(tagged("earnest/log-key-seed/v1", &[&key.secret_bytes()[..]]))
}

/// Keeps the log's key in a file of its own, of the form of an oracle's: the log goes on when the key from which its key
/// follows is retired.
///
/// # Errors
/// As for an oracle's key. That the seed is none that the file can hold has a chance of one in `2^128`.
pub fn write_log_key(path: &Path, key: &OracleKey, passphrase: Option<&Passphrase>) -> Result<(), KeyError> {
    let kept = OracleKey::from_secret(&seed(key)[..], key.network(), key.is_simulated());
    let unfit = || KeyError::Format { path: path.to_owned(), field: "secret", rule: "must be a key" };
    keyfile::write(path, &kept.ok_or_else(unfit)?, passphrase)
}

/// The log's key from such a file, of the log that is named after the oracle's first key.
///
/// # Errors
/// As for an oracle's key.
pub fn read_log_key(
    path: &Path,
    first: &XOnlyPublicKey,
    passphrase: Option<&Passphrase>,
) -> Result<LogKey, KeyError> {
    let kept = keyfile::read(path, passphrase)?;
    LogKey::from_seed(&origin(first), &kept.secret_bytes()).map_err(|_| KeyError::Format {
        path: path.to_owned(),
        field: "public",
        rule: "must name a log",
    })
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
