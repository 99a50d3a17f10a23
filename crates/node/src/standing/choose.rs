//! Which of several providers' offers a standing order takes.

use std::cmp::Reverse;
use std::sync::Arc;

use client::ClientError;
use negotiation::standing::{Unlike, Wanted};
use protocol::owner::Hindrance;
use protocol::{Card, Offer};
use terms::Sat;

use super::order::{Next, Order};

/// So often one offer is tried for one window.
const MOST_TRIES: usize = 2;

/// What a provider's card said, or why there is none.
pub(super) type Seen = (String, Result<Card, ClientError>);

/// An offer to take.
#[derive(Debug)]
pub(super) struct Choice {
    /// The provider's address.
    pub url: String,
    /// Its card, which the offers on it share.
    pub card: Arc<Card>,
    /// The offer on it.
    pub offer: Offer,
}

/// What was found that will not do: the reason that is nearest to buying is told.
#[derive(Debug, Default)]
struct Found {
    silent: Option<String>,
    unlike: Option<&'static str>,
    dear: Option<Sat>,
    tried: bool,
}

/// The best offer about the window that an order is about: the earliest, then one that was not tried, then the lowest
/// price, the largest bond, and the provider that the owner named first.
///
/// # Errors
/// Why there is none.
pub(super) fn choose(
    order: &Order,
    next: Next,
    seen: Vec<Seen>,
    now: u64,
) -> Result<Choice, (Hindrance, String)> {
    let (mut found, mut candidates) = (Found::default(), Vec::new());
    for (place, (url, card)) in seen.into_iter().enumerate() {
        let card = match card {
            Ok(card) => Arc::new(card),
            Err(error) => {
                found.silent.get_or_insert(format!("{url}: {error}"));
                continue;
            }
        };
        let fits = card.offers.iter().filter(|offer| is_about(order, next, offer, now));
        let fits: Vec<Offer> = fits.filter(|offer| found.takes(order, next, offer)).cloned().collect();
        candidates.extend(
            fits.into_iter()
                .map(|offer| (place, Choice { url: url.clone(), card: Arc::clone(&card), offer })),
        );
    }
    candidates.sort_by_key(|(place, choice)| {
        let offer = &choice.offer;
        let start = offer.measurement.window.start;
        (start, times(order, start.0, offer), offer.price_sat, Reverse(offer.bond_sat), *place)
    });
    // The dear check, which compiles the schedule, last.
    let best =
        candidates.into_iter().map(|(_, choice)| choice).find(|choice| choice.offer.check(now).is_ok());
    best.ok_or_else(|| found.why(order))
}

/// Whether an offer is about the window that comes next, and in time.
fn is_about(order: &Order, next: Next, offer: &Offer, now: u64) -> bool {
    let (request, start) = (&order.given.request, offer.measurement.window.start.0);
    let follows = if next.exact { start == next.start } else { start >= next.start };
    let in_time = start > now && start.saturating_sub(request.lead_s) <= now;
    follows && in_time && request.until.is_none_or(|until| start < until.0)
}

fn times(order: &Order, start: u64, offer: &Offer) -> usize {
    order.window(start).map_or(0, |window| window.times(offer.id))
}

impl Found {
    /// Whether an offer is what the order buys again; why not is remembered.
    fn takes(&mut self, order: &Order, next: Next, offer: &Offer) -> bool {
        let request = &order.given.request;
        let wanted = Wanted {
            like: &order.given.like,
            max_price: request.max_price_sat,
            haggles: request.haggle.is_some(),
            max_excluded: request.max_excluded_ppm,
        };
        match wanted.check(offer) {
            Ok(()) if times(order, next.start, offer) < MOST_TRIES => return true,
            Ok(()) => self.tried = true,
            Err(Unlike::Field(field)) => self.unlike = Some(field),
            Err(Unlike::TooDear { least, .. }) => {
                self.dear = Some(self.dear.map_or(least, |dear| dear.min(least)));
            }
        }
        false
    }

    fn why(self, order: &Order) -> (Hindrance, String) {
        if self.tried {
            return (Hindrance::Refused, "each offer was asked for twice, and came to nothing".to_owned());
        }
        if let Some(dear) = self.dear {
            let max = order.given.request.max_price_sat;
            return (
                Hindrance::TooDear,
                format!("the cheapest offer costs {dear} sat, and {max} is allowed"),
            );
        }
        if let Some(field) = self.unlike {
            let detail = format!("{field} of the next window's offer differs from what was bought before");
            return (Hindrance::OtherTerms, detail);
        }
        match self.silent {
            Some(detail) => (Hindrance::Silent, detail),
            None => (Hindrance::NoOffer, "no provider offers the window that follows".to_owned()),
        }
    }
}
