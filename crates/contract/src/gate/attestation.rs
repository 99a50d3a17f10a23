//! An oracle's attestation against its announcement.
//!
//! The library's own check takes an attestation without signatures, with fewer than there are digits, of another
//! event, or with digits such as "01" or "7". Nothing of that passes here.

use dlc_messages::TlvRecord;
use dlc_messages::oracle_msgs::{
    EventDescriptor, OracleAnnouncement, OracleAttestation, tagged_attestation_msg,
};
use secp256k1_zkp::SECP256K1;
use terms::{Hex32, Outcome, Scale};

use crate::announcements::Announcements;
use crate::error::{GateError, Message, Rule};
use crate::limits;

/// An attestation of one of a contract's oracles, complete and valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedAttestation {
    pub(crate) oracle: usize,
    pub(crate) attestation: OracleAttestation,
}

impl CheckedAttestation {
    /// The oracle's place in the agreement.
    pub fn oracle(&self) -> usize {
        self.oracle
    }

    /// The strings that it signed: digits, or a level's name.
    pub fn signed(&self) -> &[String] {
        &self.attestation.outcomes
    }

    /// What they mean on the measurement's scale.
    pub fn outcome(&self, scale: &Scale) -> Option<Outcome> {
        scale.decode(&self.attestation.outcomes)
    }

    /// Whether these are the announcements that it was checked against, as far as event, key and nonces tell.
    pub(crate) fn answers(&self, announcements: &Announcements) -> bool {
        announcements.as_slice().get(self.oracle).is_some_and(|announcement| {
            let (event, said) = (&announcement.oracle_event, &self.attestation);
            let nonces = said.signatures.iter().map(|signature| &signature.as_ref()[..32]);
            said.oracle_public_key == announcement.oracle_public_key
                && said.event_id == event.event_id
                && nonces.eq(event.oracle_nonces.iter().map(|nonce| nonce.serialize()))
        })
    }

    /// Its TLV bytes (type 55400, with header).
    pub fn bytes(&self) -> Vec<u8> {
        self.attestation.to_tlv_bytes()
    }
}

/// Checks an attestation's TLV bytes (type 55400, with header) against the announcements of a contract.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn attestation(bytes: &[u8], announcements: &Announcements) -> Result<CheckedAttestation, GateError> {
    if bytes.len() > limits::MAX_ORACLE_BYTES {
        let rule = Rule::TooLarge { bytes: bytes.len(), most: limits::MAX_ORACLE_BYTES };
        return Err(refuse("attestation", rule));
    }
    let parsed =
        OracleAttestation::from_tlv_bytes(bytes).map_err(|_| refuse("attestation", Rule::Unreadable))?;
    if parsed.to_tlv_bytes() != bytes {
        return Err(refuse("attestation", Rule::NotCanonical));
    }
    check(parsed, announcements)
}

/// As [`attestation`], for one that was read from JSON.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn check(
    attestation: OracleAttestation,
    announcements: &Announcements,
) -> Result<CheckedAttestation, GateError> {
    let position = |a: &OracleAnnouncement| a.oracle_public_key == attestation.oracle_public_key;
    let oracle = announcements.as_slice().iter().position(position).ok_or_else(|| {
        let key = Hex32(attestation.oracle_public_key.serialize()).to_string();
        refuse("oracle_public_key", Rule::UnknownOracle { key })
    })?;
    against(&attestation, &announcements.as_slice()[oracle])?;
    Ok(CheckedAttestation { oracle, attestation })
}

/// What an attestation says that passed [`attestation`] before it was stored. Its signatures are not checked again, so
/// this is for one's own records alone. None for bytes that are not an attestation, or not on this scale.
pub fn stored_outcome(bytes: &[u8], scale: &Scale) -> Option<Outcome> {
    scale.decode(&OracleAttestation::from_tlv_bytes(bytes).ok()?.outcomes)
}

fn refuse(field: impl Into<std::borrow::Cow<'static, str>>, rule: Rule) -> GateError {
    GateError::new(Message::Attestation, field, rule)
}

fn against(attestation: &OracleAttestation, announcement: &OracleAnnouncement) -> Result<(), GateError> {
    let event = &announcement.oracle_event;
    super::same(Message::Attestation, "event_id", &attestation.event_id, &event.event_id)?;
    let expected = event.oracle_nonces.len();
    for (field, got) in
        [("outcomes", attestation.outcomes.len()), ("signatures", attestation.signatures.len())]
    {
        if got != expected {
            return Err(refuse(field, Rule::WrongCount { expected, got }));
        }
    }
    let signed = attestation.outcomes.iter().zip(&attestation.signatures).zip(&event.oracle_nonces);
    for (index, ((outcome, signature), nonce)) in signed.enumerate() {
        if !is_outcome(outcome, &event.event_descriptor) {
            let rule = Rule::NotAnOutcome { outcome: outcome.clone() };
            return Err(refuse(format!("outcomes[{index}]"), rule));
        }
        if signature.as_ref()[..32] != nonce.serialize() {
            return Err(refuse(format!("signatures[{index}]"), Rule::WrongNonce));
        }
        SECP256K1
            .verify_schnorr(signature, &tagged_attestation_msg(outcome), &announcement.oracle_public_key)
            .map_err(|_| refuse(format!("signatures[{index}]"), Rule::BadSignature))?;
    }
    Ok(())
}

fn is_outcome(outcome: &str, descriptor: &EventDescriptor) -> bool {
    match descriptor {
        EventDescriptor::DigitDecompositionEvent(_) => matches!(outcome, "0" | "1"),
        EventDescriptor::EnumEvent(levels) => levels.outcomes.iter().any(|level| level == outcome),
    }
}
