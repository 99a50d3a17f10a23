//! Proofs that an oracle knows its nonces.
//!
//! A CET's adaptor point is the sum of what t oracles would sign. An announcement proves that its oracle holds its key,
//! and says nothing of the nonces: an oracle that has seen another's can choose its own so that the other's cancel, and
//! unlock one outcome alone (`docs/adr/0005-several-oracles.md`, `tests/nonce_cancellation.rs`). An oracle that has
//! signed with each nonce cannot, because it would have to know what it cancelled.
//!
//! No announcement format that is in use carries such proofs, so they travel beside it, and the gate does not demand them:
//! whether an agreement may do without is for its parties' nodes to say.

use bitcoin::hashes::{Hash, HashEngine, sha256};
use dlc_messages::TlvRecord;
use dlc_messages::oracle_msgs::OracleAnnouncement;
use secp256k1_zkp::schnorr::Signature;
use secp256k1_zkp::{Message as Digest, SECP256K1};

use crate::announcements::Announcements;
use crate::error::{GateError, Message, Rule};

/// The BIP340 tag of what nonces sign. It is no tag of the DLC specification, so that no proof is an attestation.
const TAG: &str = "earnest/nonce-proof/v1";

/// What every nonce of an announcement signs: the tagged hash of the announcement's TLV bytes, with header.
///
/// An oracle signs it with BIP340 and fresh randomness, each nonce's secret taking the place of a key.
pub fn proof_message(announcement: &OracleAnnouncement) -> Digest {
    let tag = sha256::Hash::hash(TAG.as_bytes());
    let mut engine = sha256::Hash::engine();
    engine.input(tag.as_byte_array());
    engine.input(tag.as_byte_array());
    engine.input(&announcement.to_tlv_bytes());
    Digest::from_digest(sha256::Hash::from_engine(engine).to_byte_array())
}

/// Checks the proofs of all oracles of a contract: for each, in the agreement's order, what its server gave.
///
/// # Errors
/// Names the first nonce that is not proven.
pub fn check_all(announcements: &Announcements, proofs: &[Vec<[u8; 64]>]) -> Result<(), GateError> {
    let none = Vec::new();
    for (oracle, announcement) in announcements.as_slice().iter().enumerate() {
        let proofs = proofs.get(oracle).unwrap_or(&none);
        let read = |(index, bytes): (usize, &[u8; 64])| {
            Signature::from_slice(bytes).map_err(|_| unproven(oracle, format!("nonce_proofs[{index}]")))
        };
        let proofs: Vec<Signature> = proofs.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        check_proofs(oracle, announcement, &proofs)?;
    }
    Ok(())
}

/// Checks that an oracle, by its place in the agreement, knows each nonce that it announced: one signature for each, in
/// their order.
///
/// # Errors
/// Names the nonce that is not proven.
pub fn check_proofs(
    oracle: usize,
    announcement: &OracleAnnouncement,
    proofs: &[Signature],
) -> Result<(), GateError> {
    let nonces = &announcement.oracle_event.oracle_nonces;
    if proofs.len() != nonces.len() {
        let rule = Rule::WrongCount { expected: nonces.len(), got: proofs.len() };
        return Err(GateError::new(Message::Announcement(oracle), "nonce_proofs", rule));
    }
    let message = proof_message(announcement);
    for (index, (nonce, proof)) in nonces.iter().zip(proofs).enumerate() {
        if SECP256K1.verify_schnorr(proof, &message, nonce).is_err() {
            return Err(unproven(oracle, format!("nonce_proofs[{index}]")));
        }
    }
    Ok(())
}

fn unproven(oracle: usize, field: String) -> GateError {
    GateError::new(Message::Announcement(oracle), field, Rule::BadSignature)
}
