//! A provider's plan: from the offer's price down to its last.

use protocol::{Negotiable, ProviderStrategy};
use terms::Sat;

use super::{Answer, number, prices, rounds};

/// What a provider answers to counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderPlan {
    /// The offer's price, then one for each counter.
    prices: Vec<u64>,
    bond_sat: Sat,
}

/// The last price of a strategy that names none: between a quarter and three quarters of the way from reserve to offer, as
/// the seed chooses, so that it does not tell the reserve. Never below what the offer lets anybody propose.
pub fn final_price(strategy: &ProviderStrategy, price: Sat, negotiable: &Negotiable, seed: &[u8; 32]) -> Sat {
    if let Some(last) = strategy.final_sat {
        return last;
    }
    let way = u128::from(price.0.saturating_sub(strategy.reserve_sat.0));
    let share = 250_000 + u128::from(number(seed, 0)) % 500_001;
    let above = u64::try_from((way * share).div_ceil(1_000_000)).unwrap_or(u64::MAX);
    let last = Sat(strategy.reserve_sat.0.saturating_add(above)).min(price);
    negotiable.price_sat.map_or(last, |range| range.nearest(last))
}

impl ProviderPlan {
    /// The plan of a strategy for an offer of this price and bond, whose last price is fixed ([`final_price`]).
    pub fn new(
        strategy: &ProviderStrategy,
        last: Sat,
        price: Sat,
        bond_sat: Sat,
        negotiable: &Negotiable,
        seed: &[u8; 32],
    ) -> Self {
        let steps = rounds(strategy.rounds, Some(negotiable));
        let prices = prices(price.0, last.0.min(price.0), strategy.concession, steps, seed);
        Self { prices, bond_sat }
    }

    /// What to answer to a proposal after so many own counters. Terms that cannot be taken for another reason than the
    /// price (`takeable` false) are countered like a price that is too low.
    pub fn answer(&self, price: Sat, bond: Sat, takeable: bool, counters: u64) -> Answer {
        let next = usize::try_from(counters).unwrap_or(usize::MAX).saturating_add(1);
        let level = self.prices.get(next).or(self.prices.last()).copied().unwrap_or(u64::MAX);
        if takeable && bond == self.bond_sat && price.0 >= level {
            return Answer::Accept;
        }
        if next < self.prices.len() { Answer::Counter(Sat(level)) } else { Answer::Reject }
    }

    /// The bond that its counters keep: the offer's.
    pub fn bond_sat(&self) -> Sat {
        self.bond_sat
    }
}
