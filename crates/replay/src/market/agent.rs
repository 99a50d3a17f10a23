//! How a buyer's agent chooses: which offers are worth asking about, the best first.

use std::cmp::Reverse;

use terms::{Sat, TimeRange};

use super::file::Buyer;

/// An offer as an agent compares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// The provider's number in the file.
    pub provider: usize,
    /// The window.
    pub window: TimeRange,
    /// What is asked for it.
    pub price: Sat,
    /// The least that may be proposed.
    pub least: Sat,
}

/// The offers that a buyer would take at some price, those first that leave it the most at the price that is asked; among
/// equals the earlier window, then the provider's number. An offer whose least price is above what it is worth, or above
/// what the buyer pays at most, is no choice.
pub(super) fn ranking(buyer: &Buyer, offers: &[Choice]) -> Vec<Choice> {
    let within = |choice: &&Choice| {
        let limit = buyer.worth_of(choice.provider).map(|worth| worth.min(buyer.maximum_sat));
        limit.is_some_and(|limit| choice.least <= limit)
    };
    let mut ranked: Vec<Choice> = offers.iter().filter(within).copied().collect();
    ranked.sort_by_key(|choice| (Reverse(surplus(buyer, choice)), choice.window.start, choice.provider));
    ranked
}

/// What an offer is worth to a buyer beyond its price; negative where more is asked than it is worth.
fn surplus(buyer: &Buyer, choice: &Choice) -> i128 {
    let worth = buyer.worth_of(choice.provider).unwrap_or_default();
    i128::from(worth.0) - i128::from(choice.price.0)
}

#[cfg(test)]
mod tests {
    use terms::UnixSeconds;

    use super::*;
    use crate::market::Market;
    use crate::play::Play;

    fn market() -> Market {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/market.toml");
        match Play::load(&file).unwrap() {
            Play::Market(market) => *market,
            Play::Pair(_) => panic!("a market"),
        }
    }

    fn choice(provider: usize, hour: u64, price: u64, least: u64) -> Choice {
        let (start, end) = (UnixSeconds(hour * 3600), UnixSeconds((hour + 1) * 3600));
        Choice { provider, window: TimeRange { start, end }, price: Sat(price), least: Sat(least) }
    }

    fn buyer(worth: &[(usize, u64)], maximum: u64) -> Buyer {
        let worth = worth.iter().map(|(provider, sat)| (*provider, Sat(*sat))).collect();
        Buyer { worth, maximum_sat: Sat(maximum), ..market().buyers[0].clone() }
    }

    #[test]
    fn the_greatest_surplus_comes_first_then_the_earlier_window() {
        let offers = [choice(0, 2, 50, 10), choice(0, 1, 50, 10), choice(1, 1, 20, 10), choice(2, 1, 1, 1)];
        let ranked = ranking(&buyer(&[(0, 90), (1, 70)], 100), &offers);
        assert_eq!(ranked, [offers[2], offers[1], offers[0]]);
    }

    #[test]
    fn what_nobody_could_get_at_its_worth_or_within_the_limit_is_no_choice() {
        let offers = [choice(0, 1, 50, 40), choice(1, 1, 50, 31), choice(2, 1, 50, 20)];
        assert_eq!(ranking(&buyer(&[(0, 39), (1, 90), (2, 25)], 30), &offers), [offers[2]]);
    }
}
