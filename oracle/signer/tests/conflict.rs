//! Two attestations of one event: when they prove something, and when not.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{Event, Oracle, OracleAttestation, levels, measurement, ppm, value};
use serde_json::json;
use signer::{CheckError, Journal, NoConflict, prove_conflict};
use terms::{Measurement, Outcome};

/// An oracle that lost its journal signs the second outcome as readily as the first.
fn attested_twice(
    measurement: Measurement,
    outcomes: [&Outcome; 2],
) -> (Oracle, Event, [OracleAttestation; 2]) {
    let mut oracle = Oracle::new();
    let mut event = oracle.announced(measurement).decided(outcomes[0]);
    let first = oracle.sign(&event);
    let (mut wiped, _) = Journal::open(&oracle.folder.path().join("another"), &oracle.key).unwrap();
    wiped.announce(&event.row.event_id, event.row.commitment).unwrap();
    oracle.journal = wiped;
    event = event.decided(outcomes[1]);
    let second = oracle.sign(&event);
    (oracle, event, [first, second])
}

#[test]
fn two_outcomes_of_one_event_are_a_proof_and_cost_the_key() {
    let (oracle, event, [a, b]) = attested_twice(ppm(), [&value(1002), &value(1000)]);
    for announcement in [None, Some(&event.announcement)] {
        let conflict = prove_conflict(&a, &b, announcement).unwrap();
        assert_eq!((conflict.oracle, conflict.places.as_slice()), (oracle.key.public(), &[18][..]));
        assert_eq!(conflict.announced, announcement.is_some());
        assert_eq!(conflict.event_id, event.row.event_id.as_str());
    }
}

#[test]
fn two_levels_are_a_proof_as_well() {
    let outcomes = [Outcome::Level("kept".to_owned()), Outcome::Indeterminate];
    let (_oracle, event, [a, b]) = attested_twice(levels(), [&outcomes[0], &outcomes[1]]);
    assert_eq!(prove_conflict(&b, &a, Some(&event.announcement)).unwrap().places, [0]);
}

#[test]
fn what_proves_nothing_is_told_apart() {
    let (_, event, [a, b]) = attested_twice(ppm(), [&value(1002), &value(0)]);
    let (_, other, [stranger, _]) = attested_twice(ppm(), [&value(0), &value(1)]);
    assert_eq!(prove_conflict(&a, &a.clone(), None), Err(NoConflict::Same));
    assert!(matches!(prove_conflict(&a, &stranger, None), Err(NoConflict::Oracles { .. })));
    let elsewhere = OracleAttestation { event_id: "sla1-else".to_owned(), ..b.clone() };
    assert!(matches!(prove_conflict(&a, &elsewhere, None), Err(NoConflict::Events { .. })));
    let mut short = b.clone();
    short.outcomes.pop();
    let wrong = NoConflict::Count { which: 'B', outcomes: 19, signatures: 20 };
    assert_eq!(prove_conflict(&a, &short, None), Err(wrong));
    let announced = prove_conflict(&a, &b, Some(&other.announcement));
    assert!(matches!(announced, Err(NoConflict::NotAnnounced { which: 'A', error: CheckError::Key { .. } })));
    let mut unsigned = event.announcement.clone();
    unsigned.oracle_event.event_maturity_epoch += 1;
    assert_eq!(prove_conflict(&a, &b, Some(&unsigned)), Err(NoConflict::Announcement));
}

#[test]
fn a_changed_outcome_or_signature_proves_nothing() {
    let (_, _, [a, b]) = attested_twice(ppm(), [&value(1002), &value(0)]);
    let mut changed = a.clone();
    changed.outcomes[19] = "1".to_owned();
    assert_eq!(prove_conflict(&a, &changed, None), Err(NoConflict::Signature { which: 'B', place: 19 }));
    let mut moved = b.clone();
    moved.signatures.swap(3, 4);
    assert_eq!(prove_conflict(&a, &moved, None), Err(NoConflict::Nonces { place: 3 }));
}

#[test]
fn two_events_of_one_oracle_prove_nothing_whatever_their_names() {
    let mut oracle = Oracle::new();
    let sign = |oracle: &mut Oracle, measurement, outcome| {
        let event = oracle.announced(measurement).decided(&outcome);
        oracle.sign(&event)
    };
    let a = sign(&mut oracle, ppm(), value(3));
    let mut b = sign(&mut oracle, measurement(json!({ "least_samples": 6 })), value(4));
    assert!(matches!(prove_conflict(&a, &b, None), Err(NoConflict::Events { .. })));
    b.event_id.clone_from(&a.event_id);
    assert_eq!(prove_conflict(&a, &b, None), Err(NoConflict::Nonces { place: 0 }));
}
