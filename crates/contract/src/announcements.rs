//! Oracle announcements, checked against the agreement.

use std::collections::HashSet;

use dlc_messages::TlvRecord;
use dlc_messages::oracle_msgs::{
    DigitDecompositionEventDescriptor, EnumEventDescriptor, EventDescriptor, OracleAnnouncement,
    tagged_announcement_msg,
};
use secp256k1_zkp::SECP256K1;
use terms::{Agreement, Hex32, Scale, UnixSeconds};

use crate::error::{GateError, Message, Rule};
use crate::limits;

/// One announcement for each oracle of an agreement, in its order, each checked.
///
/// The signature is the tagged one (`DLC/oracle/announcement/v0`) over the event TLV with its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcements(Vec<OracleAnnouncement>);

impl Announcements {
    /// Checks announcements against an agreement.
    ///
    /// # Errors
    /// Names the announcement, the field and the rule that it breaks.
    pub fn check(agreement: &Agreement, announcements: Vec<OracleAnnouncement>) -> Result<Self, GateError> {
        let keys = &agreement.oracles.keys;
        if announcements.len() != keys.len() {
            let rule = Rule::WrongCount { expected: keys.len(), got: announcements.len() };
            return Err(GateError::new(Message::Announcement(announcements.len()), "announcements", rule));
        }
        let mut nonces = HashSet::new();
        for (index, (announcement, key)) in announcements.iter().zip(keys).enumerate() {
            check_one(agreement, announcement, key)
                .and_then(|()| check_nonces(announcement, &mut nonces))
                .map_err(|(field, rule)| GateError::new(Message::Announcement(index), field, rule))?;
        }
        Ok(Self(announcements))
    }

    /// Parses announcements from their TLV bytes (type 55332, with header), and checks them.
    ///
    /// # Errors
    /// As [`Announcements::check`].
    pub fn parse<B: AsRef<[u8]>>(agreement: &Agreement, tlvs: &[B]) -> Result<Self, GateError> {
        let parsed = tlvs
            .iter()
            .enumerate()
            .map(|(index, tlv)| read_announcement(index, tlv.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        Self::check(agreement, parsed)
    }

    /// Their TLV bytes, which [`Announcements::parse`] reads again.
    pub fn to_tlvs(&self) -> Vec<Vec<u8>> {
        self.0.iter().map(TlvRecord::to_tlv_bytes).collect()
    }

    /// The announcements, in the agreement's order.
    pub fn as_slice(&self) -> &[OracleAnnouncement] {
        &self.0
    }

    /// Whether these bytes are another announcement of the agreed event, signed by one of the oracles: one that says
    /// something else than the agreed one.
    pub fn is_contradicted_by(&self, oracle: usize, bytes: &[u8]) -> bool {
        let (Some(agreed), Ok(other)) = (self.0.get(oracle), read_announcement(oracle, bytes)) else {
            return false;
        };
        other.oracle_public_key == agreed.oracle_public_key
            && other.oracle_event.event_id == agreed.oracle_event.event_id
            && other.oracle_event != agreed.oracle_event
            && is_signed(&other)
    }

    /// When the first of them is attested; from then on there may be something to settle with.
    pub fn first_maturity(&self) -> UnixSeconds {
        let first = self.0.iter().map(|a| a.oracle_event.event_maturity_epoch).min();
        UnixSeconds(u64::from(first.unwrap_or_default()))
    }

    /// When the last of them is attested; the refund waits from here.
    pub fn latest_maturity(&self) -> UnixSeconds {
        let latest = self.0.iter().map(|a| a.oracle_event.event_maturity_epoch).max();
        UnixSeconds(u64::from(latest.unwrap_or_default()))
    }
}

/// Reads one announcement's TLV bytes, as far as its form goes: nothing is checked against an agreement.
///
/// # Errors
/// Names what cannot be read.
pub fn read_announcement(index: usize, bytes: &[u8]) -> Result<OracleAnnouncement, GateError> {
    let refuse = |rule| GateError::new(Message::Announcement(index), "announcement", rule);
    if bytes.len() > limits::MAX_ORACLE_BYTES {
        return Err(refuse(Rule::TooLarge { bytes: bytes.len(), most: limits::MAX_ORACLE_BYTES }));
    }
    let announcement = OracleAnnouncement::from_tlv_bytes(bytes).map_err(|_| refuse(Rule::Unreadable))?;
    if announcement.to_tlv_bytes() != bytes {
        return Err(refuse(Rule::NotCanonical));
    }
    Ok(announcement)
}

type Broken = (&'static str, Rule);

fn check_one(agreement: &Agreement, announcement: &OracleAnnouncement, key: &Hex32) -> Result<(), Broken> {
    let got = Hex32(announcement.oracle_public_key.serialize());
    if got != *key {
        return Err(("oracle_public_key", Rule::Differs { expected: key.to_string(), got: got.to_string() }));
    }
    let event = &announcement.oracle_event;
    if event.event_id != agreement.event_id.as_str() {
        let rule = Rule::Differs { expected: agreement.event_id.to_string(), got: event.event_id.clone() };
        return Err(("event_id", rule));
    }
    check_descriptor(&event.event_descriptor, &agreement.measurement.outcome)?;
    check_maturity(event.event_maturity_epoch, agreement.measurement.window.end)?;
    let expected = nonce_count(&agreement.measurement.outcome);
    if event.oracle_nonces.len() != expected {
        return Err(("oracle_nonces", Rule::WrongCount { expected, got: event.oracle_nonces.len() }));
    }
    if is_signed(announcement) { Ok(()) } else { Err(("announcement_signature", Rule::BadSignature)) }
}

fn is_signed(announcement: &OracleAnnouncement) -> bool {
    let message = tagged_announcement_msg(&announcement.oracle_event);
    let (signature, key) = (&announcement.announcement_signature, &announcement.oracle_public_key);
    SECP256K1.verify_schnorr(signature, &message, key).is_ok()
}

/// The same nonce for two digits, or of two oracles, would tie signatures together that must be independent.
fn check_nonces(announcement: &OracleAnnouncement, seen: &mut HashSet<[u8; 32]>) -> Result<(), Broken> {
    let fresh = announcement.oracle_event.oracle_nonces.iter().all(|nonce| seen.insert(nonce.serialize()));
    if fresh { Ok(()) } else { Err(("oracle_nonces", Rule::Duplicate)) }
}

fn check_maturity(maturity: u32, window_end: UnixSeconds) -> Result<(), Broken> {
    let got = u64::from(maturity);
    let most = window_end.0.saturating_add(limits::MAX_PUBLICATION_DELAY_S);
    if got < window_end.0 || got > most {
        return Err(("event_maturity_epoch", Rule::OutOfBounds { got, least: window_end.0, most }));
    }
    Ok(())
}

fn nonce_count(scale: &Scale) -> usize {
    match scale {
        Scale::Numeric(numeric) => usize::try_from(numeric.digits).unwrap_or(usize::MAX),
        Scale::Enum(_) => 1,
    }
}

fn check_descriptor(descriptor: &EventDescriptor, scale: &Scale) -> Result<(), Broken> {
    match (descriptor, scale) {
        (EventDescriptor::DigitDecompositionEvent(digits), Scale::Numeric(scale)) => {
            check_digits(digits, &scale.unit, scale.digits)
        }
        (EventDescriptor::EnumEvent(descriptor), Scale::Enum(_)) => {
            if *descriptor == enum_descriptor(scale) {
                return Ok(());
            }
            let expected = enum_descriptor(scale).outcomes.join(", ");
            Err((
                "event_descriptor.outcomes",
                Rule::Differs { expected, got: descriptor.outcomes.join(", ") },
            ))
        }
        (EventDescriptor::EnumEvent(_), Scale::Numeric(_)) => Err(kind_differs("digits", "levels")),
        (EventDescriptor::DigitDecompositionEvent(_), Scale::Enum(_)) => {
            Err(kind_differs("levels", "digits"))
        }
    }
}

fn kind_differs(expected: &str, got: &str) -> Broken {
    ("event_descriptor", Rule::Differs { expected: expected.to_owned(), got: got.to_owned() })
}

fn check_digits(got: &DigitDecompositionEventDescriptor, unit: &str, digits: u64) -> Result<(), Broken> {
    let differs = |field, expected: String, got: String| Err((field, Rule::Differs { expected, got }));
    if got.base != 2 {
        return differs("event_descriptor.base", "2".to_owned(), got.base.to_string());
    }
    if got.is_signed {
        return differs("event_descriptor.is_signed", "false".to_owned(), "true".to_owned());
    }
    if got.unit != unit {
        return differs("event_descriptor.unit", unit.to_owned(), got.unit.clone());
    }
    if got.precision != 0 {
        return differs("event_descriptor.precision", "0".to_owned(), got.precision.to_string());
    }
    if u64::from(got.nb_digits) != digits {
        return differs("event_descriptor.nb_digits", digits.to_string(), got.nb_digits.to_string());
    }
    Ok(())
}

/// What an oracle announces for an enum scale: its levels in order, then the indeterminate one.
fn enum_descriptor(scale: &Scale) -> EnumEventDescriptor {
    let Scale::Enum(scale) = scale else {
        return EnumEventDescriptor { outcomes: Vec::new() };
    };
    let levels = scale.levels.iter().map(|level| level.name.clone());
    EnumEventDescriptor { outcomes: levels.chain([scale.indeterminate.clone()]).collect() }
}
