//! Announcements and attestations as others read them: dlcspecs TLV records, and the JSON of kormir.
//!
//! `serde_json::to_value` of an [`OracleAnnouncement`] or an [`OracleAttestation`] is kormir's answer to
//! `/announcement/{id}` and `/attestation/{id}` as it stands; the other shapes are here.

use dlc_messages::TlvRecord;
use dlc_messages::oracle_msgs::{OracleAnnouncement, OracleAttestation};
use secp256k1_zkp::XOnlyPublicKey;
use secp256k1_zkp::schnorr::Signature;
use serde::Serialize;

/// A longer record is refused: the largest announcement of ours has 64 nonces and takes about 3 kB.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;

/// Why a record was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Too long.
    #[error("the record is longer than {MAX_RECORD_BYTES} bytes")]
    TooLong,
    /// Not lower-case hex.
    #[error("the record must be lower-case hex")]
    Hex,
    /// Not a record of this type, of this length, or with a key or signature that is none.
    #[error("the record must be a TLV of this type, without a byte too many or too few")]
    Record,
    /// It means something, but is not written the way it must be.
    #[error("the record is not in its only valid encoding")]
    NotCanonical,
}

/// The record's hex, with type and length: what `?format=tlv` serves.
pub fn announcement_hex(announcement: &OracleAnnouncement) -> String {
    announcement.to_tlv_hex()
}

/// The record's hex, with type and length and counted outcomes: what `?format=tlv` serves.
pub fn attestation_hex(attestation: &OracleAttestation) -> String {
    attestation.to_tlv_hex()
}

/// Parses what [`announcement_hex`] writes, and nothing else.
///
/// # Errors
/// Says which rule it breaks. Signatures are not checked here.
pub fn parse_announcement(hex: &str) -> Result<OracleAnnouncement, WireError> {
    parse(hex)
}

/// Parses what [`attestation_hex`] writes, and nothing else.
///
/// # Errors
/// Says which rule it breaks. Signatures are not checked here.
pub fn parse_attestation(hex: &str) -> Result<OracleAttestation, WireError> {
    parse(hex)
}

/// Parses a signature as evidence carries it: 128 lower-case hex digits, so that no other text stands for the same one.
pub fn parse_signature(hex: &str) -> Option<Signature> {
    hex.parse().ok().filter(|signature: &Signature| signature.to_string() == hex)
}

/// A record is written again and compared: other versions of the library read over types and lengths within it,
/// and whatever a later one reads over must not pass here.
fn parse<T: TlvRecord>(hex: &str) -> Result<T, WireError> {
    if hex.len() > 2 * MAX_RECORD_BYTES {
        return Err(WireError::TooLong);
    }
    if hex.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(WireError::Hex);
    }
    let bytes = hex::decode(hex).map_err(|_| WireError::Hex)?;
    let record = T::from_tlv_bytes(&bytes).map_err(|_| WireError::Record)?;
    if record.to_tlv_bytes() == bytes { Ok(record) } else { Err(WireError::NotCanonical) }
}

/// kormir's `/pubkey`.
#[derive(Clone, Debug, Serialize)]
pub struct PubkeyJson {
    /// The oracle's key.
    pub pubkey: XOnlyPublicKey,
}

/// One element of kormir's `/list-events`, in the shape that ddk's client reads too.
#[derive(Clone, Debug, Serialize)]
pub struct ListedEvent {
    event_id: String,
    announcement: OracleAnnouncement,
    attestation: Option<OracleAttestation>,
    signatures: Vec<(String, String)>,
    announcement_event_id: Option<String>,
    attestation_event_id: Option<String>,
}

impl ListedEvent {
    /// The element for an event, attested or not.
    pub fn new(announcement: &OracleAnnouncement, attestation: Option<&OracleAttestation>) -> Self {
        let signatures = attestation.map(|attestation| {
            let pairs = attestation.outcomes.iter().zip(&attestation.signatures);
            pairs.map(|(outcome, signature)| (outcome.clone(), signature.to_string())).collect()
        });
        Self {
            event_id: announcement.oracle_event.event_id.clone(),
            announcement: announcement.clone(),
            attestation: attestation.cloned(),
            signatures: signatures.unwrap_or_default(),
            announcement_event_id: None,
            attestation_event_id: None,
        }
    }
}

/// The answer to `?format=tlv` and `?format=hex`.
#[derive(Clone, Debug, Serialize)]
pub struct TlvEvent {
    event_id: String,
    event_maturity_epoch: u32,
    event_maturity_iso: String,
    announcement: String,
    attestation: Option<String>,
}

impl TlvEvent {
    /// The answer for an event, attested or not.
    pub fn new(announcement: &OracleAnnouncement, attestation: Option<&OracleAttestation>) -> Self {
        let event = &announcement.oracle_event;
        let maturity =
            jiff::Timestamp::from_second(i64::from(event.event_maturity_epoch)).unwrap_or_default();
        Self {
            event_id: event.event_id.clone(),
            event_maturity_epoch: event.event_maturity_epoch,
            event_maturity_iso: maturity.to_string(),
            announcement: announcement_hex(announcement),
            attestation: attestation.map(attestation_hex),
        }
    }
}
