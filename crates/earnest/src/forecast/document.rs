//! The document that is looked at: an agreement, an offer, or the draft of one.

use std::path::Path;

use anyhow::Context as _;
use negotiation::outlook::Fees;
use protocol::{Offer, OfferDraft};
use serde_json::Value;
use terms::{Agreement, Hex32, Sat, Side, canonical};

use crate::exit::Failure;

/// An offer has no parties yet; for what it pays, any two will do.
const PROVIDER: Hex32 = Hex32([1; 32]);
const BUYER: Hex32 = Hex32([2; 32]);

/// The network of a draft, which has none.
const NETWORK: &str = "regtest";

/// The witness of an input and the length of a script, both of P2WPKH.
const WITNESS: [u16; 1] = [108];
const SCRIPT: usize = 22;

/// Reads a document, checked, as the agreement that it is or may become. A draft without a fee rate gets this one.
pub fn read(path: &Path, fee_rate_sat_vb: u64) -> Result<Agreement, Failure> {
    let bytes =
        std::fs::read(path).with_context(|| path.display().to_string()).map_err(Failure::bad_input)?;
    let fields: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let offer = if fields.get("provider").is_some() || fields.get("event_id").is_some() {
        return Ok(Agreement::parse(&bytes)?);
    } else if fields.get("id").is_some() {
        let offer: Offer = canonical::parse(&bytes)?;
        offer.check_shape().map_err(|error| Failure::bad_input(error.into()))?;
        offer
    } else {
        let draft: OfferDraft = canonical::parse(&bytes)?;
        draft.publish(NETWORK, fee_rate_sat_vb)
    };
    let agreement = of_offer(&offer);
    agreement.validate()?;
    Ok(agreement)
}

/// The agreement that an offer becomes, between two parties that stand for any.
pub fn of_offer(offer: &Offer) -> Agreement {
    offer.agreement(PROVIDER, BUYER)
}

/// What a side pays in fees when it funds with one input.
pub fn fees(agreement: &Agreement, side: Side) -> Sat {
    let need = contract::funding_need(agreement, side, &WITNESS, SCRIPT, SCRIPT, SCRIPT);
    Sat(need.funding_fee.0.saturating_add(need.cet_fee.0))
}

/// What both sides pay.
pub fn both_fees(agreement: &Agreement) -> Fees {
    Fees { provider_sat: fees(agreement, Side::Provider), buyer_sat: fees(agreement, Side::Buyer) }
}
