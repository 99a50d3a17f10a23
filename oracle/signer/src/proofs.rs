//! Proofs that this oracle knows the nonces that it announces.
//!
//! Where several oracles decide together, one that has seen another's announcement could choose nonces that cancel the
//! other's, and unlock one outcome alone; it would not know what it chose (`docs/adr/0005-several-oracles.md`). So each
//! nonce signs its own announcement.
//!
//! A proof is an ordinary BIP340 signature, the nonce's secret taking the place of a key. What protects a key when it
//! signs protects the nonce: the signature has a nonce of its own, derived from the secret, the message and fresh
//! randomness, and tells nothing of the secret. Nor does it help to forge an attestation, or the other way round: the tags of
//! the two messages differ, and so do the keys that sign them.

use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};
use dlc_messages::TlvRecord as _;
use dlc_messages::oracle_msgs::OracleAnnouncement;
use secp256k1_zkp::schnorr::Signature;
use secp256k1_zkp::{Keypair, Message, SECP256K1};

use crate::nonces::Nonces;
use crate::seal::{self, RandomnessError};

/// The BIP340 tag of what nonces sign.
const TAG: &str = "earnest/nonce-proof/v1";

/// Why the nonces of an announcement were not proven.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The nonces are not those that were announced.
    #[error("the nonces are not those that were announced")]
    Nonces,
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// A finished proof does not verify: the machine is broken.
    #[error("the proof of nonce {index} does not verify")]
    Broken {
        /// The nonce's place.
        index: usize,
    },
}

/// What every nonce of an announcement signs: the tagged hash of the announcement's TLV bytes, with header.
///
/// Whoever relies on the proofs computes it without this crate (`contract::nonces`); a golden file holds both to it.
pub fn proof_message(announcement: &OracleAnnouncement) -> Message {
    let tag = sha256::Hash::hash(TAG.as_bytes());
    let mut engine = sha256::Hash::engine();
    engine.input(tag.as_byte_array());
    engine.input(tag.as_byte_array());
    engine.input(&announcement.to_tlv_bytes());
    Message::from_digest(sha256::Hash::from_engine(engine).to_byte_array())
}

/// Signs an announcement with each of its nonces, in their order. Every proof has been verified when this returns.
///
/// Proofs are fresh at each call; all of them are good.
///
/// # Errors
/// When these are not the announcement's nonces, or there is no randomness.
pub fn prove_nonces(
    nonces: &Nonces,
    announcement: &OracleAnnouncement,
) -> Result<Vec<Signature>, ProofError> {
    if nonces.public() != announcement.oracle_event.oracle_nonces {
        return Err(ProofError::Nonces);
    }
    let message = proof_message(announcement);
    nonces
        .secrets()
        .iter()
        .enumerate()
        .map(|(index, secret)| {
            let mut pair = Keypair::from_secret_key(SECP256K1, secret);
            let randomness = seal::random::<32>()?;
            let proof = SECP256K1.sign_schnorr_with_aux_rand(&message, &pair, &randomness);
            let valid = SECP256K1.verify_schnorr(&proof, &message, &pair.x_only_public_key().0).is_ok();
            pair.non_secure_erase();
            if valid { Ok(proof) } else { Err(ProofError::Broken { index }) }
        })
        .collect()
}
