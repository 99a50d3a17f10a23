//! A contract from offer to settlement, in memory.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use bitcoin::{Transaction, TxOut};
use common::documents::WINDOW_END;
use common::documents::{hours, ramp};
use common::{Draft, Escrow, Party, TEMPORARY_ID};
use contract::{CheckedContract, Role, Spend, gate, settle};
use terms::{Outcome, OutcomeValue, Sat, Side};

/// The satoshis that a transaction pays to a side.
fn paid(escrow: &Escrow, transaction: &Transaction, side: Side) -> u64 {
    let party = if escrow.deal.side(Role::Offerer) == side { &escrow.offerer } else { &escrow.accepter };
    let is_theirs = |output: &&TxOut| output.script_pubkey == party.payout_script();
    transaction.output.iter().filter(is_theirs).map(|output| output.value.to_sat()).sum()
}

fn value(value: u64) -> Outcome {
    Outcome::Value(OutcomeValue(value))
}

/// Either side, alone, gets the CET of an outcome, and it pays what the table says.
fn settles(escrow: &Escrow, contract: &CheckedContract, outcome: &Outcome) {
    let agreement = escrow.agreement();
    let provider = agreement.compile().unwrap().at(outcome).unwrap();
    let total = agreement.total_sat();
    let attested = escrow.oracles[0].attest(agreement, outcome);
    let attestation = gate::attestation(&attested, escrow.deal.announcements()).unwrap();
    for party in [&escrow.offerer, &escrow.accepter] {
        let key = party.contract_key(TEMPORARY_ID);
        let settled = settle::cet(contract, &key, std::slice::from_ref(&attestation)).unwrap().unwrap();
        assert_eq!(settled.provider_sat, provider, "{outcome:?}");
        assert_eq!(paid(escrow, &settled.transaction, Side::Provider), provider.0, "{outcome:?}");
        assert_eq!(paid(escrow, &settled.transaction, Side::Buyer), total.0 - provider.0, "{outcome:?}");
        assert_eq!(u64::from(settled.transaction.lock_time.to_consensus_u32()), WINDOW_END);
        spends_funding(contract, &settled.transaction);
        let spend = contract.classify_spend(&settled.transaction).unwrap();
        assert!(matches!(spend, Spend::Cet { provider_sat, .. } if provider_sat == provider));
    }
}

/// The witness satisfies the 2-of-2, by libbitcoin's own script rules where they are at hand: here by its two
/// signatures over the sighash.
fn spends_funding(contract: &CheckedContract, transaction: &Transaction) {
    let transactions = contract.transactions();
    let [input] = &transaction.input[..] else { panic!("one input") };
    assert_eq!(input.previous_output, transactions.funding_outpoint);
    let elements: Vec<&[u8]> = input.witness.iter().collect();
    let [empty, first, second, script] = elements[..] else { panic!("a 2-of-2 witness") };
    assert!(empty.is_empty());
    assert_eq!(script, transactions.funding_script.as_bytes());
    let keys = [&script[2..35], &script[36..69]];
    for (key, signature) in keys.into_iter().zip([first, second]) {
        let signature = bitcoin::ecdsa::Signature::from_slice(signature).unwrap();
        dlc::verify_tx_input_sig(
            secp256k1_zkp::SECP256K1,
            &signature.signature,
            transaction,
            0,
            &transactions.funding_script,
            bitcoin::Amount::from_sat(transactions.funding_value.0),
            &secp256k1_zkp::PublicKey::from_slice(key).unwrap(),
        )
        .unwrap();
    }
}

#[test]
fn every_step_of_a_schedule_pays_to_the_satoshi() {
    let escrow = Escrow::standard();
    let (contract, funding) = escrow.signed();
    assert_eq!(funding.compute_txid(), contract.transactions().funding.compute_txid());
    assert_eq!(contract.transactions().cets.len(), 4);
    for hours in [0, 1, 23, 24, 99, 100, 512, 1000] {
        settles(&escrow, &contract, &value(hours));
    }
    settles(&escrow, &contract, &Outcome::Indeterminate);
}

#[test]
fn a_ramp_pays_every_quantum_to_the_satoshi() {
    let escrow = Escrow::of(Draft { scale: hours(8000), schedule: ramp(), ..Draft::default() });
    let (contract, _) = escrow.signed();
    // 32 quanta of 16 hours, nothing before, all after, and no data.
    assert_eq!(contract.transactions().cets.len(), 35);
    for hours in [0, 15, 16, 31, 32, 271, 272, 527, 528, 8000] {
        settles(&escrow, &contract, &value(hours));
    }
}

#[test]
fn sixteen_digits_settle_too() {
    let escrow = Escrow::of(Draft { scale: hours(60_000), ..Draft::default() });
    let (contract, _) = escrow.signed();
    for hours in [0, 24, 60_000] {
        settles(&escrow, &contract, &value(hours));
    }
    settles(&escrow, &contract, &Outcome::Indeterminate);
}

#[test]
fn every_level_of_an_enum_pays_to_the_satoshi() {
    let escrow = Escrow::of(Draft::levels());
    let (contract, _) = escrow.signed();
    for level in ["in-time", "late", "lost"] {
        settles(&escrow, &contract, &Outcome::Level(level.to_owned()));
    }
    settles(&escrow, &contract, &Outcome::Indeterminate);
}

#[test]
fn without_a_bond_the_provider_offers_and_the_buyer_funds_alone() {
    let escrow = Escrow::of(Draft { bond_sat: 0, ..Draft::default() });
    assert_eq!(escrow.deal.side(Role::Offerer), Side::Provider);
    assert!(escrow.offer().inputs().unwrap().is_empty());
    let (contract, funding) = escrow.signed();
    assert_eq!(funding.input.len(), 1);
    settles(&escrow, &contract, &value(0));
    settles(&escrow, &contract, &value(24));
    settles(&escrow, &contract, &value(1000));
}

#[test]
fn without_a_price_the_buyer_offers_and_the_provider_funds_alone() {
    let escrow = Escrow::of(Draft { price_sat: 0, ..Draft::default() });
    assert_eq!(escrow.deal.side(Role::Offerer), Side::Buyer);
    assert!(escrow.offer().inputs().unwrap().is_empty());
    let (contract, _) = escrow.signed();
    settles(&escrow, &contract, &value(0));
    settles(&escrow, &contract, &value(1000));
}

#[test]
fn the_refund_gives_back_price_and_bond_to_either_side_alone() {
    let escrow = Escrow::standard();
    let (contract, _) = escrow.signed();
    for party in [&escrow.offerer, &escrow.accepter] {
        let refund = settle::refund(&contract, &party.contract_key(TEMPORARY_ID)).unwrap();
        assert_eq!(paid(&escrow, &refund, Side::Buyer), 100_000);
        assert_eq!(paid(&escrow, &refund, Side::Provider), 40_000);
        // Ten minutes from the window's end to maturity, a week from there.
        assert_eq!(u64::from(refund.lock_time.to_consensus_u32()), WINDOW_END + 600 + 7 * 86_400);
        spends_funding(&contract, &refund);
        assert_eq!(contract.classify_spend(&refund), Some(Spend::Refund));
    }
}

#[test]
fn fees_are_what_the_specification_says_and_value_is_conserved() {
    let escrow = Escrow::standard();
    let (contract, funding) = escrow.signed();
    // At 5 sat/vB with one P2WPKH input each: 630 sat of funding fee and 425 sat of CET reserve a side.
    let inputs = 100_000 + 50_000 + 40_000 + 50_000;
    let outputs: u64 = funding.output.iter().map(|output| output.value.to_sat()).sum();
    assert_eq!(inputs - outputs, 2 * 630);
    assert_eq!(contract.transactions().funding_value, Sat(140_000 + 2 * 425));
    let sole = Escrow::of(Draft { bond_sat: 0, ..Draft::default() });
    let (contract, funding) = sole.signed();
    let outputs: u64 = funding.output.iter().map(|output| output.value.to_sat()).sum();
    let funding_fee = 150_000 - outputs;
    assert_eq!(funding_fee + contract.transactions().funding_value.0 - 100_000, 1_610);
}

#[test]
fn two_of_three_oracles_settle_when_they_agree_whatever_the_third_says() {
    let escrow = Escrow::of(Draft { oracles: 3, threshold: 2, ..Draft::default() });
    let (contract, _) = escrow.signed();
    let key = escrow.offerer.contract_key(TEMPORARY_ID);
    let says = |oracle: usize, hours| {
        let bytes = escrow.oracles[oracle].attest(escrow.agreement(), &value(hours));
        gate::attestation(&bytes, escrow.deal.announcements()).unwrap()
    };
    let settled = |attestations: &[_]| settle::cet(&contract, &key, attestations).unwrap();
    assert!(settled(&[]).is_none());
    assert!(settled(&[says(2, 24)]).is_none());
    assert!(settled(&[says(2, 24), says(2, 24)]).is_none(), "one oracle twice is one oracle");
    assert!(settled(&[says(0, 23), says(2, 24)]).is_none());
    for agreeing in [[says(2, 24), says(0, 24)], [says(1, 24), says(2, 24)], [says(0, 24), says(1, 24)]] {
        let cet = settled(&agreeing).unwrap();
        assert_eq!(cet.provider_sat, Sat(130_000));
        spends_funding(&contract, &cet.transaction);
    }
    let cet = settled(&[says(0, 999), says(2, 24), says(1, 24)]).unwrap();
    assert_eq!(cet.provider_sat, Sat(130_000));
}

#[test]
fn a_stored_contract_is_checked_again_when_it_is_loaded() {
    let escrow = Escrow::standard();
    let (contract, _) = escrow.signed();
    let tlvs = escrow.deal.announcements().to_tlvs();
    let [offer, accept, sign] = [contract.offer_bytes(), contract.accept_bytes(), contract.sign_bytes()];
    let load = |offer: &[u8], accept: &[u8], sign: &[u8]| {
        CheckedContract::reload(escrow.agreement().clone(), &tlvs, offer, accept, sign)
    };
    let loaded = load(&offer, &accept, &sign).unwrap();
    assert_eq!(loaded.contract_id(), contract.contract_id());
    assert_eq!(loaded.transactions(), contract.transactions());
    for message in 0..3 {
        let mut stored = [offer.clone(), accept.clone(), sign.clone()];
        let middle = stored[message].len() / 2;
        stored[message][middle] ^= 1;
        load(&stored[0], &stored[1], &stored[2]).expect_err("a flipped bit on the disk");
    }
}

#[test]
fn somebody_elses_spend_of_the_funding_output_is_told_apart() {
    let escrow = Escrow::standard();
    let (contract, funding) = escrow.signed();
    let mut other = contract.transactions().refund.clone();
    other.output.truncate(1);
    assert_eq!(contract.classify_spend(&other), Some(Spend::Unknown));
    assert_eq!(contract.classify_spend(&funding), None);
}

#[test]
fn the_contract_key_is_found_again_from_seed_and_temporary_id() {
    let escrow = Escrow::standard();
    let (contract, _) = escrow.signed();
    let found = escrow.offerer.contract_keys().public(contract.temporary_id()).unwrap();
    assert_eq!(found, contract.accepted().offer().funding_pubkey());
}

/// Our own coins are P2WPKH; a peer may bring Taproot key path ones.
#[test]
fn a_peer_may_fund_with_taproot() {
    let mut escrow = Escrow::standard();
    escrow.offerer = Party::with_taproot_coins(1, &[160_000]);
    let (contract, funding) = escrow.signed();
    assert_eq!(funding.input.len(), 2);
    settles(&escrow, &contract, &value(24));
}
