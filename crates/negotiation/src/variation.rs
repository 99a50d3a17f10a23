//! What a counter may change: price and bond, as far as the offer lets them vary, and nothing else.

use protocol::{Negotiable, Offer, SatRange};
use terms::{Agreement, CompileError, DocumentError, Hex32, Sat};

/// The terms that an offer becomes at a price and a bond.
pub fn terms(offer: &Offer, provider: Hex32, buyer: Hex32, price_sat: Sat, bond_sat: Sat) -> Agreement {
    Agreement { price_sat, bond_sat, ..offer.agreement(provider, buyer) }
}

/// Holds proposed terms to the offer, field by field, and to what it lets vary.
///
/// # Errors
/// Names the field of the agreement that must be another, or whose amount the offer does not allow, and the first
/// outcome that could not be paid.
pub fn check(
    offer: &Offer,
    provider: Hex32,
    buyer: Hex32,
    proposed: &Agreement,
) -> Result<(), DocumentError> {
    let agreed = offer.agreement(provider, buyer);
    let same = [
        ("v", proposed.v == agreed.v),
        ("network", proposed.network == agreed.network),
        ("measurement", proposed.measurement == agreed.measurement),
        ("event_id", proposed.event_id == agreed.event_id),
        ("oracles", proposed.oracles == agreed.oracles),
        ("provider", proposed.provider == agreed.provider),
        ("buyer", proposed.buyer == agreed.buyer),
        ("payout", proposed.payout == agreed.payout),
        ("funding_deadline", proposed.funding_deadline == agreed.funding_deadline),
        ("refund_delay_s", proposed.refund_delay_s == agreed.refund_delay_s),
        ("fee_rate_sat_vb", proposed.fee_rate_sat_vb == agreed.fee_rate_sat_vb),
    ];
    if let Some((field, _)) = same.into_iter().find(|(_, same)| !same) {
        return Err(DocumentError::new(
            field,
            "must be the offer's: a counter changes price_sat and bond_sat alone",
        ));
    }
    let price = offer.negotiable.and_then(|negotiable: Negotiable| negotiable.price_sat);
    let bond = offer.negotiable.and_then(|negotiable| negotiable.bond_sat);
    amount("price_sat", proposed.price_sat, agreed.price_sat, price)?;
    amount("bond_sat", proposed.bond_sat, agreed.bond_sat, bond)?;
    proposed.validate()?;
    proposed.compile().map(|_| ()).map_err(broken)
}

fn amount(field: &str, got: Sat, own: Sat, range: Option<SatRange>) -> Result<(), DocumentError> {
    match range {
        None if got == own => Ok(()),
        None => Err(DocumentError::new(field, format!("must be the offer's {own}: it does not vary"))),
        Some(range) if range.holds(got) => Ok(()),
        Some(SatRange { least, most }) => {
            Err(DocumentError::new(field, format!("must be {least} to {most}, as the offer says")))
        }
    }
}

/// Some amounts leave a share of 1 to 999 sat, which nobody could be paid.
fn broken(error: CompileError) -> DocumentError {
    match error {
        CompileError::Invalid(error) => error,
        other => DocumentError::new("payout.schedule", other.to_string()),
    }
}
