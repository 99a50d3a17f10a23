//! Thousands of broken messages: none panics, and none but harmless ones passes. The seed is fixed.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::documents::Draft;
use common::mutate::{self, Random};
use common::{Escrow, NOW, TEMPORARY_ID};
use contract::{Deal, gate};
use terms::{Outcome, OutcomeValue};

fn escrows() -> [Escrow; 3] {
    [Escrow::standard(), Escrow::of(Draft::levels()), Escrow::of(Draft { bond_sat: 0, ..Draft::default() })]
}

/// Some mutants are offers as good as any (another change script, say); those are accepted to the end, so that the
/// library's own code meets them too.
#[test]
fn mutated_offers_never_panic() {
    let mut random = Random(1);
    let mut passed = 0;
    for escrow in escrows() {
        let bytes = escrow.offer().bytes();
        let (key, now) = (escrow.accepter.contract_key(TEMPORARY_ID), NOW);
        for _ in 0..2_000 {
            let mutant = mutate::bytes(&bytes, &mut random);
            let _ = gate::claims(&mutant);
            let Ok(offer) = escrow.receive_offer(&mutant) else { continue };
            assert_eq!(offer.bytes(), mutant);
            let _ = contract::accept_offer(&offer, escrow.accepter.funding(TEMPORARY_ID), &key, now);
            passed += 1;
        }
    }
    assert!(passed > 0, "the mutations are too wild to test anything behind the parser");
}

/// Serial ids only order; a mutant that orders the same is the same contract. Anything else breaks a signature.
#[test]
fn mutated_accepts_are_refused_unless_they_mean_the_same() {
    let mut random = Random(2);
    for escrow in escrows() {
        let offer = escrow.offer();
        let accepted = escrow.accept(&offer);
        let bytes = accepted.bytes();
        for _ in 0..1_500 {
            let mutant = mutate::bytes(&bytes, &mut random);
            let _ = gate::claims(&mutant);
            let Ok(passed) = escrow.receive_accept(&mutant, &offer) else { continue };
            assert_eq!(passed.transactions(), accepted.transactions());
        }
    }
}

#[test]
fn mutated_signs_are_all_refused() {
    let mut random = Random(3);
    for escrow in escrows() {
        let accepted = escrow.accepted();
        let bytes = escrow.sign(&accepted).sign_bytes();
        for _ in 0..1_500 {
            let mutant = mutate::bytes(&bytes, &mut random);
            gate::sign(&mutant, &accepted, NOW).expect_err("it is nothing but signatures");
        }
    }
}

#[test]
fn mutated_announcements_are_all_refused() {
    let mut random = Random(4);
    let escrow = Escrow::standard();
    let tlv = escrow.deal.announcements().to_tlvs().remove(0);
    for _ in 0..3_000 {
        let mutant = mutate::bytes(&tlv, &mut random);
        Deal::parse(escrow.agreement().clone(), &[mutant])
            .expect_err("the oracle's signature covers everything");
    }
}

#[test]
fn mutated_attestations_are_all_refused() {
    let mut random = Random(5);
    let escrow = Escrow::standard();
    let bytes = escrow.oracles[0].attest(escrow.agreement(), &Outcome::Value(OutcomeValue(24)));
    for _ in 0..5_000 {
        let mutant = mutate::bytes(&bytes, &mut random);
        gate::attestation(&mutant, escrow.deal.announcements()).expect_err("every part of it is checked");
    }
}

/// Field by field instead of byte by byte, so that the message stays readable and the rules behind are met.
/// `cargo run -p contract --example gate_mutants` does the same to six contracts, 40,000 times.
#[test]
fn messages_with_broken_or_foreign_parts_are_refused_unless_they_mean_the_same() {
    let mut random = Random(6);
    let [escrow, other, _] = escrows();
    let (offer, foreign) = (escrow.offer(), other.offer());
    let (accept, foreign_accept) = (escrow.accept(&offer), other.accept(&foreign));
    let (sign, foreign_sign) = (escrow.sign(&accept), other.sign(&foreign_accept));
    for _ in 0..1_000 {
        let mutant = mutate::offer(&offer.bytes(), &foreign.bytes(), &accept.bytes(), &mut random);
        if let Ok(passed) = escrow.receive_offer(&mutant.bytes) {
            assert_eq!(passed.bytes(), mutant.bytes, "{}", mutant.how);
            let key = escrow.accepter.contract_key(TEMPORARY_ID);
            let _ = contract::accept_offer(&passed, escrow.accepter.funding(TEMPORARY_ID), &key, NOW);
        }
        let mutant = mutate::accept(&accept.bytes(), &foreign_accept.bytes(), &mut random);
        if let Ok(passed) = escrow.receive_accept(&mutant.bytes, &offer) {
            assert_eq!(passed.transactions(), accept.transactions(), "{}", mutant.how);
        }
        let mutant = mutate::sign(&sign.sign_bytes(), &foreign_sign.sign_bytes(), &mut random);
        let refused = gate::sign(&mutant.bytes, &accept, NOW);
        assert!(refused.is_err(), "it is nothing but signatures: {}", mutant.how);
    }
}
