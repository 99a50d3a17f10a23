//! Thousands of broken messages: none panics, and none but harmless ones passes. The seed is fixed.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use common::documents::Draft;
use common::{Escrow, NOW, TEMPORARY_ID};
use contract::{Deal, gate};
use terms::{Outcome, OutcomeValue};

/// SplitMix64: small, and the same for ever.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// One to four changes: bits, bytes, lengths made huge, parts cut, doubled or moved.
fn mutate(original: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    while bytes == original {
        for _ in 0..=random.below(4) {
            change(&mut bytes, random);
        }
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        bytes.push(random.next() as u8);
        return;
    }
    let at = random.below(bytes.len());
    let length = random.below((bytes.len() - at).min(64)) + 1;
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => bytes[at..at + length].fill(0xff),
        3 => bytes[at..at + length].fill(0),
        4 => bytes.truncate(at),
        5 => drop(bytes.drain(at..at + length)),
        6 => bytes.insert(at, random.next() as u8),
        _ => {
            let part = bytes[at..at + length].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, part);
        }
    }
}

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
            let mutant = mutate(&bytes, &mut random);
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
            let mutant = mutate(&bytes, &mut random);
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
            let mutant = mutate(&bytes, &mut random);
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
        let mutant = mutate(&tlv, &mut random);
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
        let mutant = mutate(&bytes, &mut random);
        gate::attestation(&mutant, escrow.deal.announcements()).expect_err("every part of it is checked");
    }
}

/// Field by field instead of byte by byte, so that the message stays readable and the rules behind are met.
#[test]
fn offers_with_wild_numbers_never_panic() {
    let mut random = Random(6);
    let escrow = Escrow::standard();
    let original: dlc_messages::OfferDlc = common::read(&escrow.offer().bytes());
    let edges = [0, 1, 546, 999, 1_000, 1 << 32, (1 << 53) + 1, i64::MAX as u64, u64::MAX - 1, u64::MAX];
    for _ in 0..2_000 {
        let mut offer = original.clone();
        let number = if random.below(3) == 0 { random.next() } else { edges[random.below(edges.len())] };
        let input = &mut offer.funding_inputs[0];
        match random.below(12) {
            0 => offer.offer_collateral = bitcoin::Amount::from_sat(number),
            1 => offer.fee_rate_per_vb = number,
            2 => offer.cet_locktime = number as u32,
            3 => offer.refund_locktime = number as u32,
            4 => offer.payout_serial_id = number,
            5 => offer.change_serial_id = number,
            6 => offer.fund_output_serial_id = number,
            7 => input.input_serial_id = number,
            8 => input.prev_tx_vout = number as u32,
            9 => input.sequence = number as u32,
            10 => input.max_witness_len = number as u16,
            _ => {
                let mut coin: bitcoin::Transaction = bitcoin::consensus::deserialize(&input.prev_tx).unwrap();
                coin.output[0].value = bitcoin::Amount::from_sat(number);
                input.prev_tx = bitcoin::consensus::serialize(&coin);
            }
        }
        let bytes = dlc_messages::lightning::util::ser::Writeable::encode(&offer);
        let Ok(offer) = escrow.receive_offer(&bytes) else { continue };
        let key = escrow.accepter.contract_key(TEMPORARY_ID);
        let _ = contract::accept_offer(&offer, escrow.accepter.funding(TEMPORARY_ID), &key, NOW);
    }
}
