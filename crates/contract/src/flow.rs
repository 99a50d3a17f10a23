//! The own side's steps. Each gives a checked type, so that an own message is held to the peer's rules.
//!
//! ```text
//! offerer                              accepter
//! create_offer          ── offer ──▶   gate::offer
//! gate::accept         ◀── accept ──   accept_offer
//! funding_psbt, wallet
//! sign_accept           ── sign ──▶    gate::sign
//!                                      funding_psbt, wallet
//!                                      finalize ──▶ broadcast
//! ```
//!
//! Signing and verifying cost a core some milliseconds for each signature; call these where blocking is allowed.

use bitcoin::psbt::Psbt;
use bitcoin::{Amount, ScriptBuf, Transaction, TxOut};
use ddk::contract::{AcceptOfferParams, CreateOfferParams, PartyParams, chain_hash_from_network};
use dlc::TxInputInfo;
use dlc_messages::{AcceptDlc, CetAdaptorSignatures, FundingInput};
use secp256k1_zkp::ecdsa::Signature;
use secp256k1_zkp::{SECP256K1, SecretKey};

use crate::coins::{FundingCoin, PartyFunding};
use crate::contract::CheckedContract;
use crate::deal::Deal;
use crate::decode;
use crate::error::{GateError, Message, Rule};
use crate::gate;
use crate::messages::{CheckedAccept, CheckedOffer};
use crate::rebuild;
use crate::roles::Role;

/// What own P2WPKH inputs declare: a signature whose R may be high.
const P2WPKH_WITNESS_LEN: u16 = 108;

/// What own P2TR inputs declare: one signature with its sighash byte.
const P2TR_WITNESS_LEN: u16 = 67;

/// Makes an offer of the deal.
///
/// # Errors
/// Names what is wrong with the own side's coins, scripts or serial ids.
pub fn create_offer(
    deal: &Deal,
    own: PartyFunding,
    temporary_id: [u8; 32],
    fund_output_serial_id: u64,
) -> Result<CheckedOffer, GateError> {
    let params = CreateOfferParams {
        chain_hash: chain_hash_from_network(deal.network()),
        temporary_contract_id: Some(temporary_id),
        contract_info: deal.contract_info().clone(),
        offer_collateral: Amount::from_sat(deal.collateral(Role::Offerer).0),
        party: party_params(own)?,
        fund_output_serial_id: Some(fund_output_serial_id),
        fee_rate_per_vb: deal.agreement().fee_rate_sat_vb,
        cet_locktime: Some(deal.cet_locktime()),
        refund_locktime: deal.refund_locktime(),
        contract_flags: 0,
    };
    let wire = ddk::contract::create_offer(params).map_err(library("offer"))?;
    gate::offer_against_deal(&wire, deal)?;
    Ok(CheckedOffer { deal: deal.clone(), wire })
}

/// Accepts an offer: signs every CET and the refund, after every transaction was rebuilt and compared.
///
/// # Errors
/// Names what is wrong with the own side's coins, scripts, serial ids or key.
pub fn accept_offer(
    offer: &CheckedOffer,
    own: PartyFunding,
    funding_key: &SecretKey,
    now: terms::UnixSeconds,
) -> Result<CheckedAccept, GateError> {
    offer.deal.before_funding_deadline(Message::Accept, now)?;
    let party = party_params(own)?;
    // The library signs as soon as it is called, so the rules come first, on the message without its signatures.
    let unsigned = unsigned_accept(offer, &party, funding_key)?;
    gate::accept_against_offer(&unsigned, offer)?;
    rebuild::transactions(&offer.deal, &offer.wire, &unsigned)?;
    let closest = offer.wire.contract_info.get_closest_maturity_date();
    let params = AcceptOfferParams {
        party,
        min_timeout_interval: 0,
        max_timeout_interval: offer.wire.refund_locktime.saturating_sub(closest),
        now_unix: now.0,
    };
    let accepted =
        ddk::contract::accept_offer(&offer.wire, params, funding_key).map_err(library("accept"))?;
    CheckedAccept::check(accepted.accept, offer)
}

/// Signs: every CET and the refund, and the own funding inputs' witnesses out of the own wallet's PSBT.
///
/// # Errors
/// Names what is wrong with the PSBT or the key.
pub fn sign_accept(
    accepted: &CheckedAccept,
    funding_key: &SecretKey,
    signed_psbt: &Psbt,
) -> Result<CheckedContract, GateError> {
    check_psbt(accepted, signed_psbt)?;
    let signed = ddk::contract::sign_accept(&accepted.offer.wire, &accepted.wire, funding_key, signed_psbt)
        .map_err(library("sign"))?;
    CheckedContract::check(signed.sign, accepted)
}

/// Completes the funding transaction: the offerer's witnesses out of the sign message, the accepter's own out of
/// its wallet's PSBT, each verified. Store it before broadcasting it.
///
/// # Errors
/// Names what is wrong with the PSBT or one of its witnesses.
pub fn finalize(contract: &CheckedContract, signed_psbt: &Psbt) -> Result<Transaction, GateError> {
    let accepted = &contract.accepted;
    check_psbt(accepted, signed_psbt)?;
    let funding =
        ddk::contract::finalize_sign(&accepted.offer.wire, &accepted.wire, &contract.sign, signed_psbt)
            .map_err(library("funding"))?;
    verify_witnesses(accepted, &funding)?;
    Ok(funding)
}

fn library(field: &'static str) -> impl Fn(ddk::contract::ContractError) -> GateError {
    move |error| GateError::new(Message::Own, field, Rule::Library { reason: error.to_string() })
}

/// The PSBT of this very funding transaction.
fn check_psbt(accepted: &CheckedAccept, psbt: &Psbt) -> Result<(), GateError> {
    let inputs = accepted.transactions.funding.input.len();
    if psbt.unsigned_tx != accepted.transactions.funding || psbt.inputs.len() != inputs {
        return Err(GateError::new(Message::Own, "funding_psbt", Rule::TransactionDiffers));
    }
    Ok(())
}

/// Every witness of the completed transaction: a broken own one would otherwise be found by the network only.
fn verify_witnesses(accepted: &CheckedAccept, funding: &Transaction) -> Result<(), GateError> {
    let inputs = decode::ordered(&accepted.offer.wire, &accepted.wire)?;
    let prevouts: Vec<TxOut> = inputs.iter().map(|input| input.prevout.clone()).collect();
    for (index, (input, tx_in)) in inputs.iter().zip(&funding.input).enumerate() {
        let info = TxInputInfo {
            outpoint: input.outpoint,
            max_witness_len: usize::from(*crate::limits::P2WPKH_WITNESS_LEN.end()),
            redeem_script: ScriptBuf::new(),
            serial_id: input.serial_id,
        };
        dlc::verify_funding_witness(SECP256K1, funding, index, &info, &prevouts, &tx_in.witness)
            .map_err(|_| GateError::new(Message::Own, format!("funding.input[{index}]"), Rule::BadWitness))?;
    }
    Ok(())
}

fn party_params(own: PartyFunding) -> Result<PartyParams, GateError> {
    let funding_inputs = own
        .inputs
        .iter()
        .enumerate()
        .map(|(index, coin)| funding_input(index, coin))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(PartyParams {
        funding_pubkey: own.funding_pubkey,
        funding_inputs,
        payout_spk: own.payout_spk,
        payout_serial_id: Some(own.payout_serial_id),
        change_spk: own.change_spk,
        change_serial_id: Some(own.change_serial_id),
    })
}

fn funding_input(index: usize, coin: &FundingCoin) -> Result<FundingInput, GateError> {
    let outputs = coin.prev_tx.output.len();
    let prevout = coin.prev_tx.output.get(coin.vout as usize).ok_or_else(|| {
        let rule = Rule::NoSuchOutput { vout: coin.vout, outputs };
        GateError::new(Message::Own, format!("funding_inputs[{index}]"), rule)
    })?;
    let max_witness_len = if prevout.script_pubkey.is_p2tr() { P2TR_WITNESS_LEN } else { P2WPKH_WITNESS_LEN };
    Ok(FundingInput {
        input_serial_id: coin.serial_id,
        prev_tx: bitcoin::consensus::serialize(&coin.prev_tx),
        prev_tx_vout: coin.vout,
        sequence: u32::MAX,
        max_witness_len,
        redeem_script: ScriptBuf::new(),
        dlc_input: None,
    })
}

/// The accept as it will be, without signatures; only for comparing what it implies.
fn unsigned_accept(
    offer: &CheckedOffer,
    party: &PartyParams,
    funding_key: &SecretKey,
) -> Result<AcceptDlc, GateError> {
    if funding_key.public_key(SECP256K1) != party.funding_pubkey {
        let expected = party.funding_pubkey.to_string();
        let got = funding_key.public_key(SECP256K1).to_string();
        return Err(GateError::new(Message::Own, "funding_key", Rule::Differs { expected, got }));
    }
    let refund_signature = Signature::from_compact(&[0; 64])
        .map_err(|_| GateError::new(Message::Own, "refund_signature", Rule::Unreadable))?;
    Ok(AcceptDlc {
        protocol_version: ddk::contract::PROTOCOL_VERSION,
        temporary_contract_id: offer.wire.temporary_contract_id,
        accept_collateral: Amount::from_sat(offer.deal.collateral(Role::Accepter).0),
        funding_pubkey: party.funding_pubkey,
        payout_spk: party.payout_spk.clone(),
        payout_serial_id: party.payout_serial_id.unwrap_or_default(),
        funding_inputs: party.funding_inputs.clone(),
        change_spk: party.change_spk.clone(),
        change_serial_id: party.change_serial_id.unwrap_or_default(),
        cet_adaptor_signatures: CetAdaptorSignatures { ecdsa_adaptor_signatures: Vec::new() },
        refund_signature,
        negotiation_fields: None,
        tlvs: Default::default(),
    })
}
