//! Announcing an event (dlcspecs, Oracle.md).

use dlc_messages::TlvRecord as _;
use dlc_messages::oracle_msgs::{
    DigitDecompositionEventDescriptor, EnumEventDescriptor, EventDescriptor, OracleAnnouncement, OracleEvent,
    tagged_announcement_msg,
};
use secp256k1_zkp::SECP256K1;
use terms::{DocumentError, Hex32, Measurement, Scale};

use crate::check::{CheckError, check_announcement};
use crate::hash::tagged;
use crate::key::OracleKey;
use crate::nonces::Nonces;

/// Why an event cannot be announced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceError {
    /// The measurement breaks a rule.
    #[error("measurement.{0}")]
    Measurement(#[from] DocumentError),
    /// The maturity is no `u32`, which is all that the message has room for.
    #[error("maturity {maturity_s} is beyond what an announcement can carry, {}", u32::MAX)]
    Maturity {
        /// The maturity in unix seconds.
        maturity_s: u64,
    },
    /// The finished announcement does not pass the check that others will make.
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// Announces the event that a measurement defines. The announcement passes every check before it is returned.
///
/// The same arguments give the same bytes.
///
/// # Errors
/// When the measurement breaks a rule, the nonces are not one for each digit, or the maturity precedes
/// the window's end.
pub fn announce(
    key: &OracleKey,
    measurement: &Measurement,
    maturity_s: u64,
    nonces: &Nonces,
) -> Result<OracleAnnouncement, AnnounceError> {
    measurement.validate()?;
    let oracle_event = OracleEvent {
        oracle_nonces: nonces.public(),
        event_maturity_epoch: u32::try_from(maturity_s)
            .map_err(|_| AnnounceError::Maturity { maturity_s })?,
        event_descriptor: descriptor(&measurement.outcome),
        event_id: measurement.event_id().as_str().to_owned(),
    };
    let message = tagged_announcement_msg(&oracle_event);
    let announcement = OracleAnnouncement {
        announcement_signature: SECP256K1.sign_schnorr_no_aux_rand(&message, key.keypair()),
        oracle_public_key: key.public(),
        oracle_event,
    };
    check_announcement(&announcement, measurement, Some(&key.public()))?;
    Ok(announcement)
}

/// How an announcement describes a scale: base 2, unsigned, precision 0; or the levels in their order
/// with the indeterminate one last.
pub fn descriptor(scale: &Scale) -> EventDescriptor {
    match scale {
        Scale::Numeric(numeric) => {
            EventDescriptor::DigitDecompositionEvent(DigitDecompositionEventDescriptor {
                base: 2,
                is_signed: false,
                unit: numeric.unit.clone(),
                precision: 0,
                nb_digits: u16::try_from(numeric.digits).unwrap_or(u16::MAX),
            })
        }
        Scale::Enum(levels) => {
            let outcomes = levels.names().map(str::to_owned).collect();
            EventDescriptor::EnumEvent(EnumEventDescriptor { outcomes })
        }
    }
}

/// What the journal and the database keep of an announcement. It covers every nonce, so two
/// announcements of one event differ in it.
pub fn commitment(announcement: &OracleAnnouncement) -> Hex32 {
    Hex32(tagged("earnest/oracle/announced/v1", &[&announcement.to_tlv_bytes()]))
}
