//! The offer against the deal.

use bitcoin::Amount;
use dlc_messages::OfferDlc;
use dlc_messages::lightning::util::ser::Writeable;
use terms::Sat;

use super::{inputs, party, same, same_bytes};
use crate::deal::Deal;
use crate::decode;
use crate::error::{GateError, Message, Rule};
use crate::fees::FundingNeed;
use crate::rebuild::{self, offer_shape};
use crate::roles::Role;

const OFFER: Message = Message::Offer;

/// Everything that deal and bytes alone decide.
pub(crate) fn offer_against_deal(offer: &OfferDlc, deal: &Deal) -> Result<(), GateError> {
    header(offer, deal)?;
    let collateral = deal.collateral(Role::Offerer);
    same(OFFER, "offer_collateral", &offer.offer_collateral, &Amount::from_sat(collateral.0))?;
    party::payable(OFFER, "payout_spk", &offer.payout_spk)?;
    party::payable(OFFER, "change_spk", &offer.change_spk)?;
    party::inputs_fit_collateral(OFFER, offer.funding_inputs.len(), collateral)?;
    let decoded = inputs::well_formed(OFFER, &offer.funding_inputs)?;
    let serials = decoded.iter().map(|input| input.serial_id).collect();
    party::unique(OFFER, "funding_inputs.input_serial_id", serials)?;
    party::unique(OFFER, "change_serial_id", vec![offer.change_serial_id, offer.fund_output_serial_id])?;
    covers(OFFER, decode::sum(OFFER, &decoded)?, offer_need(offer, deal))
}

/// Flags, chain, locktimes and fee rate: each has one agreed value.
fn header(offer: &OfferDlc, deal: &Deal) -> Result<(), GateError> {
    same(OFFER, "protocol_version", &offer.protocol_version, &ddk::contract::PROTOCOL_VERSION)?;
    // The only flag there is gives the whole refund to the accepter.
    same(OFFER, "contract_flags", &offer.contract_flags, &0)?;
    let chain = ddk::contract::chain_hash_from_network(deal.network());
    same_bytes(OFFER, "chain_hash", &offer.chain_hash, &chain)?;
    if offer.contract_info.encode() != deal.info_bytes() {
        return Err(GateError::new(OFFER, "contract_info", Rule::NotCanonical));
    }
    same(OFFER, "fee_rate_per_vb", &offer.fee_rate_per_vb, &deal.agreement().fee_rate_sat_vb)?;
    same(OFFER, "cet_locktime", &offer.cet_locktime, &deal.cet_locktime())?;
    same(OFFER, "refund_locktime", &offer.refund_locktime, &deal.refund_locktime())?;
    if !offer.tlvs.is_empty() {
        return Err(GateError::new(OFFER, "tlvs", Rule::TrailingBytes { bytes: offer.tlvs.encode().len() }));
    }
    Ok(())
}

/// An offerer never funds alone, so its fees do not depend on the accepter's script.
fn offer_need(offer: &OfferDlc, deal: &Deal) -> FundingNeed {
    rebuild::need(deal, Role::Offerer, offer_shape(offer), &offer.payout_spk)
}

/// The inputs must hold collateral and fees.
pub(super) fn covers(message: Message, have: u64, need: FundingNeed) -> Result<(), GateError> {
    let Sat(need) = need.total();
    if have >= need {
        return Ok(());
    }
    Err(GateError::new(message, "funding_inputs", Rule::InsufficientInputs { have, need }))
}
