//! Announcements and attestations that must not pass, each named after what is wrong with it.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::documents::{Draft, WINDOW_END};
use common::oracle::MATURITY;
use common::{Escrow, Oracle, TEMPORARY_ID};
use contract::{Announcements, Deal, GateError, Message, Rule, gate, settle};
use dlc_messages::TlvRecord;
use dlc_messages::lightning::util::ser::Writeable;
use dlc_messages::oracle_msgs::{EventDescriptor, OracleAttestation, OracleEvent};
use terms::{Outcome, OutcomeValue};

/// The rule that an announcement breaks whose event has a change, signed by the right oracle.
fn refused_event(draft: Draft, change: impl FnOnce(&mut OracleEvent)) -> GateError {
    let escrow = Escrow::of(draft);
    let mut event = escrow.oracles[0].event(escrow.agreement());
    change(&mut event);
    let announcement = escrow.oracles[0].sign_event(event);
    let error = Deal::new(escrow.agreement().clone(), vec![announcement]).expect_err("must be refused");
    assert_eq!(error.message, Message::Announcement(0));
    error
}

fn field_of(change: impl FnOnce(&mut OracleEvent)) -> String {
    refused_event(Draft::default(), change).field.into_owned()
}

#[test]
fn oracle_key_other_than_agreed() {
    let escrow = Escrow::standard();
    let stranger = Oracle::new(9).announce(escrow.agreement());
    let error = Announcements::check(escrow.agreement(), vec![stranger.clone()]).unwrap_err();
    assert_eq!((error.message, &*error.field), (Message::Announcement(0), "oracle_public_key"));
    let error = escrow.refused_offer(|offer| replace_announcement(offer, stranger));
    assert_eq!(
        (error.message, &*error.field),
        (Message::Offer, "contract_info.oracle_info.oracle_public_key")
    );
}

#[test]
fn event_id_other_than_agreed() {
    assert_eq!(field_of(|event| event.event_id = "sla1-other".to_owned()), "event_id");
    let escrow = Escrow::standard();
    let mut event = escrow.oracles[0].event(escrow.agreement());
    event.event_id = "sla1-other".to_owned();
    let announcement = escrow.oracles[0].sign_event(event);
    let error = escrow.refused_offer(|offer| replace_announcement(offer, announcement));
    assert_eq!((error.message, &*error.field), (Message::Offer, "contract_info.oracle_info.event_id"));
}

#[test]
fn another_announcement_of_the_same_event() {
    let escrow = Escrow::standard();
    let mut event = escrow.oracles[0].event(escrow.agreement());
    event.oracle_nonces.reverse();
    let announcement = escrow.oracles[0].sign_event(event);
    let error = escrow.refused_offer(|offer| replace_announcement(offer, announcement));
    assert_eq!(&*error.field, "contract_info.oracle_info.oracle_announcement");
}

fn replace_announcement(
    offer: &mut dlc_messages::OfferDlc,
    announcement: dlc_messages::oracle_msgs::OracleAnnouncement,
) {
    use dlc_messages::contract_msgs::ContractInfo;
    use dlc_messages::oracle_msgs::{OracleInfo, SingleOracleInfo};
    let ContractInfo::SingleContractInfo(single) = &mut offer.contract_info else { unreachable!() };
    single.contract_info.oracle_info =
        OracleInfo::Single(SingleOracleInfo { oracle_announcement: announcement });
}

#[test]
fn maturity_near_the_largest_u32() {
    assert_eq!(field_of(|event| event.event_maturity_epoch = u32::MAX), "event_maturity_epoch");
    assert_eq!(field_of(|event| event.event_maturity_epoch = u32::MAX - 10), "event_maturity_epoch");
}

#[test]
fn maturity_before_the_window_ends_or_long_after() {
    assert_eq!(field_of(|event| event.event_maturity_epoch = WINDOW_END as u32 - 1), "event_maturity_epoch");
    let a_month_and_a_second = WINDOW_END as u32 + 30 * 86_400 + 1;
    assert_eq!(field_of(|event| event.event_maturity_epoch = a_month_and_a_second), "event_maturity_epoch");
}

#[test]
fn the_refund_waits_for_the_latest_oracle() {
    let escrow = Escrow::of(Draft { oracles: 2, threshold: 2, ..Draft::default() });
    let mut late = escrow.oracles[1].event(escrow.agreement());
    late.event_maturity_epoch = MATURITY + 5_000;
    let announcements =
        vec![escrow.oracles[0].announce(escrow.agreement()), escrow.oracles[1].sign_event(late)];
    let deal = Deal::new(escrow.agreement().clone(), announcements).unwrap();
    assert_eq!(deal.refund_locktime(), MATURITY + 5_000 + 7 * 86_400);
}

#[test]
fn a_digit_too_few_or_a_nonce_too_many() {
    let one_less = |event: &mut OracleEvent| {
        let EventDescriptor::DigitDecompositionEvent(digits) = &mut event.event_descriptor else {
            unreachable!()
        };
        digits.nb_digits -= 1;
    };
    assert_eq!(field_of(one_less), "event_descriptor.nb_digits");
    assert_eq!(field_of(|event| event.oracle_nonces.truncate(9)), "oracle_nonces");
    assert_eq!(field_of(|event| event.oracle_nonces.push(event.oracle_nonces[0])), "oracle_nonces");
    assert_eq!(field_of(|event| event.oracle_nonces.clear()), "oracle_nonces");
}

#[test]
fn the_same_nonce_twice() {
    let error = refused_event(Draft::default(), |event| event.oracle_nonces[1] = event.oracle_nonces[0]);
    assert_eq!((&*error.field, error.rule), ("oracle_nonces", Rule::Duplicate));
}

#[test]
fn two_oracles_with_the_same_nonces() {
    let escrow = Escrow::of(Draft { oracles: 2, threshold: 2, ..Draft::default() });
    let first = escrow.oracles[0].announce(escrow.agreement());
    let mut copied = escrow.oracles[1].event(escrow.agreement());
    copied.oracle_nonces = first.oracle_event.oracle_nonces.clone();
    let announcements = vec![first, escrow.oracles[1].sign_event(copied)];
    let error = Announcements::check(escrow.agreement(), announcements).unwrap_err();
    assert_eq!((error.message, error.rule), (Message::Announcement(1), Rule::Duplicate));
}

#[test]
fn another_base_sign_unit_or_precision() {
    let with = |change: fn(&mut dlc_messages::oracle_msgs::DigitDecompositionEventDescriptor)| {
        field_of(|event| {
            let EventDescriptor::DigitDecompositionEvent(digits) = &mut event.event_descriptor else {
                unreachable!()
            };
            change(digits);
        })
    };
    assert_eq!(with(|digits| digits.base = 10), "event_descriptor.base");
    assert_eq!(with(|digits| digits.base = 0), "event_descriptor.base");
    assert_eq!(with(|digits| digits.is_signed = true), "event_descriptor.is_signed");
    assert_eq!(with(|digits| digits.unit = "ppm".to_owned()), "event_descriptor.unit");
    assert_eq!(with(|digits| digits.precision = -1), "event_descriptor.precision");
}

#[test]
fn duplicate_enum_outcome() {
    let error = refused_event(Draft::levels(), |event| {
        let EventDescriptor::EnumEvent(levels) = &mut event.event_descriptor else { unreachable!() };
        levels.outcomes[1] = levels.outcomes[0].clone();
    });
    assert_eq!(&*error.field, "event_descriptor.outcomes");
}

#[test]
fn enum_outcomes_in_another_order() {
    let error = refused_event(Draft::levels(), |event| {
        let EventDescriptor::EnumEvent(levels) = &mut event.event_descriptor else { unreachable!() };
        levels.outcomes.swap(0, 1);
    });
    assert_eq!(&*error.field, "event_descriptor.outcomes");
}

#[test]
fn an_announcement_that_its_oracle_did_not_sign() {
    let escrow = Escrow::standard();
    let mut announcement = escrow.oracles[0].announce(escrow.agreement());
    announcement.oracle_event.event_maturity_epoch += 1;
    let error = Announcements::check(escrow.agreement(), vec![announcement]).unwrap_err();
    assert_eq!((&*error.field, error.rule), ("announcement_signature", Rule::BadSignature));
}

#[test]
fn announcement_bytes_that_are_none() {
    let escrow = Escrow::standard();
    let tlv = escrow.deal.announcements().to_tlvs().remove(0);
    Deal::parse(escrow.agreement().clone(), std::slice::from_ref(&tlv)).unwrap();
    let refused = |bytes: &[u8]| Deal::parse(escrow.agreement().clone(), &[bytes]).unwrap_err().rule;
    assert_eq!(refused(&[]), Rule::Unreadable);
    assert_eq!(refused(&tlv[..tlv.len() - 1]), Rule::Unreadable);
    assert_eq!(refused(&[&tlv[..], &[0]].concat()), Rule::Unreadable);
    assert_eq!(
        refused(&escrow.deal.announcements().as_slice()[0].encode()),
        Rule::Unreadable,
        "without header"
    );
    assert!(matches!(refused(&vec![0; 70_000]), Rule::TooLarge { .. }));
    let nonce = escrow.deal.announcements().as_slice()[0].oracle_event.oracle_nonces[0].serialize();
    let at = tlv.windows(32).position(|window| window == nonce).unwrap();
    let mut off_curve = tlv.clone();
    off_curve[at..at + 32].fill(0xff);
    assert_eq!(refused(&off_curve), Rule::Unreadable);
}

// --- attestations ---------------------------------------------------------------------

/// What the gate says to an attestation with a change.
fn refused(change: impl FnOnce(&Oracle, &mut OracleAttestation)) -> GateError {
    let escrow = Escrow::standard();
    let bytes = escrow.oracles[0].attest(escrow.agreement(), &Outcome::Value(OutcomeValue(24)));
    let mut attestation = OracleAttestation::from_tlv_bytes(&bytes).unwrap();
    change(&escrow.oracles[0], &mut attestation);
    let error = gate::attestation(&attestation.to_tlv_bytes(), escrow.deal.announcements())
        .expect_err("must be refused");
    assert_eq!(error.message, Message::Attestation);
    error
}

#[test]
fn empty_attestation() {
    let error = refused(|_, attestation| {
        attestation.signatures.clear();
        attestation.outcomes.clear();
    });
    assert_eq!(error.rule, Rule::WrongCount { expected: 10, got: 0 });
    let escrow = Escrow::standard();
    let error = gate::attestation(&[], escrow.deal.announcements()).unwrap_err();
    assert_eq!(error.rule, Rule::Unreadable);
}

#[test]
fn truncated_attestation() {
    let error = refused(|_, attestation| {
        attestation.signatures.pop();
        attestation.outcomes.pop();
    });
    assert_eq!(error.rule, Rule::WrongCount { expected: 10, got: 9 });
    let error = refused(|_, attestation| attestation.signatures.truncate(9));
    assert_eq!((&*error.field, error.rule), ("signatures", Rule::WrongCount { expected: 10, got: 9 }));
}

#[test]
fn wrong_event_attestation() {
    let error = refused(|_, attestation| attestation.event_id = "sla1-other".to_owned());
    assert_eq!(&*error.field, "event_id");
}

#[test]
fn out_of_base_attestation() {
    for digit in ["2", "-1", "", " 1", "one"] {
        let error = refused(|oracle, attestation| {
            let mut signed = vec!["0"; 9];
            signed.push(digit);
            *attestation = oracle.sign_strings(&attestation.event_id, &signed);
        });
        assert_eq!(error.rule, Rule::NotAnOutcome { outcome: digit.to_owned() });
    }
}

#[test]
fn digits_01() {
    let error = refused(|oracle, attestation| {
        *attestation = oracle.sign_strings(&attestation.event_id, &["01"; 10]);
    });
    assert_eq!(error.rule, Rule::NotAnOutcome { outcome: "01".to_owned() });
}

#[test]
fn a_level_that_was_not_announced() {
    let escrow = Escrow::of(Draft::levels());
    let bytes =
        escrow.oracles[0].sign_strings(escrow.agreement().event_id.as_str(), &["splendid"]).to_tlv_bytes();
    let error = gate::attestation(&bytes, escrow.deal.announcements()).unwrap_err();
    assert_eq!(error.rule, Rule::NotAnOutcome { outcome: "splendid".to_owned() });
}

#[test]
fn a_digit_that_was_changed_after_signing() {
    let error = refused(|_, attestation| attestation.outcomes[9] = "1".to_owned());
    assert_eq!((&*error.field, error.rule), ("signatures[9]", Rule::BadSignature));
}

#[test]
fn signatures_in_another_order() {
    let error = refused(|_, attestation| attestation.signatures.swap(0, 1));
    assert_eq!((&*error.field, error.rule), ("signatures[0]", Rule::WrongNonce));
}

#[test]
fn a_valid_signature_with_a_nonce_that_was_not_announced() {
    let error = refused(|oracle, attestation| {
        let signed = oracle.sign_strings(&attestation.event_id, &["0"; 11]);
        attestation.signatures[0] = signed.signatures[10];
    });
    assert_eq!((&*error.field, error.rule), ("signatures[0]", Rule::WrongNonce));
}

#[test]
fn an_oracle_that_the_contract_does_not_know() {
    let error = refused(|_, attestation| {
        let stranger = Oracle::new(9);
        *attestation = stranger.sign_strings(&attestation.event_id, &["0"; 10]);
    });
    assert!(matches!(error.rule, Rule::UnknownOracle { .. }));
}

/// dlcspecs and bitcoin-s write no count before the outcomes; read as ours, such bytes are something else.
#[test]
fn attestation_without_an_outcome_count() {
    let escrow = Escrow::standard();
    let bytes = escrow.oracles[0].attest(escrow.agreement(), &Outcome::Value(OutcomeValue(24)));
    let body_without_count = [&bytes[..bytes.len() - 20 - 2], &bytes[bytes.len() - 20..]].concat();
    let error = gate::attestation(&body_without_count, escrow.deal.announcements()).unwrap_err();
    assert_eq!(error.rule, Rule::Unreadable);
}

#[test]
fn attestation_with_trailing_bytes_or_too_many() {
    let escrow = Escrow::standard();
    let bytes = escrow.oracles[0].attest(escrow.agreement(), &Outcome::Value(OutcomeValue(24)));
    let announcements = escrow.deal.announcements();
    assert!(gate::attestation(&[&bytes[..], &[0]].concat(), announcements).is_err());
    assert!(matches!(
        gate::attestation(&vec![0; 70_000], announcements).unwrap_err().rule,
        Rule::TooLarge { .. }
    ));
}

/// Traps 5 of "money is lost": whichever oracles come, in whatever order, the CET is theirs.
#[test]
fn multi_oracle_indices() {
    let escrow = Escrow::of(Draft { oracles: 3, threshold: 2, ..Draft::default() });
    let (contract, _) = escrow.signed();
    let key = escrow.accepter.contract_key(TEMPORARY_ID);
    let late = |oracle: usize| {
        let bytes = escrow.oracles[oracle].attest(escrow.agreement(), &Outcome::Value(OutcomeValue(500)));
        gate::attestation(&bytes, escrow.deal.announcements()).unwrap()
    };
    for pair in [[0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]] {
        let settled = settle::cet(&contract, &key, &pair.map(late)).unwrap();
        assert_eq!(settled.expect("two of three agree").provider_sat.0, 0);
    }
}
