//! `earnest terms outlook`: what an agreement means for both sides, from the document alone.

use negotiation::outlook::{Facts, Outlook};

use super::args;
use super::document;
use crate::exit::Failure;
use crate::output;

/// The fee rate of a draft that names none, in sat/vB; it does not change what is paid out.
const FEE_RATE: u64 = 10;

/// `earnest terms outlook`
pub fn run(arguments: &args::Outlook, json: bool) -> Result<(), Failure> {
    let agreement = document::read(&arguments.agreement, FEE_RATE)?;
    let facts = Facts { fees: Some(document::both_fees(&agreement)), ..Facts::default() };
    let outlook = Outlook::of(&agreement, &facts).map_err(|error| Failure::bad_input(error.into()))?;
    if json {
        return output::json(&outlook);
    }
    output::line(outlook.to_string().trim_end());
    Ok(())
}
