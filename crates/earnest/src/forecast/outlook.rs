//! `earnest terms outlook`: what an agreement means for both sides, from the document alone.

use negotiation::outlook::{Facts, Outlook};
use protocol::Offer;
use terms::Agreement;

use super::args;
use super::document;
use crate::exit::Failure;
use crate::output;

/// The fee rate of a draft that names none, in sat/vB; it does not change what is paid out.
const FEE_RATE: u64 = 10;

/// What an offer means for both sides, should somebody take it as it is.
pub fn of_offer(offer: &Offer) -> Result<Outlook, Failure> {
    of(&document::of_offer(offer))
}

/// What an agreement means for both sides.
pub fn of(agreement: &Agreement) -> Result<Outlook, Failure> {
    let facts = Facts { fees: Some(document::both_fees(agreement)), ..Facts::default() };
    Outlook::of(agreement, &facts).map_err(|error| Failure::bad_input(error.into()))
}

/// `earnest terms outlook`
pub fn run(arguments: &args::Outlook, json: bool) -> Result<(), Failure> {
    let agreement = document::read(&arguments.agreement, FEE_RATE)?;
    let outlook = of(&agreement)?;
    if json {
        return output::json(&outlook);
    }
    output::line(outlook.to_string().trim_end());
    Ok(())
}
