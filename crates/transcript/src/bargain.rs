//! What was negotiated: whose turn it was, what varied, and which terms both took.

use negotiation::session::{Negotiation, Proposal, Stage};
use negotiation::variation;
use protocol::{Body, Envelope, Offer};
use terms::{Agreement, Hex32};

use crate::fault::Fault;

/// The outcome of a negotiation.
pub(crate) struct Bargain {
    /// The terms that both took; none where they did not.
    pub agreement: Option<Agreement>,
    /// The place of the accept that made them binding, from 0.
    pub agreed_at: usize,
    /// The offer's id, as the first envelope names it.
    pub offer_id: Option<Hex32>,
    /// How many counters both sides made.
    pub counters: usize,
}

/// Holds the envelopes to the rules of a negotiation, and their terms to the offer.
pub(crate) fn of(envelopes: &[Envelope], offer: Option<&Offer>) -> Result<Bargain, Fault> {
    let counters = envelopes.iter().filter(|said| matches!(said.body(), Body::Counter { .. })).count();
    let offer_id = match envelopes.first().map(Envelope::body) {
        Some(Body::Rfq { offer_id }) => Some(*offer_id),
        _ => None,
    };
    check_offer(offer, offer_id, counters)?;
    let rounds = match (offer.and_then(|offer| offer.negotiable), envelopes.first()) {
        (Some(negotiable), Some(first)) if first.v() > 1 => negotiable.rounds,
        _ => 0,
    };
    let negotiation = Negotiation::of(envelopes, rounds)
        .map_err(|error| Fault::at(format!("envelopes[{}].body", error.at()), error))?;
    check_terms(envelopes, offer)?;
    let agreed = match negotiation.stage() {
        Stage::Agreed(proposal) => Some(proposal),
        _ => None,
    };
    let accept = |envelope: &Envelope| matches!(envelope.body(), Body::Accept { .. });
    let buyer = envelopes.first().map(Envelope::from);
    let agreed_at = envelopes.iter().position(|said| accept(said) && Some(said.from()) == buyer);
    let agreement = agreed.and_then(|proposal| terms_of(envelopes, proposal));
    Ok(Bargain { agreement, agreed_at: agreed_at.unwrap_or(0), offer_id, counters })
}

fn check_offer(offer: Option<&Offer>, asked: Option<Hex32>, counters: usize) -> Result<(), Fault> {
    let Some(offer) = offer else {
        let needed = counters > 0;
        let fault =
            Fault::at("offer", "must be there: terms were negotiated, and the offer says what may vary");
        return if needed { Err(fault) } else { Ok(()) };
    };
    offer.check_shape().map_err(|error| Fault::at(format!("offer.{}", error.field()), error))?;
    if asked == Some(offer.id) {
        return Ok(());
    }
    Err(Fault::at("offer.id", "is not the offer that the first envelope asks about"))
}

/// Quotes are the offer, counters vary it as it allows, and all of them are between the two who speak.
fn check_terms(envelopes: &[Envelope], offer: Option<&Offer>) -> Result<(), Fault> {
    let Some(first) = envelopes.first() else { return Ok(()) };
    let (buyer, provider) = (first.from(), first.to());
    for (at, envelope) in envelopes.iter().enumerate() {
        let (Body::Quote { agreement } | Body::Counter { agreement }) = envelope.body() else { continue };
        let place = |field: &str| format!("envelopes[{at}].body.agreement.{field}");
        if agreement.provider.key != provider {
            return Err(Fault::at(place("provider.key"), "must be the key that speaks as the provider"));
        }
        if agreement.buyer.key != buyer {
            return Err(Fault::at(place("buyer.key"), "must be the key that speaks as the buyer"));
        }
        let Some(offer) = offer else { continue };
        variation::check(offer, provider, buyer, agreement)
            .map_err(|error| Fault::at(place(&error.field), error.rule))?;
        let is_quote = matches!(envelope.body(), Body::Quote { .. });
        if is_quote && **agreement != offer.agreement(provider, buyer) {
            return Err(Fault::at(place("price_sat"), "must be the offer's in a quote"));
        }
    }
    Ok(())
}

fn terms_of(envelopes: &[Envelope], proposal: Proposal) -> Option<Agreement> {
    let at = usize::try_from(proposal.seq).ok()?.checked_sub(1)?;
    match envelopes.get(at)?.body() {
        Body::Quote { agreement } | Body::Counter { agreement } => Some((**agreement).clone()),
        _ => None,
    }
}
