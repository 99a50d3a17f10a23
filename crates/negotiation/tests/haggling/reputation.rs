//! What counts of finished escrows, and what it is worth.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::BTreeSet;

use negotiation::reputation::{Ending, Trust, finished, most_ppm, most_sat, tally, weigh};
use proptest::prelude::*;
use protocol::owner::{End, Finished, Tally};
use terms::{Hex32, Outcome, OutcomeValue, Ppm, Sat};

use crate::common::agreement;

/// An escrow of so many satoshis, by the number of its funding transaction and its buyer.
fn one(number: u8, buyer: u8, end: End) -> Finished {
    let agreement = agreement();
    let closed = finished(&agreement, Hex32([number; 32]), Hex32([0; 32]), Ending::Closed).unwrap();
    Finished { buyer: Hex32([buyer; 32]), end, ..closed }
}

fn trusting(buyers: &[u8], strangers: u64) -> Trust {
    Trust { buyers: buyers.iter().map(|buyer| Hex32([*buyer; 32])).collect(), strangers }
}

#[test]
fn an_escrow_is_kept_when_the_provider_got_all_that_the_best_outcome_pays() {
    let terms = agreement();
    let table = terms.compile().unwrap();
    let told = |outcome: Outcome| {
        let provider_sat = table.at(&outcome).unwrap();
        let ending = Ending::Attested { outcome: &outcome, provider_sat };
        finished(&terms, Hex32([1; 32]), Hex32([2; 32]), ending).unwrap()
    };
    let value = |ppm| Outcome::Value(OutcomeValue(ppm));
    for (ppm, end) in [(0, End::Kept), (1_000, End::Kept), (1_001, End::Breached), (1_000_000, End::Breached)]
    {
        let told = told(value(ppm));
        assert_eq!((told.end, told.promised_ppm, told.measured_ppm), (end, Some(1_000), Some(ppm)), "{ppm}");
    }
    // It pays as the best outcome does, and says nothing about the service.
    let unmeasured = told(Outcome::Indeterminate);
    assert_eq!(
        (unmeasured.end, unmeasured.promised_ppm, unmeasured.measured_ppm),
        (End::Indeterminate, None, None)
    );
    assert_eq!(
        (unmeasured.price_sat, unmeasured.target),
        (terms.price_sat, terms.measurement.target.to_string())
    );
}

#[test]
fn the_same_escrow_counts_once_whoever_presents_it_and_own_history_comes_first() {
    let own = [one(1, 9, End::Breached)];
    // The provider would rather have it kept.
    let presented = [one(1, 9, End::Kept), one(2, 9, End::Kept), one(2, 9, End::Kept)];
    let weighed = weigh(&own, &presented, &trusting(&[9], 0));
    assert_eq!((weighed.counted.kept, weighed.counted.breached), (1, 1));
    assert_eq!((weighed.own.settled(), weighed.trusted.settled(), weighed.strangers.settled()), (1, 1, 0));
}

#[test]
fn what_strangers_confirm_counts_as_far_as_the_owner_says_and_what_speaks_against_it_always() {
    let presented: Vec<Finished> = [(1, 5), (2, 5), (3, 5), (4, 6), (5, 7)]
        .map(|(number, buyer)| one(number, buyer, End::Kept))
        .into_iter()
        .chain([one(6, 5, End::Breached), one(7, 8, End::Breached), one(8, 8, End::Refunded)])
        .collect();
    for (strangers, kept) in [(0, 0), (1, 1), (2, 2), (3, 3), (100, 3)] {
        let counted = weigh(&[], &presented, &trusting(&[], strangers)).counted;
        assert_eq!((counted.kept, counted.breached, counted.refunded), (kept, 2, 0), "{strangers}");
    }
    let weighed = weigh(&[], &presented, &trusting(&[5], 0));
    assert_eq!((weighed.counted.kept, weighed.counted.breached), (3, 2));
    assert_eq!((weighed.strangers.kept, weighed.strangers.refunded, weighed.strangers.buyers), (2, 1, 3));
}

#[test]
fn sums_tell_what_was_promised_and_what_was_measured() {
    let ppm = |number, promised, measured| Finished {
        promised_ppm: Some(promised),
        measured_ppm: Some(measured),
        ..one(number, number, End::Kept)
    };
    let counted = tally(&[ppm(1, 1_000, 0), ppm(2, 500, 400), one(3, 2, End::Closed)]);
    assert_eq!((counted.ppm_windows, counted.promised_ppm, counted.measured_ppm), (2, 1_500, 400));
    assert_eq!((counted.buyers, counted.closed), (2, 1));
    assert_eq!(counted.price_sat, Sat(3 * agreement().price_sat.0));
}

fn record(kept: u64, breached: u64) -> Tally {
    Tally { kept, breached, ..Tally::default() }
}

#[test]
fn nothing_known_pays_the_unknowns_share_and_each_window_moves_it() {
    let unknown = Ppm(700_000);
    for (kept, breached, ppm) in [
        (0, 0, 700_000), // half of the chances are bad: all of the doubt, 300,000
        (1, 0, 800_000), // a third: 200,000
        (8, 0, 940_000), // a tenth: 60,000
        (0, 1, 600_000), // two thirds: 400,000
        (4, 4, 700_000), // half again
        (0, 8, 460_000), // nine tenths: 540,000
    ] {
        assert_eq!(most_ppm(&record(kept, breached), unknown), Ppm(ppm), "{kept} kept, {breached} breached");
    }
    assert_eq!(most_sat(Sat(90_001), &record(1, 0), unknown), Sat(72_000), "72,000.8, rounded down");
    assert_eq!(most_ppm(&record(0, 9), Ppm(0)), Ppm(0), "never below nothing");
}

proptest! {
    #[test]
    fn a_kept_promise_never_lowers_what_is_paid_and_a_breach_never_raises_it(
        kept in 0u64..2_000, breached in 0u64..2_000, unknown in 0u64..=1_000_000, maximum in 0u64..=2_100_000_000_000_000,
    ) {
        let (unknown, maximum) = (Ppm(unknown), Sat(maximum));
        let pays = |kept, breached| most_sat(maximum, &record(kept, breached), unknown);
        let now = pays(kept, breached);
        prop_assert!(now <= maximum);
        prop_assert!(pays(kept + 1, breached) >= now);
        prop_assert!(pays(kept, breached + 1) <= now);
        prop_assert_eq!(most_ppm(&Tally::default(), unknown), unknown);
        prop_assert_eq!(pays(kept, breached), now, "the same again");
    }

    #[test]
    fn the_order_in_which_references_are_presented_changes_nothing(
        ends in prop::collection::vec((0u8..20, 0u8..6, 0u8..3), 0..20), strangers in 0u64..4, seed in 0usize..20,
    ) {
        let mut seen = BTreeSet::new();
        let presented: Vec<Finished> = ends.into_iter().filter(|(number, ..)| seen.insert(*number)).map(|(number, buyer, end)| {
            one(number, buyer, [End::Kept, End::Breached, End::Indeterminate][usize::from(end)])
        }).collect();
        let mut turned = presented.clone();
        turned.rotate_left(if presented.is_empty() { 0 } else { seed % presented.len() });
        let trust = trusting(&[0, 1], strangers);
        prop_assert_eq!(weigh(&[], &presented, &trust), weigh(&[], &turned, &trust));
    }
}
