//! A bundle, its signatures included.

use dlc_messages::oracle_msgs::{OracleAnnouncement, OracleAttestation};
use evidence::Checkpoint;
use ledger::bundle::Bundle;
use ledger::{Evaluation, Moments};
use terms::{Hex32, Outcome};

use crate::audit_vantages::{VantageError, check_vantages};
use crate::check::{CheckError, attested_outcome, check_announcement};
use crate::log::check_log_key;
use crate::root::check_root;
use crate::wire::{self, WireError};

/// What a bundle proves.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Outcome and slices, recomputed.
    pub evaluation: Evaluation,
    /// The oracle's announcement.
    pub announcement: OracleAnnouncement,
    /// The oracle's attestation, once there is one. It attests the recomputed outcome.
    pub attestation: Option<OracleAttestation>,
    /// How the samples lie to the moments that follow from the seed; `None` where none is revealed, or for a heartbeat.
    pub moments: Option<Moments>,
    /// Whether the oracle signed the root. Without that, the bundle agrees with itself, and no more.
    pub root_signed: bool,
    /// The checkpoint of the oracle's log that has this outcome; `None` where the bundle says nothing of a log.
    pub checkpoint: Option<Checkpoint>,
}

/// Where a bundle breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The evidence does not give what the bundle says.
    #[error(transparent)]
    Evidence(#[from] ledger::bundle::AuditError),
    /// A record cannot be read.
    #[error("{what}: {error}")]
    Record {
        /// `announcement` or `attestation`.
        what: &'static str,
        /// What is wrong.
        error: WireError,
    },
    /// The announcement is not this measurement's, or is not signed.
    #[error("announcement: {0}")]
    Announcement(CheckError),
    /// The attestation does not fulfil the announcement.
    #[error("attestation: {0}")]
    Attestation(CheckError),
    /// The oracle attested something else than its samples give.
    #[error("attestation: attests {attested:?}, the samples give {recomputed:?}")]
    Outcome {
        /// What was attested.
        attested: Outcome,
        /// What the samples give.
        recomputed: Outcome,
    },
    /// The signature over the root is not the oracle's.
    #[error("root_signature: is not the oracle's over this root")]
    RootSignature,
    /// The samples of a vantage elsewhere are not those that it signed.
    #[error(transparent)]
    Vantage(#[from] VantageError),
    /// The oracle has not said that this log is its own.
    #[error("log.key_signature: is not the oracle's over this log's key")]
    LogKey,
}

/// Recomputes a bundle and checks that announcement, attestation and signature over the root belong to it.
///
/// Whose key it is, is for the caller to compare: `audit.announcement.oracle_public_key`.
///
/// # Errors
/// Says where the bundle breaks first.
pub fn audit(bundle: &Bundle) -> Result<Audit, AuditError> {
    let evaluation = bundle.audit()?;
    let moments = bundle.audit_moments()?;
    let announcement = wire::parse_announcement(&bundle.announcement)
        .map_err(|error| AuditError::Record { what: "announcement", error })?;
    check_announcement(&announcement, &bundle.measurement, None).map_err(AuditError::Announcement)?;
    let record = hex::decode(&bundle.announcement).unwrap_or_default();
    check_vantages(bundle, Hex32(terms::canonical::sha256(&record)))?;
    let attestation = check_outcome(bundle, &announcement, &evaluation.report.outcome)?;
    let root_signed = check_root_signature(bundle, &announcement)?;
    let checkpoint = check_log(bundle, &announcement)?;
    Ok(Audit { evaluation, moments, announcement, attestation, root_signed, checkpoint })
}

fn check_outcome(
    bundle: &Bundle,
    announcement: &OracleAnnouncement,
    recomputed: &Outcome,
) -> Result<Option<OracleAttestation>, AuditError> {
    let Some(hex) = &bundle.attestation else { return Ok(None) };
    let attestation =
        wire::parse_attestation(hex).map_err(|error| AuditError::Record { what: "attestation", error })?;
    let attested =
        attested_outcome(&bundle.measurement, announcement, &attestation).map_err(AuditError::Attestation)?;
    if attested != *recomputed {
        return Err(AuditError::Outcome { attested, recomputed: recomputed.clone() });
    }
    Ok(Some(attestation))
}

fn check_log(bundle: &Bundle, announcement: &OracleAnnouncement) -> Result<Option<Checkpoint>, AuditError> {
    let Some(log) = &bundle.log else { return Ok(None) };
    let signature = wire::parse_signature(&log.key_signature).ok_or(AuditError::LogKey)?;
    if !check_log_key(&announcement.oracle_public_key, &log.public_key, &signature) {
        return Err(AuditError::LogKey);
    }
    Ok(bundle.audit_log()?)
}

fn check_root_signature(bundle: &Bundle, announcement: &OracleAnnouncement) -> Result<bool, AuditError> {
    let Some(text) = &bundle.root_signature else { return Ok(false) };
    let signature = wire::parse_signature(text).ok_or(AuditError::RootSignature)?;
    let event_id = bundle.measurement.event_id();
    let slices = bundle.slices.len() as u64;
    if !check_root(&announcement.oracle_public_key, &event_id, &bundle.root, slices, &signature) {
        return Err(AuditError::RootSignature);
    }
    Ok(true)
}
