//! A buyer's plan: from its opening up to the most that it pays.

use protocol::{BuyerStrategy, Offer};
use terms::Sat;

use super::{Answer, prices, rounds};

/// What a buyer answers to a quote and to counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuyerPlan {
    /// One for each counter.
    prices: Vec<u64>,
    maximum: Sat,
    bond_sat: Sat,
}

impl BuyerPlan {
    /// The plan of a strategy for an offer; without counters where the offer's price does not vary, `rounds_allowed` is
    /// 0, or the strategy pays less than may be proposed.
    pub fn new(strategy: &BuyerStrategy, offer: &Offer, rounds_allowed: u64, seed: &[u8; 32]) -> Self {
        let range = offer.negotiable.and_then(|negotiable| negotiable.price_sat);
        let counters = rounds(strategy.rounds, offer.negotiable.as_ref()).min(rounds_allowed);
        let (maximum, bond_sat) = (strategy.maximum_sat, offer.bond_sat);
        let prices = match range {
            Some(range) if counters > 0 && maximum >= range.least => {
                let last = range.nearest(maximum).0;
                let first = range.nearest(strategy.opening_sat.unwrap_or(range.least)).0.min(last);
                prices(first, last, strategy.concession, counters - 1, seed)
            }
            _ => Vec::new(),
        };
        Self { prices, maximum, bond_sat }
    }

    /// What to answer to a proposal after so many own counters. A bond below the offer's is no good, and terms that
    /// cannot be taken for another reason (`takeable` false) are countered like a price that is too high.
    pub fn answer(&self, price: Sat, bond: Sat, takeable: bool, counters: u64) -> Answer {
        let next = usize::try_from(counters).ok().and_then(|next| self.prices.get(next)).copied();
        let level = next.unwrap_or(self.maximum.0).min(self.maximum.0);
        if takeable && bond >= self.bond_sat && price.0 <= level {
            return Answer::Accept;
        }
        next.map_or(Answer::Reject, |next| Answer::Counter(Sat(next)))
    }

    /// The bond that its counters ask for: the offer's.
    pub fn bond_sat(&self) -> Sat {
        self.bond_sat
    }
}
