//! "Money is lost": one test for each way in which the DLC libraries lose it, named after the trap.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction};
use common::documents::Draft;
use common::party::{p2wpkh, pays, unspent};
use common::{Escrow, NOW, Party, TEMPORARY_ID, read};
use contract::{CoinReport, GateError, Message, Role, Rule, gate};
use dlc_messages::lightning::util::ser::Writeable;
use dlc_messages::{
    FundingInput, FundingSignature, OfferDlc, OverrideOutcome, PayoutScriptOverride, PayoutScriptOverrides,
};
use secp256k1_zkp::SecretKey;
use terms::UnixSeconds;

fn spending(transaction: &Transaction, like: &FundingInput, serial: u64) -> FundingInput {
    let prev_tx = bitcoin::consensus::serialize(transaction);
    FundingInput { prev_tx, input_serial_id: serial, ..like.clone() }
}

fn is(error: &GateError, message: Message, field: &str, rule: &Rule) {
    assert_eq!((error.message, &*error.field, &error.rule), (message, field, rule));
}

/// The theft of trap 1: the peer lists our coin among its inputs, and hopes that we sign the whole PSBT.
#[test]
fn signing_the_whole_psbt() {
    let escrow = Escrow::standard();
    let ours = pays(&escrow.offerer.wallet_script(), 5_000_000_000, 1, 99);
    let offer = escrow.offer();
    let mut accept = read::<dlc_messages::AcceptDlc>(&escrow.accept(&offer).bytes());
    accept.funding_inputs.push(spending(&ours, &accept.funding_inputs[0].clone(), 4242));
    let mut coins = escrow.accepter.known_coins();
    let outpoint = OutPoint { txid: ours.compute_txid(), vout: 0 };
    coins.insert(outpoint, CoinReport { ours: true, state: unspent(&ours.output[0], 100) });
    let error = gate::accept(&accept.encode(), &offer, &coins, NOW).unwrap_err();
    is(&error, Message::Accept, "funding_inputs[1].prev_tx", &Rule::OwnCoin { outpoint });

    // And of an honest accept only own inputs are named to the wallet.
    let accepted = escrow.accepted();
    let mut psbt = accepted.funding_psbt().unwrap();
    let own = accepted.input_indices(Role::Offerer);
    assert_eq!(own.len(), 1);
    assert_eq!(
        psbt.inputs[own[0]].witness_utxo.as_ref().unwrap().script_pubkey,
        escrow.offerer.wallet_script()
    );
    let [theirs] = accepted.input_indices(Role::Accepter)[..] else { panic!("one input each") };
    assert_ne!(own[0], theirs);
    escrow.offerer.sign_inputs(&mut psbt, &own);
    assert!(psbt.inputs[theirs].final_script_witness.is_none());
}

#[test]
fn missing_funding_witness() {
    let escrow = Escrow::standard();
    let error = escrow.refused_sign(|sign| sign.funding_signatures.funding_signatures.clear());
    is(&error, Message::Sign, "funding_signatures", &Rule::WrongCount { expected: 1, got: 0 });
    let error =
        escrow.refused_sign(|sign| sign.funding_signatures.funding_signatures[0].witness_elements.clear());
    is(&error, Message::Sign, "funding_signatures[0]", &Rule::BadWitness);
}

#[test]
fn one_funding_witness_too_many() {
    let error = Escrow::standard().refused_sign(|sign| {
        let again = sign.funding_signatures.funding_signatures[0].clone();
        sign.funding_signatures.funding_signatures.push(again);
    });
    is(&error, Message::Sign, "funding_signatures", &Rule::WrongCount { expected: 1, got: 2 });
}

#[test]
fn a_funding_witness_that_is_not_sighash_all() {
    let flip =
        |witness: &mut FundingSignature| *witness.witness_elements[0].witness.last_mut().unwrap() = 0x83;
    let error =
        Escrow::standard().refused_sign(|sign| flip(&mut sign.funding_signatures.funding_signatures[0]));
    is(&error, Message::Sign, "funding_signatures[0]", &Rule::BadWitness);
}

#[test]
fn a_funding_witness_of_another_key() {
    let error = Escrow::standard().refused_sign(|sign| {
        let key = SecretKey::from_slice(&[9; 32]).unwrap().public_key(secp256k1_zkp::SECP256K1);
        sign.funding_signatures.funding_signatures[0].witness_elements[1].witness = key.serialize().to_vec();
    });
    assert!(matches!(error.rule, Rule::Library { .. }), "{error}");
}

#[test]
fn free_option() {
    let escrow = Escrow::standard();
    let late = escrow.agreement().funding_deadline;
    let too_late = |error: GateError| {
        assert_eq!(&*error.field, "funding_deadline");
        assert_eq!(error.rule, Rule::TooLate { deadline: late.0, now: late.0 });
    };
    let offer = escrow.offer();
    too_late(gate::offer(&offer.bytes(), &escrow.deal, &escrow.offerer.known_coins(), late).unwrap_err());
    let accept = escrow.accept(&offer);
    too_late(gate::accept(&accept.bytes(), &offer, &escrow.accepter.known_coins(), late).unwrap_err());
    let sign = escrow.sign(&accept).sign_bytes();
    too_late(gate::sign(&sign, &accept, late).unwrap_err());
    gate::sign(&sign, &accept, UnixSeconds(late.0 - 1)).unwrap();
}

#[test]
fn refund_flag() {
    let error = Escrow::standard().refused_offer(|offer| offer.contract_flags = 1);
    assert_eq!(error.to_string(), "offer: contract_flags: is 1; agreed is 0");
}

#[test]
fn fee_rate_other_than_agreed() {
    for rate in [0, 4, 6, 6_250, u64::MAX] {
        let error = Escrow::standard().refused_offer(|offer| offer.fee_rate_per_vb = rate);
        assert_eq!(&*error.field, "fee_rate_per_vb");
    }
}

#[test]
fn non_standard_payout_spk() {
    let escrow = Escrow::standard();
    let p2pkh = ScriptBuf::new_p2pkh(&bitcoin::PubkeyHash::from_raw_hash(bitcoin::hashes::Hash::all_zeros()));
    let p2sh = ScriptBuf::new_p2sh(&bitcoin::ScriptHash::from_raw_hash(bitcoin::hashes::Hash::all_zeros()));
    let future =
        ScriptBuf::from_hex("5220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap();
    for script in [p2pkh, p2sh, future, ScriptBuf::new(), ScriptBuf::new_op_return([1; 40])] {
        let error = escrow.refused_offer(|offer| offer.payout_spk = script.clone());
        is(&error, Message::Offer, "payout_spk", &Rule::ForbiddenScript);
        let error = escrow.refused_offer(|offer| offer.change_spk = script.clone());
        is(&error, Message::Offer, "change_spk", &Rule::ForbiddenScript);
        let error = escrow.refused_accept(|accept| accept.payout_spk = script.clone());
        is(&error, Message::Accept, "payout_spk", &Rule::ForbiddenScript);
        let error = escrow.refused_accept(|accept| accept.change_spk = script);
        is(&error, Message::Accept, "change_spk", &Rule::ForbiddenScript);
    }
}

#[test]
fn tlv_payout_override() {
    let escrow = Escrow::of(Draft::levels());
    let thief = p2wpkh(&SecretKey::from_slice(&[66; 32]).unwrap());
    let override_ = PayoutScriptOverride {
        outcome: OverrideOutcome::Enum { outcome: "lost".to_owned() },
        script_pubkey: thief,
    };
    let error =
        escrow.refused_offer(|offer| offer.tlvs.set(&PayoutScriptOverrides { overrides: vec![override_] }));
    assert_eq!((error.message, &*error.field), (Message::Offer, "tlvs"));
    assert!(matches!(error.rule, Rule::TrailingBytes { .. }));
}

/// The accepter's funding witnesses are in no message, so it checks its own before it broadcasts.
#[test]
fn own_funding_witness_that_is_broken() {
    let escrow = Escrow::standard();
    let (contract, _) = escrow.signed();
    let accepted = contract.accepted();
    let mut psbt = accepted.funding_psbt().unwrap();
    let stranger = Party::with_coins(33, &[]);
    stranger.sign_inputs(&mut psbt, &accepted.input_indices(Role::Accepter));
    let error = contract::finalize(&contract, &psbt).unwrap_err();
    assert_eq!((error.message, &error.rule), (Message::Own, &Rule::BadWitness));
    let unsigned = accepted.funding_psbt().unwrap();
    contract::finalize(&contract, &unsigned).expect_err("a PSBT that nobody signed");
    psbt.unsigned_tx.output.pop();
    let error = contract::finalize(&contract, &psbt).unwrap_err();
    is(&error, Message::Own, "funding_psbt", &Rule::TransactionDiffers);
}

#[test]
fn our_script_as_the_peers_payout_or_change() {
    let escrow = Escrow::standard();
    let bytes = escrow.offer().bytes();
    for (field, script) in
        [("payout_spk", escrow.offerer.payout_script()), ("change_spk", escrow.offerer.change_script())]
    {
        let mut coins = escrow.offerer.known_coins();
        coins.insert_own_script(script);
        let error = gate::offer(&bytes, &escrow.deal, &coins, NOW).unwrap_err();
        is(&error, Message::Offer, field, &Rule::OwnScript);
    }
}

/// The library takes the first output with the funding script for the funding output, so a peer whose change goes
/// there could have every CET spend its change instead.
#[test]
fn the_funding_script_as_change() {
    let escrow = Escrow::standard();
    let script = escrow.accepted().transactions().funding_script.to_p2wsh();
    let error = escrow.refused_accept(|accept| accept.change_spk = script.clone());
    is(&error, Message::Accept, "change_spk", &Rule::FundingScript);
    let error = escrow.refused_accept(|accept| accept.payout_spk = script);
    is(&error, Message::Accept, "payout_spk", &Rule::FundingScript);
}

#[test]
fn our_funding_key_as_the_peers() {
    let escrow = Escrow::standard();
    let ours = escrow.offer().funding_pubkey();
    let error = escrow.refused_accept(|accept| accept.funding_pubkey = ours);
    is(&error, Message::Accept, "funding_pubkey", &Rule::SameFundingKey);
}

#[test]
fn serial_ids_used_twice() {
    let escrow = Escrow::standard();
    let error = escrow.refused_offer(|offer| offer.change_serial_id = offer.fund_output_serial_id);
    is(&error, Message::Offer, "change_serial_id", &Rule::SerialUsedTwice { serial: 77 });
    let error = escrow.refused_accept(|accept| accept.change_serial_id = 77);
    is(&error, Message::Accept, "change_serial_id", &Rule::SerialUsedTwice { serial: 77 });
    let offered = read::<OfferDlc>(&escrow.offer().bytes());
    let serial = offered.payout_serial_id;
    let error = escrow.refused_accept(|accept| accept.payout_serial_id = serial);
    is(&error, Message::Accept, "payout_serial_id", &Rule::SerialUsedTwice { serial });
    let serial = offered.funding_inputs[0].input_serial_id;
    let error = escrow.refused_accept(|accept| accept.funding_inputs[0].input_serial_id = serial);
    is(&error, Message::Accept, "funding_inputs.input_serial_id", &Rule::SerialUsedTwice { serial });
}

#[test]
fn locktimes_other_than_agreed() {
    let escrow = Escrow::standard();
    for (cet, refund) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
        let error = escrow.refused_offer(|offer| {
            offer.cet_locktime = offer.cet_locktime.saturating_add_signed(cet);
            offer.refund_locktime = offer.refund_locktime.saturating_add_signed(refund);
        });
        assert!(error.field.ends_with("_locktime"), "{error}");
    }
    let error = escrow.refused_offer(|offer| offer.cet_locktime = 800_000);
    assert_eq!(&*error.field, "cet_locktime", "a height is no time");
}

#[test]
fn a_payout_one_satoshi_off_in_one_cet() {
    use dlc_messages::contract_msgs::{ContractDescriptor, ContractInfo};
    let off_by_one = |offer: &mut OfferDlc| {
        let ContractInfo::SingleContractInfo(single) = &mut offer.contract_info else { unreachable!() };
        match &mut single.contract_info.contract_descriptor {
            ContractDescriptor::EnumeratedContractDescriptor(levels) => {
                levels.payouts[1].offer_payout += Amount::from_sat(1);
            }
            ContractDescriptor::NumericOutcomeContractDescriptor(numeric) => {
                let pieces = &mut numeric.payout_function.payout_function_pieces;
                pieces[2].end_point.outcome_payout += Amount::from_sat(1);
                pieces[3].end_point.outcome_payout += Amount::from_sat(1);
            }
        }
    };
    let numeric = Escrow::standard();
    let error = numeric.refused_offer(off_by_one);
    assert_eq!((error.message, &*error.field), (Message::Offer, "contract_info.payout_function"));
    let error = Escrow::of(Draft::levels()).refused_offer(off_by_one);
    assert_eq!((error.message, &*error.field), (Message::Offer, "contract_info.payouts"));

    // And an accepter who signs the CETs of such an offer, instead of the one it got.
    let offer = numeric.offer();
    let mut other: OfferDlc = read(&offer.bytes());
    off_by_one(&mut other);
    let honest: dlc_messages::AcceptDlc = read(&numeric.accept(&offer).bytes());
    let params = ddk::contract::AcceptOfferParams {
        party: ddk::contract::PartyParams {
            funding_pubkey: honest.funding_pubkey,
            funding_inputs: honest.funding_inputs.clone(),
            payout_spk: honest.payout_spk.clone(),
            payout_serial_id: Some(honest.payout_serial_id),
            change_spk: honest.change_spk.clone(),
            change_serial_id: Some(honest.change_serial_id),
        },
        min_timeout_interval: 0,
        max_timeout_interval: 365 * 86_400,
        now_unix: NOW.0,
    };
    let key = numeric.accepter.contract_key(TEMPORARY_ID);
    let accept = ddk::contract::accept_offer(&other, params, &key).unwrap().accept;
    assert_eq!(
        accept.cet_adaptor_signatures.ecdsa_adaptor_signatures.len(),
        honest.cet_adaptor_signatures.ecdsa_adaptor_signatures.len()
    );
    let error = numeric.receive_accept(&accept.encode(), &offer).unwrap_err();
    assert_eq!((error.message, &*error.field), (Message::Accept, "signatures"));
}

#[test]
fn a_signature_for_one_cet_missing_swapped_or_spare() {
    let escrow = Escrow::standard();
    type Change = fn(&mut Vec<dlc_messages::CetAdaptorSignature>);
    let changes: [Change; 4] = [
        |signatures| signatures.truncate(1),
        |signatures| signatures.swap(0, 1),
        |signatures| signatures.push(signatures[0].clone()),
        Vec::clear,
    ];
    for change in changes {
        let error = escrow
            .refused_accept(|accept| change(&mut accept.cet_adaptor_signatures.ecdsa_adaptor_signatures));
        assert_eq!((error.message, &*error.field), (Message::Accept, "signatures"), "{error}");
        let error =
            escrow.refused_sign(|sign| change(&mut sign.cet_adaptor_signatures.ecdsa_adaptor_signatures));
        assert_eq!((error.message, &*error.field), (Message::Sign, "signatures"), "{error}");
    }
}

#[test]
fn a_refund_signature_of_another_contract() {
    let escrow = Escrow::standard();
    let other = Escrow::of(Draft { price_sat: 100_001, ..Draft::default() });
    let foreign: dlc_messages::AcceptDlc = read(&other.accept(&other.offer()).bytes());
    let error = escrow.refused_accept(|accept| accept.refund_signature = foreign.refund_signature);
    assert_eq!((error.message, &*error.field), (Message::Accept, "signatures"));
    let error = escrow.refused_sign(|sign| sign.refund_signature = foreign.refund_signature);
    assert_eq!((error.message, &*error.field), (Message::Sign, "signatures"));
}

#[test]
fn another_contract_id_or_temporary_id() {
    let escrow = Escrow::standard();
    let error = escrow.refused_sign(|sign| sign.contract_id[0] ^= 1);
    assert_eq!((error.message, &*error.field), (Message::Sign, "contract_id"));
    let error = escrow.refused_accept(|accept| accept.temporary_contract_id[0] ^= 1);
    assert_eq!((error.message, &*error.field), (Message::Accept, "temporary_contract_id"));
}

/// The library also takes contracts of an older fee rule, whose funding transaction is another one.
#[test]
fn the_older_fee_rule_of_a_sole_funder() {
    let escrow = Escrow::of(Draft { bond_sat: 0, ..Draft::default() });
    let accepted = escrow.accepted();
    let older_id = {
        let mut transactions = accepted.transactions().clone();
        let vout = transactions.funding_outpoint.vout as usize;
        // Under that rule the sole funder does not pay for the other side's output: 22 bytes at 5 sat/vB.
        transactions.funding.output[vout].value -= Amount::from_sat(110);
        transactions.funding.output[1 - vout].value += Amount::from_sat(110);
        let txid = transactions.funding.compute_txid();
        let mut id = TEMPORARY_ID;
        let txid: [u8; 32] = *bitcoin::hashes::Hash::as_byte_array(&txid.to_raw_hash());
        id.iter_mut().zip(txid.iter().rev()).for_each(|(byte, txid)| *byte ^= txid);
        id[31] ^= vout as u8;
        id
    };
    let error = escrow.refused_sign(|sign| {
        sign.contract_id = older_id;
        let (offer, accept) = (read(&accepted.offer().bytes()), read(&accepted.bytes()));
        ddk::contract::create_signed_dlc_transactions(&offer, &accept, sign).expect("the library takes it");
    });
    assert_eq!((error.message, &*error.field), (Message::Sign, "contract_id"));
}
