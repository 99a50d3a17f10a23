//! A whole bundle, checked by somebody who trusts nothing in it.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{Event, Oracle, ppm, value};
use ledger::bundle::{AuditError as EvidenceError, Bundle, Draft, root};
use ledger::{Sample, Verdict, evaluate};
use serde_json::json;
use signer::{AuditError, CheckError, attest, audit, sign_root, wire};
use terms::{Measurement, Outcome};

fn samples(measurement: &Measurement, bad: &[u64]) -> Vec<Sample> {
    let sample = |probe| Sample {
        unix_ms: measurement.window.start.0 * 1000 + probe * measurement.probe_every_ms,
        vantage: "local".to_owned(),
        verdict: if bad.contains(&probe) { Verdict::Bad } else { Verdict::Good },
        latency_ms: 12,
        value: None,
    };
    (0..measurement.probe_count()).map(sample).collect()
}

/// One bad probe of forty, measured, attested, and its evidence signed.
fn bundle() -> (Oracle, Event, Bundle) {
    let mut oracle = Oracle::new();
    let samples = samples(&ppm(), &[7]);
    let evaluation = evaluate(&ppm(), &samples).unwrap();
    assert_eq!(evaluation.report.outcome, value(25_000));
    let event = oracle.announced(ppm()).decided(&evaluation.report.outcome);
    let attestation = oracle.sign(&event);
    let signature = sign_root(&oracle.key, &event.row.event_id, &root(&evaluation.slices), 4);
    let draft = Draft {
        measurement: ppm(),
        announcement: wire::announcement_hex(&event.announcement),
        attestation: Some(wire::attestation_hex(&attestation)),
        seed_commitment: None,
        probe_seed: None,
        root_signature: Some(signature.to_string()),
        log: None,
        vantages: Vec::new(),
    };
    let bundle = Bundle::build(draft, &samples).unwrap();
    (oracle, event, bundle)
}

#[test]
fn an_honest_bundle_passes_with_its_signatures() {
    let (oracle, _event, bundle) = bundle();
    let audit = audit(&bundle).unwrap();
    assert_eq!(audit.evaluation.report.outcome, value(25_000));
    assert_eq!(audit.announcement.oracle_public_key, oracle.key.public());
    assert!(audit.root_signed && audit.attestation.is_some());
}

#[test]
fn a_provisional_bundle_passes_without_them() {
    let (_oracle, _event, mut bundle) = bundle();
    (bundle.attestation, bundle.root_signature) = (None, None);
    let audit = audit(&bundle).unwrap();
    assert!(!audit.root_signed && audit.attestation.is_none());
}

#[test]
fn whoever_rebuilds_the_whole_bundle_over_other_samples_lacks_the_oracles_signature() {
    let (_oracle, _event, honest) = bundle();
    let draft = |root_signature: Option<String>, attestation: Option<String>| Draft {
        measurement: honest.measurement.clone(),
        announcement: honest.announcement.clone(),
        attestation,
        seed_commitment: None,
        probe_seed: None,
        root_signature,
        log: None,
        vantages: Vec::new(),
    };
    // Another bad probe: the same outcome, but not the evidence that was signed.
    let moved = samples(&ppm(), &[8]);
    let forged =
        Bundle::build(draft(honest.root_signature.clone(), honest.attestation.clone()), &moved).unwrap();
    assert_eq!(audit(&forged).unwrap_err(), AuditError::RootSignature);
    // One bad probe fewer: another outcome than was attested.
    let healed = samples(&ppm(), &[]);
    let forged = Bundle::build(draft(None, honest.attestation.clone()), &healed).unwrap();
    let refused = AuditError::Outcome { attested: value(25_000), recomputed: value(0) };
    assert_eq!(audit(&forged).unwrap_err(), refused);
}

#[test]
fn a_flipped_sample_is_found_in_its_slice() {
    let (_oracle, _event, mut bundle) = bundle();
    bundle.samples = bundle.samples.replacen(",0,", ",1,", 1);
    let refused = audit(&bundle).unwrap_err();
    assert!(matches!(refused, AuditError::Evidence(EvidenceError::Slice { index: 0, .. })), "{refused}");
}

#[test]
fn an_announcement_of_another_measurement_is_refused() {
    let (oracle, _event, mut bundle) = bundle();
    let other = oracle.prepared(common::measurement(json!({ "rounding": "down" })));
    bundle.announcement = wire::announcement_hex(&other.announcement);
    let refused = audit(&bundle).unwrap_err();
    assert!(matches!(refused, AuditError::Announcement(CheckError::EventId { .. })), "{refused}");
    bundle.announcement = "00".to_owned();
    assert!(matches!(audit(&bundle), Err(AuditError::Record { what: "announcement", .. })));
}

#[test]
fn an_attestation_that_does_not_follow_from_the_samples_is_refused() {
    let mut lying = Oracle::new();
    let event = lying.announced(ppm()).decided(&Outcome::Indeterminate);
    let permit = lying.journal.authorise(lying.cleared(&event)).unwrap();
    let attestation = attest(&lying.key, permit, lying.nonces(&event), &event.announcement).unwrap();
    let draft = Draft {
        measurement: ppm(),
        announcement: wire::announcement_hex(&event.announcement),
        attestation: Some(wire::attestation_hex(&attestation)),
        seed_commitment: None,
        probe_seed: None,
        root_signature: None,
        log: None,
        vantages: Vec::new(),
    };
    let bundle = Bundle::build(draft, &samples(&ppm(), &[7])).unwrap();
    let refused = AuditError::Outcome { attested: Outcome::Indeterminate, recomputed: value(25_000) };
    assert_eq!(audit(&bundle).unwrap_err(), refused);
}
