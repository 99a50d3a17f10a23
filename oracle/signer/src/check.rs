//! What anybody should check before relying on an oracle's message.
//!
//! The library's `validate` accepts an attestation without signatures, for another event or with
//! fewer digits than announced; these checks do not.

use std::collections::BTreeSet;

use dlc_messages::oracle_msgs::{
    EventDescriptor, OracleAnnouncement, OracleAttestation, tagged_announcement_msg, tagged_attestation_msg,
};
use secp256k1_zkp::{SECP256K1, XOnlyPublicKey, schnorr::Signature};
use terms::{EventId, Hex32, Measurement, Outcome};

use crate::announce::descriptor;
use crate::nonces::Nonces;

/// What is wrong with an announcement or an attestation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// By another oracle.
    #[error("oracle key: is {got}, must be {expected}")]
    Key {
        /// The one that should have signed.
        expected: Hex32,
        /// The one in the message.
        got: Hex32,
    },
    /// For another event.
    #[error("event id: must be {expected}")]
    EventId {
        /// The right one.
        expected: String,
    },
    /// Not the measurement's scale: base, sign, unit, precision, digits, or the levels.
    #[error("event descriptor: is not that of the measurement's scale")]
    Descriptor,
    /// Another number of nonces than digits.
    #[error("nonces: {got}, must be {expected}")]
    NonceCount {
        /// One for each digit.
        expected: usize,
        /// How many there are.
        got: usize,
    },
    /// A nonce stands twice, so attesting would reveal the key.
    #[error("nonces: one stands there twice")]
    NonceRepeated,
    /// Matures before the window ends.
    #[error("maturity: {maturity_s} is before the window's end, {window_end_s}")]
    Maturity {
        /// The maturity in unix seconds.
        maturity_s: u64,
        /// The window's end in unix seconds.
        window_end_s: u64,
    },
    /// The announcement's signature is wrong.
    #[error("announcement signature: is not the oracle's")]
    AnnouncementSignature,
    /// Another number of outcomes or signatures than nonces.
    #[error("{what}: {got}, must be {expected}")]
    Count {
        /// `outcomes` or `signatures`.
        what: &'static str,
        /// One for each nonce.
        expected: usize,
        /// How many there are.
        got: usize,
    },
    /// Not "0" or "1", or no level that was announced.
    #[error("outcome {position}: is none of those announced")]
    Outcome {
        /// Its position, from 0.
        position: usize,
    },
    /// Made with another nonce than announced.
    #[error("signature {position}: does not use the announced nonce")]
    SignatureNonce {
        /// Its position, from 0.
        position: usize,
    },
    /// The signature is wrong.
    #[error("signature {position}: does not verify")]
    Signature {
        /// Its position, from 0.
        position: usize,
    },
    /// The signed strings are no outcome of the measurement's scale.
    #[error("outcomes: are none of the measurement's scale")]
    Scale,
}

/// Checks that an announcement is this measurement's, and by this key where one is expected.
///
/// # Errors
/// Says what is wrong.
pub fn check_announcement(
    announcement: &OracleAnnouncement,
    measurement: &Measurement,
    expected_key: Option<&XOnlyPublicKey>,
) -> Result<(), CheckError> {
    let event = &announcement.oracle_event;
    check_key(expected_key.unwrap_or(&announcement.oracle_public_key), &announcement.oracle_public_key)?;
    check_event_id(&event.event_id, &measurement.event_id())?;
    if event.event_descriptor != descriptor(&measurement.outcome) {
        return Err(CheckError::Descriptor);
    }
    check_nonces(&event.oracle_nonces, Nonces::count_for(&measurement.outcome))?;
    let (maturity_s, window_end_s) = (u64::from(event.event_maturity_epoch), measurement.window.end.0);
    if maturity_s < window_end_s {
        return Err(CheckError::Maturity { maturity_s, window_end_s });
    }
    let message = tagged_announcement_msg(event);
    SECP256K1
        .verify_schnorr(&announcement.announcement_signature, &message, &announcement.oracle_public_key)
        .map_err(|_| CheckError::AnnouncementSignature)
}

/// Checks that an attestation fulfils an announcement: event, key, counts, outcomes, and each signature
/// under its announced nonce. The announcement itself must have been checked.
///
/// # Errors
/// Says what is wrong.
pub fn check_attestation(
    announcement: &OracleAnnouncement,
    attestation: &OracleAttestation,
) -> Result<(), CheckError> {
    let event = &announcement.oracle_event;
    let key = announcement.oracle_public_key;
    check_key(&key, &attestation.oracle_public_key)?;
    if attestation.event_id != event.event_id {
        return Err(CheckError::EventId { expected: event.event_id.clone() });
    }
    let expected = event.oracle_nonces.len().max(1);
    check_count("outcomes", expected, attestation.outcomes.len())?;
    check_count("signatures", expected, attestation.signatures.len())?;
    check_outcomes(&event.event_descriptor, &attestation.outcomes)?;
    let signed = event.oracle_nonces.iter().zip(&attestation.signatures).zip(&attestation.outcomes);
    for (position, ((nonce, signature), outcome)) in signed.enumerate() {
        check_signature(&key, nonce, signature, outcome, position)?;
    }
    Ok(())
}

/// The outcome that an attestation stands for, after all checks.
///
/// # Errors
/// Says what is wrong with the announcement or the attestation.
pub fn attested_outcome(
    measurement: &Measurement,
    announcement: &OracleAnnouncement,
    attestation: &OracleAttestation,
) -> Result<Outcome, CheckError> {
    check_announcement(announcement, measurement, None)?;
    check_attestation(announcement, attestation)?;
    measurement.outcome.decode(&attestation.outcomes).ok_or(CheckError::Scale)
}

/// Each outcome must be one that was announced; there must be as many as nonces.
pub(crate) fn check_outcomes(descriptor: &EventDescriptor, outcomes: &[String]) -> Result<(), CheckError> {
    let announced = |outcome: &String| match descriptor {
        EventDescriptor::EnumEvent(levels) => levels.outcomes.contains(outcome),
        EventDescriptor::DigitDecompositionEvent(digits) => {
            digits.base == 2 && !digits.is_signed && matches!(outcome.as_str(), "0" | "1")
        }
    };
    let wrong = outcomes.iter().position(|outcome| !announced(outcome));
    wrong.map_or(Ok(()), |position| Err(CheckError::Outcome { position }))
}

/// One signature: under the announced nonce, over the outcome's tagged hash.
pub(crate) fn check_signature(
    key: &XOnlyPublicKey,
    nonce: &XOnlyPublicKey,
    signature: &Signature,
    outcome: &str,
    position: usize,
) -> Result<(), CheckError> {
    if signature.as_ref()[..32] != nonce.serialize() {
        return Err(CheckError::SignatureNonce { position });
    }
    let verified = SECP256K1.verify_schnorr(signature, &tagged_attestation_msg(outcome), key);
    verified.map_err(|_| CheckError::Signature { position })
}

fn check_key(expected: &XOnlyPublicKey, got: &XOnlyPublicKey) -> Result<(), CheckError> {
    let hex = |key: &XOnlyPublicKey| Hex32(key.serialize());
    if got == expected { Ok(()) } else { Err(CheckError::Key { expected: hex(expected), got: hex(got) }) }
}

fn check_event_id(got: &str, expected: &EventId) -> Result<(), CheckError> {
    if got == expected.as_str() {
        Ok(())
    } else {
        Err(CheckError::EventId { expected: expected.as_str().to_owned() })
    }
}

fn check_nonces(nonces: &[XOnlyPublicKey], expected: usize) -> Result<(), CheckError> {
    if nonces.len() != expected {
        return Err(CheckError::NonceCount { expected, got: nonces.len() });
    }
    let distinct: BTreeSet<_> = nonces.iter().map(XOnlyPublicKey::serialize).collect();
    if distinct.len() == expected { Ok(()) } else { Err(CheckError::NonceRepeated) }
}

pub(crate) fn check_count(what: &'static str, expected: usize, got: usize) -> Result<(), CheckError> {
    if got == expected { Ok(()) } else { Err(CheckError::Count { what, expected, got }) }
}
