//! The accept against the offer it answers.

use bitcoin::Amount;
use ddk::contract::{Party, advanced};
use dlc_messages::AcceptDlc;
use dlc_messages::lightning::util::ser::Writeable;

use super::offer::covers;
use super::{inputs, party, same, same_bytes};
use crate::decode;
use crate::error::{GateError, Message, Rule};
use crate::messages::CheckedOffer;
use crate::rebuild::{self, accept_shape, funding_script};
use crate::roles::Role;

const ACCEPT: Message = Message::Accept;

/// Everything that offer, deal and bytes alone decide, before any transaction is built.
pub(crate) fn accept_against_offer(accept: &AcceptDlc, offer: &CheckedOffer) -> Result<(), GateError> {
    header(accept, offer)?;
    let deal = &offer.deal;
    let collateral = deal.collateral(Role::Accepter);
    same(ACCEPT, "accept_collateral", &accept.accept_collateral, &Amount::from_sat(collateral.0))?;
    party::payable(ACCEPT, "payout_spk", &accept.payout_spk)?;
    party::payable(ACCEPT, "change_spk", &accept.change_spk)?;
    keys_and_scripts(accept, offer)?;
    party::inputs_fit_collateral(ACCEPT, accept.funding_inputs.len(), collateral)?;
    let decoded = inputs::well_formed(ACCEPT, &accept.funding_inputs)?;
    inputs::distinct(ACCEPT, offer.inputs()?.into_iter().chain(decoded.iter().map(|input| input.outpoint)))?;
    serials(accept, offer)?;
    let need = rebuild::need(deal, Role::Accepter, accept_shape(accept), &offer.wire.payout_spk);
    covers(ACCEPT, decode::sum(ACCEPT, &decoded)?, need)
}

fn header(accept: &AcceptDlc, offer: &CheckedOffer) -> Result<(), GateError> {
    same(ACCEPT, "protocol_version", &accept.protocol_version, &offer.wire.protocol_version)?;
    same_bytes(
        ACCEPT,
        "temporary_contract_id",
        &accept.temporary_contract_id,
        &offer.wire.temporary_contract_id,
    )?;
    if accept.negotiation_fields.is_some() {
        return Err(GateError::new(ACCEPT, "negotiation_fields", Rule::Unsupported));
    }
    if !accept.tlvs.is_empty() {
        return Err(GateError::new(
            ACCEPT,
            "tlvs",
            Rule::TrailingBytes { bytes: accept.tlvs.encode().len() },
        ));
    }
    Ok(())
}

/// Two keys, and nobody is paid into the contract's own 2-of-2.
fn keys_and_scripts(accept: &AcceptDlc, offer: &CheckedOffer) -> Result<(), GateError> {
    if accept.funding_pubkey == offer.wire.funding_pubkey {
        return Err(GateError::new(ACCEPT, "funding_pubkey", Rule::SameFundingKey));
    }
    let script = funding_script(&accept.funding_pubkey, &offer.wire.funding_pubkey);
    party::not_funding_script(ACCEPT, [&accept.payout_spk, &accept.change_spk], &script)?;
    party::not_funding_script(Message::Offer, [&offer.wire.payout_spk, &offer.wire.change_spk], &script)
}

fn serials(accept: &AcceptDlc, offer: &CheckedOffer) -> Result<(), GateError> {
    let inputs = offer.wire.funding_inputs.iter().chain(&accept.funding_inputs);
    party::unique(
        ACCEPT,
        "funding_inputs.input_serial_id",
        inputs.map(|input| input.input_serial_id).collect(),
    )?;
    let outputs =
        vec![offer.wire.fund_output_serial_id, offer.wire.change_serial_id, accept.change_serial_id];
    party::unique(ACCEPT, "change_serial_id", outputs)?;
    party::unique(ACCEPT, "payout_serial_id", vec![offer.wire.payout_serial_id, accept.payout_serial_id])
}

/// Every adaptor signature and the refund signature of the accepter, none missing, none too many.
pub(crate) fn accept_signatures(accept: &AcceptDlc, offer: &CheckedOffer) -> Result<(), GateError> {
    advanced::verify_cet_adaptor_signatures(
        &offer.wire,
        accept,
        Party::Accept,
        &accept.refund_signature,
        &accept.cet_adaptor_signatures,
    )
    .map_err(|error| GateError::new(ACCEPT, "signatures", Rule::Library { reason: error.to_string() }))
}
