//! What of a card is taken: who says it, when, and which offers can still be had.

use std::collections::BTreeSet;

use protocol::envelope::MAX_AHEAD_S;
use protocol::text::one_line;
use protocol::{Card, Offer};
use terms::Hex32;

use crate::candidates::Candidate;
use crate::row::Found;
use crate::search::Wanted;
use crate::told::{Provider, Refused};

/// A node signs its card anew after a minute. One that is older than this comes from somewhere else.
const MAX_AGE_S: u64 = 3_600;
/// The most characters of a note that are shown.
const MAX_NOTE_CHARS: usize = 1_000;

/// What a card comes to.
pub(crate) struct Judged {
    pub provider: Provider,
    pub offers: Vec<Found>,
    pub refused: Vec<Refused>,
}

/// Judges a card whose signature is verified.
pub(crate) fn judge(candidate: Candidate, card: &Card, wanted: &Wanted, now: u64) -> Result<Judged, Refused> {
    let refuse = |why: String| Err(Refused::new(&candidate.url, why).of_key(card.key));
    if let Some(network) = wanted.network.as_ref().filter(|network| **network != card.network) {
        return refuse(format!("trades on {}, and not on {network}", card.network));
    }
    if card.at.0 > now.saturating_add(MAX_AHEAD_S) {
        return refuse(format!("its card was made at {}, which is yet to come", card.at));
    }
    if now.saturating_sub(card.at.0) > MAX_AGE_S {
        return refuse(format!("its card is stale: it was made at {}", card.at));
    }
    let lists_it = candidate.listings.iter().any(|listing| card.follows(listing.key));
    if let (false, false, Some(listing)) = (candidate.named, lists_it, candidate.listings.first()) {
        return refuse(format!("is listed by {}, which is not the key of its card", listing.key));
    }
    let listed_by = if lists_it { candidate.listed_by } else { Vec::new() };
    let provider = provider(&candidate.url, card, listed_by);
    let (offers, refused) = take(&candidate.url, card, wanted, now);
    Ok(Judged { provider, offers, refused })
}

fn provider(url: &str, card: &Card, listed_by: Vec<String>) -> Provider {
    Provider {
        url: url.to_owned(),
        key: card.key,
        network: card.network.clone(),
        versions: card.versions.clone(),
        offers: card.offers.len(),
        note: one_line(&card.note, MAX_NOTE_CHARS),
        limits: card.limits,
        former_keys: card.successions.iter().rev().map(|succession| succession.former).collect(),
        listed_by,
    }
}

/// The offers that can be taken and are wanted; and those that can not, by name.
fn take(url: &str, card: &Card, wanted: &Wanted, now: u64) -> (Vec<Found>, Vec<Refused>) {
    let (mut offers, mut refused, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for offer in &card.offers {
        match found(url, card, offer, &mut seen, now) {
            Ok(found) if is_wanted(&found, wanted) => offers.push(found),
            Ok(_) => {}
            Err(why) => refused.push(Refused::new(url, why).of_key(card.key).of_offer(offer.id)),
        }
    }
    (offers, refused)
}

fn found(
    url: &str,
    card: &Card,
    offer: &Offer,
    seen: &mut BTreeSet<Hex32>,
    now: u64,
) -> Result<Found, String> {
    if !seen.insert(offer.id) {
        return Err("is on the card twice".to_owned());
    }
    offer.check(now).map_err(|error| error.to_string())?;
    Found::of(url, card, offer).map_err(|error| error.to_string())
}

fn is_wanted(found: &Found, wanted: &Wanted) -> bool {
    let least = found.price_range.map_or(found.price_sat, |range| range.least);
    wanted.service.as_ref().is_none_or(|service| service.eq_ignore_ascii_case(&found.service))
        && wanted.indicator.as_ref().is_none_or(|indicator| *indicator == found.indicator)
        && wanted.max_price.is_none_or(|most| least <= most)
}
