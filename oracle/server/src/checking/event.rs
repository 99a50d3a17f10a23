//! One event of an oracle: its announcement, its evidence, and what the log said of it.

use std::collections::BTreeMap;

use ledger::SliceVerdict;
use ledger::bundle::{Bundle, MAX_BUNDLE_BYTES};
use protocol::oracle::EventView;
use secp256k1_zkp::schnorr::Signature;
use secp256k1_zkp::{SECP256K1, XOnlyPublicKey};
use signer::{AuditError, CheckError, check_announcement, proof_message, wire};
use terms::{EventId, Hex32};

use super::said::{Announced, Said, chain};
use super::source::{Source, SourceError};

/// An event with its measurement, announcement and report.
const MAX_EVENT: usize = 4 << 20;

/// Where an event breaks.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It can't be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It is in the log, and the server does not know it.
    #[error("is in the log, and the server does not know it")]
    Unknown,
    /// The measurement is another event's.
    #[error("measurement: is not that of the event's id")]
    Measurement,
    /// A record can't be read.
    #[error("{what}: {error}")]
    Record {
        /// Which one.
        what: &'static str,
        /// What is wrong.
        error: wire::WireError,
    },
    /// The announcement is not this oracle's, or not this measurement's.
    #[error("announcement: {0}")]
    Announcement(CheckError),
    /// A nonce stands in another announcement as well: attesting both reveals the key.
    #[error(
        "nonce {place}: {nonce} was announced for {other} as well; two attestations under it reveal the key"
    )]
    NonceTwice {
        /// Its place.
        place: usize,
        /// The nonce.
        nonce: Hex32,
        /// The other event.
        other: EventId,
    },
    /// The nonces' proofs are not those of this announcement.
    #[error("nonce_proofs, {place}: is not the nonce's signature over the announcement")]
    NonceProof {
        /// The nonce's place.
        place: usize,
    },
    /// What is shown is not what the log had when the event was announced.
    #[error("{field}: is not what stands in the log since it was announced")]
    Fixed {
        /// `announcement`, `seed_commitment` or `vantages`.
        field: &'static str,
    },
    /// There is no bundle though the window is closed.
    #[error("evidence: is not there, though the log has the closed window")]
    NoEvidence,
    /// The bundle can't be read.
    #[error("evidence: {0}")]
    Bundle(ledger::bundle::AuditError),
    /// The bundle does not hold.
    #[error("evidence: {0}")]
    Audit(AuditError),
    /// The bundle does not say what the log says.
    #[error("evidence, {field}: is not what the log has")]
    Differs {
        /// `measurement`, `announcement`, `root`, `outcome`, `seed_commitment`, `vantages` or `attestation`.
        field: &'static str,
    },
    /// The log's verdicts are not the bundle's.
    #[error("evidence: its {bundle} slices are not those that were published in the log one by one ({log})")]
    Slices {
        /// How many the bundle has.
        bundle: usize,
        /// How many the log has.
        log: u64,
    },
}

/// What an event shows that its log must have as well.
#[derive(Debug, Default)]
pub struct Shown {
    /// Its window is closed.
    pub closed: bool,
    /// Its attestation's TLV, hex.
    pub attested: Option<String>,
    /// Its nonces.
    pub nonces: Vec<Hex32>,
}

/// Checks one event against the oracle's keys, the nonces seen so far, and the log.
///
/// # Errors
/// Says where it breaks.
pub async fn check(
    source: &Source,
    keys: &[XOnlyPublicKey],
    id: &EventId,
    said: &Said,
    nonces: &mut BTreeMap<Hex32, EventId>,
) -> Result<Shown, EventError> {
    let bytes = source.find(&format!("/v1/events/{id}"), MAX_EVENT).await?.ok_or(EventError::Unknown)?;
    let path = || format!("/v1/events/{id}");
    let view: EventView =
        serde_json::from_slice(&bytes).map_err(|error| SourceError::Shape { path: path(), error })?;
    let own = announced(keys, id, &view, nonces)?;
    if let Some(fixed) = &said.announced {
        stays(&view, fixed)?;
    }
    if said.closed.is_some() {
        evidence(source, id, &view, said).await?;
    }
    Ok(Shown {
        closed: view.provisional.is_some(),
        attested: view.attestation_hex.as_ref().map(ToString::to_string),
        nonces: own,
    })
}

fn announced(
    keys: &[XOnlyPublicKey],
    id: &EventId,
    view: &EventView,
    nonces: &mut BTreeMap<Hex32, EventId>,
) -> Result<Vec<Hex32>, EventError> {
    if view.event_id != *id || view.measurement.event_id() != *id {
        return Err(EventError::Measurement);
    }
    let announcement = wire::parse_announcement(&view.announcement_hex.to_string())
        .map_err(|error| EventError::Record { what: "announcement", error })?;
    let key = keys.iter().find(|key| **key == announcement.oracle_public_key).or(keys.last());
    check_announcement(&announcement, &view.measurement, key).map_err(EventError::Announcement)?;
    let own = &announcement.oracle_event.oracle_nonces;
    let message = proof_message(&announcement);
    for (place, (nonce, proof)) in own.iter().zip(&view.nonce_proofs).enumerate() {
        let proven = Signature::from_slice(&proof.0)
            .is_ok_and(|it| SECP256K1.verify_schnorr(&it, &message, nonce).is_ok());
        if !proven {
            return Err(EventError::NonceProof { place });
        }
    }
    let own: Vec<Hex32> = own.iter().map(|nonce| Hex32(nonce.serialize())).collect();
    for (place, nonce) in own.iter().enumerate() {
        if let Some(other) = nonces.insert(*nonce, id.clone()) {
            return Err(EventError::NonceTwice { place, nonce: *nonce, other });
        }
    }
    Ok(own)
}

/// Compares an event with what the log has of it since it was announced.
fn stays(view: &EventView, fixed: &Announced) -> Result<(), EventError> {
    let same = |field, holds: bool| if holds { Ok(()) } else { Err(EventError::Fixed { field }) };
    let announcement = Hex32(terms::canonical::sha256(view.announcement_hex.as_slice()));
    same("announcement", announcement == fixed.announcement_sha256)?;
    let committed = fixed.seed_commitment;
    same("seed_commitment", committed.is_none() || committed == view.seed_commitment)?;
    let shown = view.vantages.iter().map(|vantage| (&vantage.name, vantage.key));
    same("vantages", shown.eq(fixed.vantages.iter().map(|vantage| (&vantage.name, vantage.key))))
}

/// Recomputes the bundle, and compares it with what the log has.
async fn evidence(source: &Source, id: &EventId, view: &EventView, said: &Said) -> Result<(), EventError> {
    let path = format!("/v1/events/{id}/evidence");
    let bytes = source.find(&path, MAX_BUNDLE_BYTES).await?.ok_or(EventError::NoEvidence)?;
    let bundle = Bundle::parse(&bytes).map_err(EventError::Bundle)?;
    let audit = signer::audit(&bundle).map_err(EventError::Audit)?;
    compare(&bundle, view, said, &audit.evaluation.slices)
}

fn compare(
    bundle: &Bundle,
    view: &EventView,
    said: &Said,
    slices: &[SliceVerdict],
) -> Result<(), EventError> {
    let Some(closed) = &said.closed else { return Ok(()) };
    let same = |field, holds: bool| if holds { Ok(()) } else { Err(EventError::Differs { field }) };
    same("measurement", bundle.measurement == view.measurement)?;
    same("announcement", bundle.announcement == view.announcement_hex.to_string())?;
    same("root", bundle.root == closed.root)?;
    same("outcome", bundle.report.outcome == closed.outcome)?;
    if let Some(fixed) = &said.announced {
        let committed = fixed.seed_commitment;
        same("seed_commitment", committed.is_none() || committed == bundle.seed_commitment)?;
        let signed = bundle.vantages.iter().map(|word| (&word.name, Some(word.key)));
        let named = fixed.vantages.iter().filter(|vantage| vantage.key.is_some());
        same("vantages", signed.eq(named.map(|vantage| (&vantage.name, vantage.key))))?;
    }
    if let Some(attested) = &said.attested {
        same("attestation", bundle.attestation.as_ref() == Some(attested))?;
    }
    if chain(slices) != said.chain {
        return Err(EventError::Slices { bundle: slices.len(), log: said.slices });
    }
    Ok(())
}
