//! Announcements and attestations, judged by code that is not ours, and refused where they are wrong.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{END_S, MATURITY_S, Oracle, OracleAnnouncement, OracleAttestation, levels, ppm, value};
use dlc_messages::TlvRecord as _;
use proptest::prelude::*;
use secp256k1_zkp::{Keypair, SECP256K1, rand::thread_rng};
use serde_json::json;
use signer::wire::{self, ListedEvent, TlvEvent, WireError};
use signer::{
    AnnounceError, CheckError, Nonces, ProofError, announce, attested_outcome, check_announcement,
    check_attestation, proof_message, prove_nonces,
};
use terms::Outcome;

/// The announcement and the attestation of 1002 ppm.
fn signed() -> (Oracle, OracleAnnouncement, OracleAttestation) {
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm()).decided(&value(1002));
    let attestation = oracle.sign(&event);
    (oracle, event.announcement, attestation)
}

#[test]
fn the_librarys_own_validation_accepts_both() {
    let (_oracle, announcement, attestation) = signed();
    announcement.validate(SECP256K1).unwrap();
    attestation.validate(SECP256K1, &announcement).unwrap();
    assert_eq!(attested_outcome(&ppm(), &announcement, &attestation), Ok(value(1002)));
}

#[test]
fn digits_are_the_most_significant_first_and_indeterminate_is_all_ones() {
    let (_oracle, _, attestation) = signed();
    assert_eq!(attestation.outcomes.concat(), format!("{:020b}", 1002));
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm()).decided(&Outcome::Indeterminate);
    let attestation = oracle.sign(&event);
    assert_eq!(attestation.outcomes.concat(), "1".repeat(20));
    assert_eq!(attested_outcome(&ppm(), &event.announcement, &attestation), Ok(Outcome::Indeterminate));
}

#[test]
fn a_level_is_signed_by_name_and_indeterminate_is_announced_last() {
    let mut oracle = Oracle::new();
    let event = oracle.announced(levels()).decided(&Outcome::Level("missed".to_owned()));
    let attestation = oracle.sign(&event);
    attestation.validate(SECP256K1, &event.announcement).unwrap();
    assert_eq!(attestation.outcomes, ["missed"]);
    let json = serde_json::to_value(&event.announcement).unwrap();
    let descriptor = &json["oracleEvent"]["eventDescriptor"];
    assert_eq!(*descriptor, json!({ "enumEvent": { "outcomes": ["kept", "missed", "no-data"] } }));
}

#[test]
fn an_announcement_matures_after_its_window_and_within_32_bits() {
    let oracle = Oracle::new();
    let nonces = Nonces::generate(20).unwrap();
    let refused = announce(&oracle.key, &ppm(), END_S - 1, &nonces).unwrap_err();
    assert!(matches!(refused, AnnounceError::Check(CheckError::Maturity { .. })));
    let refused = announce(&oracle.key, &ppm(), 1 << 32, &nonces).unwrap_err();
    assert_eq!(refused, AnnounceError::Maturity { maturity_s: 1 << 32 });
    let refused = announce(&oracle.key, &ppm(), MATURITY_S, &Nonces::generate(19).unwrap()).unwrap_err();
    assert_eq!(refused, AnnounceError::Check(CheckError::NonceCount { expected: 20, got: 19 }));
}

#[test]
fn each_change_to_an_announcement_is_refused_by_name() {
    let (oracle, good, _) = signed();
    let key = oracle.key.public();
    let check = |change: fn(&mut OracleAnnouncement)| {
        let mut changed = good.clone();
        change(&mut changed);
        check_announcement(&changed, &ppm(), Some(&key)).unwrap_err()
    };
    assert_eq!(check_announcement(&good, &ppm(), Some(&key)), Ok(()));
    let other_key = |a: &mut OracleAnnouncement| {
        a.oracle_public_key = Keypair::new(SECP256K1, &mut thread_rng()).x_only_public_key().0;
    };
    assert!(matches!(check(other_key), CheckError::Key { .. }));
    assert!(matches!(check(|a| a.oracle_event.event_id.push('0')), CheckError::EventId { .. }));
    let other_levels = |a: &mut OracleAnnouncement| {
        a.oracle_event.event_descriptor = signer::descriptor(&levels().outcome);
    };
    assert_eq!(check(other_levels), CheckError::Descriptor);
    assert_eq!(
        check(|a| a.oracle_event.oracle_nonces.truncate(19)),
        CheckError::NonceCount { expected: 20, got: 19 }
    );
    let repeated =
        |a: &mut OracleAnnouncement| a.oracle_event.oracle_nonces[1] = a.oracle_event.oracle_nonces[0];
    assert_eq!(check(repeated), CheckError::NonceRepeated);
    assert_eq!(check(|a| a.oracle_event.event_maturity_epoch += 1), CheckError::AnnouncementSignature);
    assert_eq!(check(|a| a.oracle_event.oracle_nonces.swap(0, 1)), CheckError::AnnouncementSignature);
    let wrong_digits = |a: &mut OracleAnnouncement| a.oracle_event.event_maturity_epoch = 0;
    assert!(matches!(check(wrong_digits), CheckError::Maturity { .. }));
}

#[test]
fn each_change_to_an_attestation_is_refused_by_name() {
    let (_oracle, announcement, good) = signed();
    let (_other, _, stranger) = signed();
    let check = |change: &dyn Fn(&mut OracleAttestation)| {
        let mut changed = good.clone();
        change(&mut changed);
        check_attestation(&announcement, &changed).unwrap_err()
    };
    assert_eq!(check_attestation(&announcement, &good), Ok(()));
    // The first three pass the library's own validation.
    let empty = check(&|a| {
        a.signatures.clear();
        a.outcomes.clear();
    });
    assert_eq!(empty, CheckError::Count { what: "outcomes", expected: 20, got: 0 });
    let truncated = check(&|a| {
        a.signatures.truncate(19);
        a.outcomes.truncate(19);
    });
    assert_eq!(truncated, CheckError::Count { what: "outcomes", expected: 20, got: 19 });
    assert!(matches!(check(&|a| a.event_id = "other".to_owned()), CheckError::EventId { .. }));
    assert!(matches!(check(&|a| a.oracle_public_key = stranger.oracle_public_key), CheckError::Key { .. }));
    let short = check(&|a| a.signatures.truncate(19));
    assert_eq!(short, CheckError::Count { what: "signatures", expected: 20, got: 19 });
    assert_eq!(check(&|a| a.outcomes[3] = "2".to_owned()), CheckError::Outcome { position: 3 });
    assert_eq!(check(&|a| a.outcomes[3] = "01".to_owned()), CheckError::Outcome { position: 3 });
    assert_eq!(check(&|a| a.outcomes[19] = "1".to_owned()), CheckError::Signature { position: 19 });
    let swapped = check(&|a| a.signatures.swap(0, 1));
    assert_eq!(swapped, CheckError::SignatureNonce { position: 0 });
}

#[test]
fn the_json_is_the_one_that_kormirs_clients_read() {
    let (oracle, announcement, attestation) = signed();
    let key = oracle.key.public().to_string();
    let nonces: Vec<_> = announcement.oracle_event.oracle_nonces.iter().map(ToString::to_string).collect();
    let expected = json!({
        "announcementSignature": announcement.announcement_signature.to_string(),
        "oraclePublicKey": key,
        "oracleEvent": {
            "oracleNonces": nonces,
            "eventMaturityEpoch": MATURITY_S,
            "eventDescriptor": { "digitDecompositionEvent": {
                "base": 2, "isSigned": false, "unit": "ppm", "precision": 0, "nbDigits": 20
            } },
            "eventId": ppm().event_id(),
        }
    });
    assert_eq!(serde_json::to_value(&announcement).unwrap(), expected);

    let signatures: Vec<_> = attestation.signatures.iter().map(ToString::to_string).collect();
    assert!(signatures.iter().all(|signature| signature.len() == 128));
    let expected = json!({
        "eventId": ppm().event_id(),
        "oraclePublicKey": key,
        "signatures": signatures,
        "outcomes": attestation.outcomes,
    });
    assert_eq!(serde_json::to_value(&attestation).unwrap(), expected);
    let pubkey = wire::PubkeyJson { pubkey: oracle.key.public() };
    assert_eq!(serde_json::to_value(pubkey).unwrap(), json!({ "pubkey": key }));
}

#[test]
fn the_list_and_the_tlv_answer_have_their_shapes() {
    let (_oracle, announcement, attestation) = signed();
    let listed = serde_json::to_value(ListedEvent::new(&announcement, None)).unwrap();
    assert_eq!(
        listed,
        json!({
            "event_id": ppm().event_id(),
            "announcement": announcement,
            "attestation": null,
            "signatures": [],
            "announcement_event_id": null,
            "attestation_event_id": null,
        })
    );
    let listed = serde_json::to_value(ListedEvent::new(&announcement, Some(&attestation))).unwrap();
    assert_eq!(listed["signatures"][0], json!(["0", attestation.signatures[0].to_string()]));
    assert_eq!(listed["attestation"], serde_json::to_value(&attestation).unwrap());

    let tlv = serde_json::to_value(TlvEvent::new(&announcement, Some(&attestation))).unwrap();
    assert_eq!(
        tlv,
        json!({
            "event_id": ppm().event_id(),
            "event_maturity_epoch": MATURITY_S,
            "event_maturity_iso": "2021-06-01T00:50:00Z",
            "announcement": announcement.to_tlv_hex(),
            "attestation": attestation.to_tlv_hex(),
        })
    );
}

#[test]
fn records_carry_type_and_length_and_counted_outcomes() {
    let (_oracle, announcement, attestation) = signed();
    let hex = wire::announcement_hex(&announcement);
    assert!(hex.starts_with("fdd824fd"), "type 55332, then a length of three bytes: {hex:.20}");
    assert_eq!(wire::parse_announcement(&hex), Ok(announcement));
    let hex = wire::attestation_hex(&attestation);
    assert!(hex.starts_with("fdd868fd"), "type 55400: {hex:.20}");
    // A count of 20 before the outcomes, each a length and a digit.
    assert!(hex.ends_with(&format!(
        "0014{}",
        attestation.outcomes.iter().map(|o| format!("013{o}")).collect::<String>()
    )));
    assert_eq!(wire::parse_attestation(&hex), Ok(attestation));
}

#[test]
fn a_record_that_is_not_exactly_one_is_refused() {
    let (_oracle, announcement, _) = signed();
    let hex = wire::announcement_hex(&announcement);
    assert_eq!(wire::parse_announcement(&format!("{hex}00")), Err(WireError::Record));
    assert_eq!(wire::parse_announcement(&hex[..hex.len() - 2]), Err(WireError::Record));
    assert_eq!(wire::parse_announcement(&hex.to_uppercase()), Err(WireError::Hex));
    assert_eq!(wire::parse_announcement("zz"), Err(WireError::Hex));
    assert_eq!(wire::parse_announcement(&"00".repeat(70_000)), Err(WireError::TooLong));
    assert!(wire::parse_attestation(&hex).is_err(), "an announcement is no attestation");
    // A wrong length of the descriptor inside: type 55306, ten bytes and the unit's three.
    let lying = hex.replacen("fdd80a0d", "fdd80a0c", 1);
    assert_ne!(lying, hex);
    assert_eq!(wire::parse_announcement(&lying), Err(WireError::Record));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_flipped_bit_never_passes(bit in any::<prop::sample::Index>()) {
        let (_oracle, announcement, attestation) = SIGNED.with(Clone::clone);
        let flip = |bytes: Vec<u8>| {
            let mut bytes = bytes;
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            hex::encode(bytes)
        };
        if let Ok(changed) = wire::parse_announcement(&flip(announcement.to_tlv_bytes())) {
            prop_assert!(check_announcement(&changed, &ppm(), None).is_err());
        }
        if let Ok(changed) = wire::parse_attestation(&flip(attestation.to_tlv_bytes())) {
            prop_assert!(check_attestation(&announcement, &changed).is_err());
        }
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(wire::parse_announcement(&hex::encode(&bytes)).is_err());
        prop_assert!(wire::parse_attestation(&hex::encode(&bytes)).is_err());
    }
}

thread_local! {
    static SIGNED: (std::rc::Rc<Oracle>, OracleAnnouncement, OracleAttestation) = {
        let (oracle, announcement, attestation) = signed();
        (std::rc::Rc::new(oracle), announcement, attestation)
    };
}

// --- proofs of the nonces -----------------------------------------------------------------------------

/// What the parties' crate computes, from the file that its own test reads.
#[test]
fn nonces_sign_what_the_golden_file_of_whoever_checks_them_says() {
    let golden = include_str!("../../../crates/contract/tests/golden/nonce-proofs.txt");
    let mut lines = golden.lines();
    let announcement = wire::parse_announcement(lines.next().unwrap()).unwrap();
    assert_eq!(hex::encode(proof_message(&announcement).as_ref()), lines.next().unwrap());
}

#[test]
fn every_nonce_signs_its_own_announcement_and_no_other() {
    let oracle = Oracle::new();
    let nonces = Nonces::generate(20).unwrap();
    let announcement = announce(&oracle.key, &ppm(), MATURITY_S, &nonces).unwrap();
    let proofs = prove_nonces(&nonces, &announcement).unwrap();
    assert_eq!(proofs.len(), 20);
    for (nonce, proof) in announcement.oracle_event.oracle_nonces.iter().zip(&proofs) {
        SECP256K1.verify_schnorr(proof, &proof_message(&announcement), nonce).unwrap();
    }
    let other = Nonces::generate(20).unwrap();
    assert_eq!(prove_nonces(&other, &announcement), Err(ProofError::Nonces));
}

/// Two proofs of one nonce must not share their own nonce, nor may a proof show the attestation's.
#[test]
fn proofs_are_fresh_and_share_no_nonce_with_anything() {
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm()).decided(&value(1002));
    let nonces = Nonces::open(&oracle.key, &event.measurement.event_id(), &event.sealed).unwrap();
    let [first, second] = [(), ()].map(|()| prove_nonces(&nonces, &event.announcement).unwrap());
    let attestation = oracle.sign(&event);
    let all = first.iter().chain(&second).chain(&attestation.signatures);
    let seen: std::collections::BTreeSet<[u8; 32]> =
        all.map(|signature| signature.as_ref()[..32].try_into().unwrap()).collect();
    assert_eq!(seen.len(), 60, "sixty signatures, sixty nonces");
}
