//! A peer's funding inputs: one test for each coin that must not come in, named after the trap.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut};
use common::party::{pays, unspent};
use common::{Escrow, NOW, Party, TEMPORARY_ID, read};
use contract::{CoinReport, CoinState, ForeignCoins, GateError, Message, Rule, gate};
use dlc_messages::{DlcInput, FundingInput, OfferDlc};

fn coin(input: &FundingInput) -> (OutPoint, TxOut) {
    let transaction: Transaction = bitcoin::consensus::deserialize(&input.prev_tx).unwrap();
    let output = transaction.output[input.prev_tx_vout as usize].clone();
    (OutPoint { txid: transaction.compute_txid(), vout: input.prev_tx_vout }, output)
}

fn spending(transaction: &Transaction, like: &FundingInput, serial: u64) -> FundingInput {
    let prev_tx = bitcoin::consensus::serialize(transaction);
    FundingInput { prev_tx, input_serial_id: serial, ..like.clone() }
}

fn is(error: &GateError, message: Message, field: &str, rule: &Rule) {
    assert_eq!((error.message, &*error.field, &error.rule), (message, field, rule));
}

/// What the accepter's gate says when its node reports the offerer's first coin so.
fn with_report(report: impl FnOnce(OutPoint, TxOut) -> CoinReport) -> GateError {
    let escrow = Escrow::standard();
    let bytes = escrow.offer().bytes();
    let (outpoint, output) = coin(&read::<OfferDlc>(&bytes).funding_inputs[0]);
    let mut coins = ForeignCoins::new();
    coins.insert(outpoint, report(outpoint, output));
    gate::offer(&bytes, &escrow.deal, &coins, NOW).expect_err("the coin must be refused")
}

#[test]
fn own_coin_claimed_by_the_peer() {
    let error = with_report(|_, output| CoinReport { ours: true, state: unspent(&output, 6) });
    assert_eq!(&*error.field, "funding_inputs[0].prev_tx");
    assert!(matches!(error.rule, Rule::OwnCoin { .. }));
}

#[test]
fn dlc_input_splices_are_refused() {
    let escrow = Escrow::standard();
    let key = escrow.offerer.contract_keys().public(TEMPORARY_ID).unwrap();
    let splice = DlcInput { local_fund_pubkey: key, remote_fund_pubkey: key, contract_id: [7; 32] };
    let error = escrow.refused_offer(|offer| offer.funding_inputs[0].dlc_input = Some(splice.clone()));
    is(&error, Message::Offer, "funding_inputs[0].dlc_input", &Rule::Splice);
    let error = escrow.refused_accept(|accept| accept.funding_inputs[0].dlc_input = Some(splice));
    is(&error, Message::Accept, "funding_inputs[0].dlc_input", &Rule::Splice);
}

#[test]
fn inputs_that_do_not_cover_collateral_and_fees() {
    let escrow = Escrow::standard();
    let coin = pays(&escrow.offerer.wallet_script(), 100_000 + 630 + 424, 3, 3);
    let error = escrow
        .refused_offer(|offer| offer.funding_inputs = vec![spending(&coin, &offer.funding_inputs[0], 5)]);
    is(&error, Message::Offer, "funding_inputs", &Rule::InsufficientInputs { have: 101_054, need: 101_055 });
}

/// Change below 1,000 sat goes to fees; it is the side's own, and the other side's payout does not move.
#[test]
fn burnt_change_is_the_funders_own_loss() {
    let mut escrow = Escrow::standard();
    escrow.offerer = Party::with_coins(1, &[100_000 + 630 + 425 + 999]);
    let (contract, funding) = escrow.signed();
    assert_eq!(funding.output.len(), 2, "funding output and the accepter's change");
    let outputs: u64 = funding.output.iter().map(|output| output.value.to_sat()).sum();
    assert_eq!(102_054 + 90_000 - outputs, 2 * 630 + 999);
    assert_eq!(contract.transactions().funding_value.0, 140_000 + 2 * 425);
}

#[test]
fn legacy_input() {
    let escrow = Escrow::standard();
    let legacy =
        ScriptBuf::new_p2pkh(&bitcoin::PubkeyHash::from_raw_hash(bitcoin::hashes::Hash::all_zeros()));
    let wrapped =
        ScriptBuf::new_p2sh(&bitcoin::ScriptHash::from_raw_hash(bitcoin::hashes::Hash::all_zeros()));
    let script_path = escrow.offerer.payout_script().to_p2wsh();
    for script in [legacy, wrapped, script_path] {
        let coin = pays(&script, 200_000, 9, 9);
        let error = escrow
            .refused_offer(|offer| offer.funding_inputs[0] = spending(&coin, &offer.funding_inputs[0], 5));
        assert_eq!(&*error.field, "funding_inputs[0].prev_tx");
        assert!(matches!(error.rule, Rule::LegacyInput { .. }), "{error}");
    }
}

#[test]
fn redeem_script_of_a_wrapped_input() {
    let error = Escrow::standard().refused_accept(|accept| {
        accept.funding_inputs[0].redeem_script = accept.payout_spk.clone();
    });
    is(&error, Message::Accept, "funding_inputs[0].redeem_script", &Rule::RedeemScript);
}

#[test]
fn unconfirmed_input() {
    let error = with_report(|_, output| CoinReport { ours: false, state: unspent(&output, 0) });
    assert!(matches!(error.rule, Rule::UnconfirmedCoin { .. }));
}

#[test]
fn immature_input() {
    let error = with_report(|_, output| {
        let CoinState::Unspent { value, script, .. } = unspent(&output, 1) else { unreachable!() };
        let state = CoinState::Unspent { value, script, confirmations: 99, coinbase: true };
        CoinReport { ours: false, state }
    });
    assert!(matches!(error.rule, Rule::ImmatureCoin { confirmations: 99, .. }));
}

#[test]
fn a_coin_that_does_not_exist() {
    let error = with_report(|_, _| CoinReport { ours: false, state: CoinState::Unknown });
    assert!(matches!(error.rule, Rule::UnknownCoin { .. }));
    let escrow = Escrow::standard();
    let error = gate::offer(&escrow.offer().bytes(), &escrow.deal, &ForeignCoins::new(), NOW)
        .expect_err("nobody asked");
    assert!(matches!(error.rule, Rule::UnknownCoin { .. }));
}

#[test]
fn spent_input() {
    let error = with_report(|_, _| CoinReport { ours: false, state: CoinState::Spent });
    assert!(matches!(error.rule, Rule::SpentCoin { .. }));
}

#[test]
fn a_coin_whose_value_is_another_on_our_chain() {
    let error = with_report(|_, output| {
        let less = TxOut { value: Amount::from_sat(output.value.to_sat() - 1), ..output };
        CoinReport { ours: false, state: unspent(&less, 6) }
    });
    assert!(matches!(error.rule, Rule::CoinDiffers { .. }));
}

#[test]
fn same_coin_twice() {
    let escrow = Escrow::standard();
    let error = escrow.refused_offer(|offer| {
        let again = FundingInput { input_serial_id: 5, ..offer.funding_inputs[0].clone() };
        offer.funding_inputs.push(again);
    });
    assert!(matches!(error.rule, Rule::SameCoinTwice { .. }), "{error}");
    let offered = read::<OfferDlc>(&escrow.offer().bytes()).funding_inputs[0].clone();
    let error = escrow.refused_accept(|accept| {
        accept.funding_inputs[0] = FundingInput { input_serial_id: 5, ..offered };
    });
    assert!(matches!(error.rule, Rule::SameCoinTwice { .. }), "{error}");
}

#[test]
fn witness_length_that_underpays_the_funding_transaction() {
    for length in [0, 106, 111, u16::MAX] {
        let error =
            Escrow::standard().refused_accept(|accept| accept.funding_inputs[0].max_witness_len = length);
        assert_eq!(&*error.field, "funding_inputs[0].max_witness_len");
    }
}

#[test]
fn a_sequence_that_would_be_ignored() {
    let error = Escrow::standard().refused_offer(|offer| offer.funding_inputs[0].sequence = 0xffff_fffd);
    assert_eq!(&*error.field, "funding_inputs[0].sequence");
}
