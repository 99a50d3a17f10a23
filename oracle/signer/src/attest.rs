//! Attesting an outcome: the one act that cannot be taken back.

use dlc::secp_utils::schnorrsig_sign_with_nonce;
use dlc_messages::oracle_msgs::{OracleAnnouncement, OracleAttestation, tagged_attestation_msg};
use secp256k1_zkp::SECP256K1;
use zeroize::Zeroizing;

use crate::announce::commitment;
use crate::check::{CheckError, check_attestation, check_count, check_outcomes};
use crate::journal::Permit;
use crate::key::OracleKey;
use crate::nonces::Nonces;

/// Why an outcome was not attested. Nothing was signed, or nothing left this function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestError {
    /// The announcement is another key's; a permit is for one announcement, and so for its key.
    #[error("the announcement is another key's")]
    Key,
    /// The permit was given for another announcement.
    #[error("the permit is for another announcement")]
    Announcement,
    /// The nonces are not those that were announced.
    #[error("the nonces are not those that were announced")]
    Nonces,
    /// The outcome is none that was announced, or a signature does not verify.
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// Signs the outcome that the permit was given for, each string with its announced nonce. Every
/// signature has been verified when this returns.
///
/// The permit and the nonces are used up. A permit for the same outcome of the same event can be had
/// again after a crash, and gives the same signatures, bit for bit; one for another outcome cannot.
///
/// # Errors
/// When permit, nonces and announcement do not belong together, or the outcome was not announced.
pub fn attest(
    key: &OracleKey,
    permit: Permit,
    nonces: Nonces,
    announcement: &OracleAnnouncement,
) -> Result<OracleAttestation, AttestError> {
    let event = &announcement.oracle_event;
    if announcement.oracle_public_key != key.public() {
        return Err(AttestError::Key);
    }
    if permit.commitment() != commitment(announcement) || permit.event_id().as_str() != event.event_id {
        return Err(AttestError::Announcement);
    }
    if nonces.public() != event.oracle_nonces {
        return Err(AttestError::Nonces);
    }
    check_count("outcomes", event.oracle_nonces.len(), permit.outcome().len())?;
    check_outcomes(&event.event_descriptor, permit.outcome())?;
    let attestation = sign(key, permit, &nonces);
    check_attestation(announcement, &attestation)?;
    Ok(attestation)
}

fn sign(key: &OracleKey, permit: Permit, nonces: &Nonces) -> OracleAttestation {
    let sign_one = |(nonce, outcome): (&secp256k1_zkp::SecretKey, &String)| {
        let nonce = Zeroizing::new(nonce.secret_bytes());
        schnorrsig_sign_with_nonce(SECP256K1, &tagged_attestation_msg(outcome), key.keypair(), &nonce)
    };
    OracleAttestation {
        event_id: permit.event_id().as_str().to_owned(),
        oracle_public_key: key.public(),
        signatures: nonces.secrets().iter().zip(permit.outcome()).map(sign_one).collect(),
        outcomes: permit.into_outcome(),
    }
}
