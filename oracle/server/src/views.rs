//! What the API shows of events, and the evidence bundle.

use std::sync::Arc;

use ledger::bundle::{Bundle, Draft, LogProof};
use ledger::schedule;
use protocol::oracle::{
    EventState, EventSummary, EventView, KeyRotation, OracleInfo, OracleKeyInfo, Provisional,
};
use protocol::{Hex64, HexBytes};
use secp256k1_zkp::XOnlyPublicKey;
use signer::Rotation;
use terms::{Hex32, UnixSeconds};

use crate::measuring::closing::closed_entry;
use crate::operating::retire::key_of;
use crate::oracle::Oracle;
use crate::public_log::PublicLogError;
use crate::store::{Event, EventHead, StoreError};
use crate::vantages;

/// Why an event could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The database failed, or holds what was never written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The evidence can't be put together.
    #[error("the evidence can't be put together: {0}")]
    Evidence(#[from] terms::DocumentError),
    /// The log can't prove the outcome.
    #[error(transparent)]
    Log(#[from] PublicLogError),
    /// Putting the evidence together panicked, which is a bug.
    #[error("putting the evidence together broke down")]
    Broken,
}

/// What the oracle says about itself.
pub fn info(oracle: &Oracle) -> OracleInfo {
    let settings = oracle.settings();
    let config = &settings.config;
    OracleInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pubkey: Hex32(oracle.key.public().serialize()),
        network: config.network.name().to_owned(),
        vantage: config.vantage.clone(),
        publication_delay_s: config.publication_delay_s,
        accept: config.policy.accept.name().to_owned(),
        least_probe_every_ms: config.limits.probe_every_ms,
        max_probes: config.limits.probes_per_event,
        max_body_bytes: config.limits.body_bytes,
        references: config.references.len() as u64,
        references_needed: config.references_needed as u64,
        system_roots: settings.prober.roots().system(),
        extra_roots: settings.prober.roots().extra().to_vec(),
        keys: keys(oracle),
        now: UnixSeconds(oracle.clock.now_s()),
        simulated_time: oracle.clock.is_simulated(),
    }
}

/// All keys, oldest first; none where there was only ever one.
fn keys(oracle: &Oracle) -> Vec<OracleKeyInfo> {
    let hex = |key: XOnlyPublicKey| Hex32(key.serialize());
    let info = |(public, retired, rotation): (XOnlyPublicKey, bool, Option<&Rotation>)| OracleKeyInfo {
        pubkey: hex(public),
        retired,
        rotation: rotation.map(|rotation| KeyRotation {
            from: hex(rotation.from),
            since: UnixSeconds(rotation.since),
            signature: Hex64(*rotation.signature.as_ref()),
            acceptance: Hex64(*rotation.acceptance.as_ref()),
        }),
    };
    let all: Vec<OracleKeyInfo> = oracle.keys.statements().map(info).collect();
    if all.len() > 1 { all } else { Vec::new() }
}

/// One line of the list of events.
pub fn summary(head: &EventHead, now_s: u64) -> EventSummary {
    EventSummary {
        event_id: head.id.clone(),
        host: head.host.clone(),
        state: state(head.window_start, head.provisional, head.attested, now_s),
        window_start: UnixSeconds(head.window_start),
        window_end: UnixSeconds(head.window_end),
        maturity: UnixSeconds(head.maturity),
        withheld: head.withheld,
    }
}

/// Everything about one event.
///
/// # Errors
/// When the database fails, or holds what was never written.
pub async fn event(oracle: &Oracle, event: &Event) -> Result<EventView, ViewError> {
    let now_s = oracle.clock.now_s();
    let window = event.measurement.window;
    Ok(EventView {
        event_id: event.id.clone(),
        measurement: event.measurement.clone(),
        maturity: UnixSeconds(event.maturity),
        state: state(window.start.0, event.provisional.is_some(), event.attestation.is_some(), now_s),
        announcement_hex: bytes(&event.announcement)?,
        nonce_proofs: proofs(event)?,
        vantages: vantages::views(oracle, event).await?,
        seed_commitment: seed(oracle, event).map(|seed| schedule::seed_commitment(&seed)),
        provisional: provisional(event)?,
        attestation_hex: event.attestation.as_deref().map(bytes).transpose()?,
        withheld: event.withheld.clone(),
    })
}

/// What an event's closed window came to.
///
/// # Errors
/// When the database holds what was never written.
pub fn provisional(event: &Event) -> Result<Option<Provisional>, StoreError> {
    let provisional = event.provisional.as_deref().map(serde_json::from_str).transpose();
    provisional.map_err(|_| StoreError::Corrupt { column: "provisional" })
}

fn state(window_start: u64, closed: bool, attested: bool, now_s: u64) -> EventState {
    match (attested, closed) {
        (true, _) => EventState::Attested,
        (false, true) => EventState::Provisional,
        (false, false) if now_s < window_start => EventState::Announced,
        (false, false) => EventState::Measuring,
    }
}

/// An event's state in words.
pub fn state_word(event: &EventSummary) -> &'static str {
    match event.state {
        EventState::Provisional if event.withheld => "withheld for good",
        EventState::Announced => "announced",
        EventState::Measuring => "being measured",
        EventState::Provisional => "closed, not yet signed",
        EventState::Attested => "attested",
    }
}

fn seed(oracle: &Oracle, event: &Event) -> Option<[u8; 32]> {
    event.jitter_seed(oracle.settings().config.probe.jitter)
}

/// Stored hex as what the API carries.
///
/// # Errors
/// When it is not hex.
pub fn bytes(hex: &str) -> Result<HexBytes, ViewError> {
    Ok(HexBytes::parse(hex).ok_or(StoreError::Corrupt { column: "announcement" })?)
}

/// An event's nonce proofs as what the API carries.
///
/// # Errors
/// When one is no signature.
pub fn proofs(event: &Event) -> Result<Vec<Hex64>, ViewError> {
    let read = |hex: &String| Hex64::parse(hex).ok_or(StoreError::Corrupt { column: "nonce_proofs" });
    Ok(event.nonce_proofs.iter().map(read).collect::<Result<_, _>>()?)
}

/// Where the log says what the closed window came to.
async fn logged(oracle: &Oracle, event: &Event) -> Result<Option<LogProof>, ViewError> {
    let Some(closed) = provisional(event)? else { return Ok(None) };
    let entry = closed_entry(event, &closed);
    let proof = oracle.log.prove(&oracle.store, event.key, &entry).await?;
    // The log's key is vouched for by the key that announced the event.
    let voucher = key_of(event).and_then(|public| oracle.keys.log_key_signature(&public));
    Ok(proof.map(|proof| match voucher {
        Some(key_signature) => LogProof { key_signature, ..proof },
        None => proof,
    }))
}

/// The evidence of an event whose window is closed: all that is needed to compute the outcome again.
///
/// # Errors
/// When the database fails.
pub async fn evidence(oracle: &Arc<Oracle>, event: Event) -> Result<Vec<u8>, ViewError> {
    let samples = oracle.store.samples(event.key, 0, event.measurement.probe_count()).await?;
    let log = logged(oracle, &event).await?;
    let vantages = vantages::words(oracle, &event).await?;
    let oracle = Arc::clone(oracle);
    let work = move || {
        let seed = seed(&oracle, &event);
        let draft = Draft {
            measurement: event.measurement.clone(),
            announcement: event.announcement.clone(),
            attestation: event.attestation.clone(),
            probe_seed: seed.map(Hex32),
            seed_commitment: seed.map(|seed| schedule::seed_commitment(&seed)),
            root_signature: None,
            log,
            vantages,
        };
        let mut bundle = Bundle::build(draft, &samples)?;
        let slices = bundle.slices.len() as u64;
        bundle.root_signature = match key_of(&event).and_then(|public| oracle.keys.of(&public).cloned()) {
            Some(key) => Some(signer::sign_root(&key, &event.id, &bundle.root, slices).to_string()),
            None => event.root_signature,
        };
        Ok(bundle.to_json())
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| ViewError::Broken)?
}
