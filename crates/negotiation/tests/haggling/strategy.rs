//! Plans against each other: where they meet, what they never do, and what nobody can learn from them.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::common;

use common::negotiable_offer;
use negotiation::strategy::{Answer, BuyerPlan, ProviderPlan, final_price};
use proptest::prelude::*;
use protocol::{BuyerStrategy, Concession, Offer, ProviderStrategy};
use terms::Sat;

const ROUNDS: u64 = 8;

/// What a provider that asks for 100,000 says.
fn provider(reserve: u64, last: Option<u64>, concession: Concession, seed: u8) -> ProviderPlan {
    let strategy = ProviderStrategy {
        reserve_sat: Sat(reserve),
        final_sat: last.map(Sat),
        concession,
        rounds: Some(ROUNDS),
        seed: None,
    };
    let offer = negotiable_offer();
    let negotiable = offer.negotiable.unwrap();
    let seed = [seed; 32];
    let last = final_price(&strategy, offer.price_sat, &negotiable, &seed);
    ProviderPlan::new(&strategy, last, offer.price_sat, offer.bond_sat, &negotiable, &seed)
}

fn buyer(opening: u64, maximum: u64, concession: Concession, seed: u8) -> BuyerPlan {
    let strategy = BuyerStrategy {
        opening_sat: Some(Sat(opening)),
        maximum_sat: Sat(maximum),
        concession,
        rounds: Some(ROUNDS),
        seed: None,
    };
    BuyerPlan::new(&strategy, &negotiable_offer(), ROUNDS, &[seed; 32])
}

/// All prices that were named, the buyer's at even places, and the price that both took.
fn haggle(provider: &ProviderPlan, buyer: &BuyerPlan) -> (Vec<u64>, Option<u64>) {
    let Offer { price_sat: asked, bond_sat: bond, .. } = negotiable_offer();
    let (mut said, mut price) = (Vec::new(), asked);
    for round in 0..=ROUNDS {
        price = match buyer.answer(price, bond, true, round) {
            Answer::Accept => return (said, Some(price.0)),
            Answer::Reject => return (said, None),
            Answer::Counter(price) => price,
        };
        said.push(price.0);
        price = match provider.answer(price, bond, true, round) {
            Answer::Accept => return (said, Some(price.0)),
            Answer::Reject => return (said, None),
            Answer::Counter(price) => price,
        };
        said.push(price.0);
    }
    panic!("they would go on for ever: {said:?}")
}

const SHAPES: [Concession; 3] = [Concession::Fixed, Concession::Linear, Concession::Boulware];

#[test]
fn two_linear_plans_meet_between_them() {
    let (said, price) = haggle(
        &provider(60_000, Some(70_000), Concession::Linear, 1),
        &buyer(60_000, 95_000, Concession::Linear, 2),
    );
    let price = price.unwrap();
    assert!((70_000..=95_000).contains(&price), "{price} after {said:?}");
}

#[test]
fn who_concedes_late_pays_less_against_the_same_other_side() {
    let against = provider(60_000, Some(70_000), Concession::Linear, 1);
    let price = |shape| haggle(&against, &buyer(60_000, 95_000, shape, 2)).1.unwrap();
    assert!(price(Concession::Boulware) < price(Concession::Linear));
}

#[test]
fn a_provider_that_does_not_move_sells_at_its_price_or_not_at_all() {
    let fixed = provider(60_000, Some(70_000), Concession::Fixed, 1);
    assert_eq!(haggle(&fixed, &buyer(60_000, 100_000, Concession::Linear, 2)).1, Some(100_000));
    assert_eq!(haggle(&fixed, &buyer(60_000, 99_999, Concession::Linear, 2)).1, None);
}

#[test]
fn another_bond_or_terms_that_the_mandate_forbids_are_not_taken_at_any_price() {
    let plan = provider(60_000, Some(70_000), Concession::Linear, 1);
    let bond = negotiable_offer().bond_sat;
    for round in 0..ROUNDS {
        assert!(matches!(plan.answer(Sat(100_000), Sat(bond.0 + 1), true, round), Answer::Counter(_)));
        assert!(matches!(plan.answer(Sat(100_000), bond, false, round), Answer::Counter(_)));
    }
    assert_eq!(plan.answer(Sat(100_000), bond, false, ROUNDS), Answer::Reject);
    let plan = buyer(60_000, 95_000, Concession::Linear, 1);
    assert_ne!(plan.answer(Sat(50_000), Sat(bond.0 - 1), true, 0), Answer::Accept, "a smaller bond");
}

/// A buyer that tries every price in every round of every shape: with the same last price, what it is told does not depend
/// on the reserve in a single answer.
#[test]
fn two_reserves_below_the_last_price_cannot_be_told_apart_by_anything_that_is_said() {
    let bond = negotiable_offer().bond_sat;
    for shape in SHAPES {
        let plans = [1_000, 45_000, 69_999, 70_000].map(|reserve| provider(reserve, Some(70_000), shape, 7));
        for round in 0..=ROUNDS + 1 {
            for price in (40_000..=101_000).step_by(250).chain([69_999, 70_000, 70_001]) {
                let answers = plans.clone().map(|plan| plan.answer(Sat(price), bond, true, round));
                assert!(
                    answers.iter().all(|answer| *answer == answers[0]),
                    "{shape:?} {round} {price} {answers:?}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn no_provider_goes_below_its_last_price_nor_a_buyer_above_its_maximum(
        (reserve, last) in (1_000_u64..=100_000).prop_flat_map(|r| (Just(r), prop::option::of(r..=100_000))),
        (opening, maximum) in (50_000_u64..=120_000).prop_flat_map(|o| (Just(o), o..=120_000)),
        (own, other) in (prop::sample::select(&SHAPES[..]), prop::sample::select(&SHAPES[..])),
        seed in any::<u8>(),
    ) {
        // The offer lets nobody propose less than 50,000.
        let last = last.map(|last| last.max(50_000)).filter(|last| *last >= reserve);
        let (provider, buyer) = (provider(reserve, last, own, seed), buyer(opening, maximum, other, seed));
        let (said, price) = haggle(&provider, &buyer);
        let bids: Vec<u64> = said.iter().step_by(2).copied().collect();
        let asks: Vec<u64> = said.iter().skip(1).step_by(2).copied().collect();
        prop_assert!(bids.is_sorted() && bids.iter().all(|bid| *bid <= maximum), "{bids:?}");
        prop_assert!(asks.iter().rev().is_sorted() && asks.iter().all(|ask| *ask >= last.unwrap_or(reserve)), "{asks:?}");
        if let Some(price) = price {
            prop_assert!(price >= last.unwrap_or(reserve) && price <= maximum);
        }
        prop_assert_eq!(haggle(&provider, &buyer), (said, price), "the same plans say the same");
    }
}
