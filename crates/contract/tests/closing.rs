//! The cooperative close: exact payouts, and no signature but the peer's over exactly our transaction.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use bitcoin::{OutPoint, ScriptBuf, Transaction};
use common::{Draft, Escrow, TEMPORARY_ID};
use contract::close::{self, Close};
use contract::{CheckedContract, GateError, Role, Rule, Spend, settle};
use secp256k1_zkp::SECP256K1;
use secp256k1_zkp::ecdsa::Signature;
use terms::{Sat, Side};

/// A signed contract of 150,000 sat or what the draft says, and its close at a split.
fn closing(draft: Draft, provider_sat: u64) -> (Escrow, CheckedContract, Close) {
    let escrow = Escrow::of(draft);
    let (contract, _) = escrow.signed();
    let close = close::close(&contract, Sat(provider_sat)).unwrap();
    (escrow, contract, close)
}

fn half(escrow: &Escrow, contract: &CheckedContract, close: &Close, role: Role) -> [u8; 64] {
    let party = if role == Role::Offerer { &escrow.offerer } else { &escrow.accepter };
    close::sign(contract, close, &party.contract_key(TEMPORARY_ID)).unwrap()
}

/// What the offerer makes of a signature that it is told is the accepter's.
fn taken(
    escrow: &Escrow,
    contract: &CheckedContract,
    close: &Close,
    sig: &[u8],
) -> Result<Transaction, GateError> {
    close::complete(contract, close, &escrow.offerer.contract_key(TEMPORARY_ID), sig)
}

#[test]
fn both_halves_make_a_transaction_that_pays_the_split_to_the_satoshi() {
    let (escrow, contract, close) = closing(Draft::default(), 60_001);
    let total = escrow.agreement().total_sat().0;
    let signature = half(&escrow, &contract, &close, Role::Accepter);
    let complete = taken(&escrow, &contract, &close, &signature).unwrap();
    let mut paid: Vec<u64> = complete.output.iter().map(|output| output.value.to_sat()).collect();
    paid.sort_unstable();
    let mut split = vec![60_001, total - 60_001];
    split.sort_unstable();
    assert_eq!(paid, split);
    let reserve = contract.transactions().funding_value.0 - total;
    let fee = contract.transactions().funding_value.0 - paid.iter().sum::<u64>();
    assert_eq!(fee, reserve, "what was locked for the CET's fee, no more and no less");
    assert_eq!(complete.compute_txid(), close.transaction.compute_txid());

    let other = half(&escrow, &contract, &close, Role::Offerer);
    let key = escrow.accepter.contract_key(TEMPORARY_ID);
    assert_eq!(close::complete(&contract, &close, &key, &other).unwrap(), complete, "whoever completes it");
}

#[test]
fn the_finished_witness_satisfies_the_two_of_two() {
    let (escrow, contract, close) = closing(Draft::default(), 75_000);
    let complete =
        taken(&escrow, &contract, &close, &half(&escrow, &contract, &close, Role::Accepter)).unwrap();
    let transactions = contract.transactions();
    let elements: Vec<&[u8]> = complete.input[0].witness.iter().collect();
    let script = transactions.funding_script.as_bytes();
    assert_eq!((elements[0], elements[3]), (&[][..], script));
    for (key, element) in [&script[2..35], &script[36..69]].into_iter().zip(&elements[1..3]) {
        let signature = bitcoin::ecdsa::Signature::from_slice(element).unwrap();
        assert_eq!(signature.sighash_type, bitcoin::EcdsaSighashType::All);
        let value = bitcoin::Amount::from_sat(transactions.funding_value.0);
        let key = secp256k1_zkp::PublicKey::from_slice(key).unwrap();
        let script = &transactions.funding_script;
        dlc::verify_tx_input_sig(SECP256K1, &signature.signature, &complete, 0, script, value, &key).unwrap();
    }
}

#[test]
fn all_for_one_side_is_one_output() {
    for provider_sat in [0, Escrow::standard().agreement().total_sat().0] {
        let (escrow, contract, close) = closing(Draft::default(), provider_sat);
        let signature = half(&escrow, &contract, &close, Role::Accepter);
        let complete = taken(&escrow, &contract, &close, &signature).unwrap();
        assert_eq!(complete.output.len(), 1);
        assert_eq!(complete.output[0].value.to_sat(), escrow.agreement().total_sat().0);
    }
}

#[test]
fn a_split_that_burns_something_or_pays_more_than_there_is_is_refused() {
    let escrow = Escrow::standard();
    let (contract, _) = escrow.signed();
    let total = escrow.agreement().total_sat().0;
    for (provider_sat, rule) in [
        (1, Rule::Dust { sat: 1 }),
        (999, Rule::Dust { sat: 999 }),
        (total - 999, Rule::Dust { sat: 999 }),
        (total + 1, Rule::OutOfBounds { got: total + 1, least: 0, most: total }),
        (u64::MAX, Rule::OutOfBounds { got: u64::MAX, least: 0, most: total }),
    ] {
        let error = close::close(&contract, Sat(provider_sat)).unwrap_err();
        assert_eq!((error.field.as_ref(), error.rule), ("provider_sat", rule));
    }
}

#[test]
fn a_signature_with_any_bit_changed_is_refused() {
    let (escrow, contract, close) = closing(Draft::default(), 75_000);
    let good = half(&escrow, &contract, &close, Role::Accepter);
    for bit in 0..good.len() * 8 {
        let mut bad = good;
        bad[bit / 8] ^= 1 << (bit % 8);
        taken(&escrow, &contract, &close, &bad).expect_err("one bit is wrong");
    }
}

#[test]
fn a_signature_of_another_length_is_refused() {
    let (escrow, contract, close) = closing(Draft::default(), 75_000);
    let good = half(&escrow, &contract, &close, Role::Accepter);
    for bad in [&good[..63], &[&good[..], &[1]].concat(), &[], &[0xff; 64], &[0; 64]] {
        taken(&escrow, &contract, &close, bad).expect_err("it is no signature");
    }
}

#[test]
fn a_high_s_is_refused_because_nodes_do_not_relay_it() {
    let (escrow, contract, close) = closing(Draft::default(), 75_000);
    let good = half(&escrow, &contract, &close, Role::Accepter);
    // The group's order minus S is the other S of the same signature.
    let order = secp256k1_zkp::constants::CURVE_ORDER;
    let mut high = good;
    let mut borrow = 0;
    for place in (0..32).rev() {
        let digit = i16::from(order[place]) - i16::from(good[32 + place]) - borrow;
        borrow = i16::from(digit < 0);
        high[32 + place] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    let mut same = Signature::from_compact(&high).unwrap();
    same.normalize_s();
    assert_eq!(same.serialize_compact(), good, "it is the same signature in its other form");
    let error = taken(&escrow, &contract, &close, &high).unwrap_err();
    assert_eq!((error.field.as_ref(), error.rule), ("signature_hex", Rule::NotCanonical));
}

#[test]
fn a_signature_over_another_split_contract_or_transaction_is_refused() {
    let (escrow, contract, close) = closing(Draft::default(), 75_000);
    let bad = |sig: [u8; 64]| taken(&escrow, &contract, &close, &sig).unwrap_err().rule;

    let other = close::close(&contract, Sat(74_999)).unwrap();
    assert_eq!(bad(half(&escrow, &contract, &other, Role::Accepter)), Rule::BadSignature);
    assert_eq!(bad(half(&escrow, &contract, &close, Role::Offerer)), Rule::BadSignature, "our own half");
    let changes: [fn(&mut Transaction); 7] = [
        |tx| tx.output.swap(0, 1),
        |tx| tx.lock_time = bitcoin::absolute::LockTime::from_consensus(1),
        |tx| tx.input[0].sequence = bitcoin::Sequence::ENABLE_RBF_NO_LOCKTIME,
        |tx| tx.input[0].previous_output = OutPoint::null(),
        |tx| tx.output[0].script_pubkey = ScriptBuf::new(),
        |tx| tx.output[0].value += bitcoin::Amount::from_sat(1),
        |tx| tx.version = bitcoin::transaction::Version::ONE,
    ];
    for change in changes {
        let mut changed = close.clone();
        change(&mut changed.transaction);
        assert_eq!(bad(half(&escrow, &contract, &changed, Role::Accepter)), Rule::BadSignature);
    }
}

#[test]
fn a_key_of_neither_side_signs_nothing() {
    let (_, contract, close) = closing(Draft::default(), 75_000);
    let strange = secp256k1_zkp::SecretKey::from_slice(&[9; 32]).unwrap();
    assert_eq!(close::sign(&contract, &close, &strange).unwrap_err().field, "funding_key");
    assert_eq!(close::complete(&contract, &close, &strange, &[1; 64]).unwrap_err().field, "funding_key");
}

#[test]
fn a_close_on_the_chain_is_known_for_what_it_pays_and_nothing_else_is_taken_for_one() {
    let escrow = Escrow::standard();
    let (contract, _) = escrow.signed();
    let total = escrow.agreement().total_sat().0;
    for provider_sat in [0, 1_000, 75_000, total] {
        let close = close::close(&contract, Sat(provider_sat)).unwrap();
        let signature = half(&escrow, &contract, &close, Role::Accepter);
        let complete = taken(&escrow, &contract, &close, &signature).unwrap();
        let expected = Spend::Close { provider_sat: Sat(provider_sat), buyer_sat: Sat(total - provider_sat) };
        assert_eq!(contract.classify_spend(&complete), Some(expected));
    }
    let mut other = close::close(&contract, Sat(75_000)).unwrap().transaction;
    other.output[0].value -= bitcoin::Amount::ONE_SAT;
    assert_eq!(contract.classify_spend(&other), Some(Spend::Unknown));
    let refund = settle::refund(&contract, &escrow.offerer.contract_key(TEMPORARY_ID)).unwrap();
    assert_eq!(
        contract.classify_spend(&refund),
        Some(Spend::Refund),
        "though it pays what a close could pay"
    );
}

#[test]
fn who_funds_alone_closes_alike() {
    let escrow = Escrow::of(Draft { bond_sat: 0, ..Draft::default() });
    let (contract, _) = escrow.signed();
    assert_eq!(escrow.deal.side(Role::Offerer), Side::Provider);
    let total = escrow.agreement().total_sat().0;
    let close = close::close(&contract, Sat(total - 2_000)).unwrap();
    let signature = half(&escrow, &contract, &close, Role::Accepter);
    let complete = taken(&escrow, &contract, &close, &signature).unwrap();
    let to_offerer =
        complete.output.iter().find(|output| output.script_pubkey == escrow.offerer.payout_script()).unwrap();
    assert_eq!(to_offerer.value.to_sat(), total - 2_000, "the provider offers where it locks nothing");
}
