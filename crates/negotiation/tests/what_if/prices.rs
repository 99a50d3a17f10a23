//! Prices cover what they say they cover.

use negotiation::payouts::Payouts;
use negotiation::pricing::{Costs, Deal, PricingError, Quote, Wants, YEAR_S, quote, worth};
use negotiation::simulate::{Distribution, OracleRisk, Simulation};
use proptest::prelude::*;
use serde_json::json;
use terms::{Credit, Measurement, Payout, PayoutTable, Piece, Ppm, Schedule, Side};
use terms::{OutcomeValue, Rounding, Sat};

use crate::common::{DAY, HOUR, MINUTE, failing, month, oracle, proportional, simulation, steps};

const COSTS: Costs = Costs { fees_sat: Sat(900), collateral_ppm_year: Ppm(50_000), lock_s: 40 * 86_400 };

fn wants(loading_ppm: u64, percentile_ppm: u64) -> Wants {
    let (loading_ppm, percentile_ppm) = (Ppm(loading_ppm), Ppm(percentile_ppm));
    Wants { service_sat: Sat(1_000_000), loading_ppm, percentile_ppm }
}

fn quoted(measurement: &Measurement, payout: &Payout, windows: &Distribution, wants: &Wants) -> Quote {
    let oracles = oracle();
    let deal = Deal { scale: &measurement.outcome, payout, bond: Sat(500_000), oracles: &oracles };
    quote(&deal, windows, &COSTS, wants).unwrap()
}

fn payouts(measurement: &Measurement, payout: &Payout, windows: &Distribution, price: Sat) -> Payouts {
    let table = PayoutTable::compile(payout, &measurement.outcome, price, Sat(500_000)).unwrap();
    Payouts::of(windows, &table, price).unwrap()
}

/// A provider that does not hide behind the seed it quoted with.
#[test]
fn with_fresh_seeds_the_asking_price_covers_the_payout_at_the_stated_percentile() {
    let measurement = month(json!({}));
    for (payout, mtbf_ms, mttr_ms) in
        [(steps(), 10 * DAY, 20 * MINUTE), (steps(), 40 * DAY, 2 * HOUR), (proportional(), 12 * HOUR, MINUTE)]
    {
        let service = failing(mtbf_ms, mttr_ms);
        let quote = quoted(
            &measurement,
            &payout,
            &simulation(&measurement, service.clone(), 1).run(0..3_000),
            &wants(1_000_000, 950_000),
        );
        let fresh = simulation(&measurement, service, 0xF2E5).run(0..3_000);
        let fresh = payouts(&measurement, &payout, &fresh, quote.ask.price_sat);
        let spent = quote.service_sat.0 + quote.fees_sat.0 + quote.collateral_sat.0;
        let covered = fresh.amounts().filter(|(amount, _)| quote.ask.price_sat.0 - amount.0 >= spent);
        let covered: u64 = covered.map(|(_, count)| count).sum();
        // 95 % of 3,000 windows, less four standard errors.
        assert!(covered >= 2_850 - 48, "{covered} windows, {quote:?}");
        // And the mean is what was said, within four standard errors of both seeds.
        let off = fresh.expected(Rounding::Up).0.abs_diff(quote.ask.payout.expected_sat.0);
        assert!(off <= 6 * quote.ask.payout.standard_error_sat.0, "{off}, {quote:?}");
    }
}

#[test]
fn a_price_is_the_least_that_covers_what_it_leads_to_itself() {
    let measurement = month(json!({}));
    let windows = simulation(&measurement, failing(5 * DAY, HOUR), 2).run(0..500);
    let wants = wants(400_000, 900_000);
    for payout in [steps(), proportional()] {
        let quote = quoted(&measurement, &payout, &windows, &wants);
        // 500,000 sat at 5 % a year over 40 days: 2739.7.
        assert_eq!(quote.collateral_sat, Sat(2_740));
        let spent = 1_000_000 + 900 + 2_740;
        let left = |price: u64| {
            let at = payouts(&measurement, &payout, &windows, Sat(price));
            u128::from(price - spent) * u128::from(at.runs()) >= at.sum()
        };
        assert!(left(quote.reserve.price_sat.0) && !left(quote.reserve.price_sat.0 - 1), "{quote:?}");
        assert!(quote.ask.price_sat > quote.reserve.price_sat, "{quote:?}");
    }
}

#[test]
fn a_price_that_is_dust_somewhere_gives_way_to_the_next_that_is_not() {
    let measurement = month(json!({}));
    let windows = simulation(&measurement, failing(5 * DAY, HOUR), 2).run(0..200);
    let (payout, oracles) = (steps(), oracle());
    let deal = Deal { scale: &measurement.outcome, payout: &payout, bond: Sat(0), oracles: &oracles };
    let wants = Wants { service_sat: Sat(3_000), loading_ppm: Ppm(0), percentile_ppm: Ppm(950_000) };
    let quote = quote(&deal, &windows, &Costs::default(), &wants).unwrap();
    // A tenth goes back first, and must be 1000 sat.
    assert_eq!(quote.reserve.price_sat, Sat(9_991));
    assert!(PayoutTable::compile(&payout, &measurement.outcome, Sat(9_991), Sat(0)).is_ok());
    assert!(PayoutTable::compile(&payout, &measurement.outcome, Sat(9_990), Sat(0)).is_err());
}

#[test]
fn where_everything_goes_back_no_price_covers_the_risk() {
    let measurement = month(json!({}));
    let (payout, oracles) = (steps(), oracle());
    let deal = Deal { scale: &measurement.outcome, payout: &payout, bond: Sat(0), oracles: &oracles };
    // Down for half of the time: the whole price goes back in every window.
    let windows = simulation(&measurement, failing(HOUR, HOUR), 2).run(0..100);
    let refused = quote(&deal, &windows, &COSTS, &wants(0, 950_000));
    assert_eq!(refused, Err(PricingError::NoReserve));
    // In some windows: the mean can be covered, the percentile can't.
    let windows = simulation(&measurement, failing(30 * DAY, 100 * HOUR), 2).run(0..400);
    assert!(quote(&deal, &windows, &COSTS, &wants(0, 950_000)).is_ok());
    let refused = quote(&deal, &windows, &COSTS, &wants(1_000_000, 950_000));
    assert!(matches!(refused, Err(PricingError::NoAsk { .. })), "{refused:?}");
}

#[test]
fn silence_costs_the_provider_the_price_of_what_it_delivered() {
    let measurement = month(json!({}));
    let reserve = |silent_ppm| {
        let risk = OracleRisk { indeterminate_ppm: Ppm(0), silent_ppm: Ppm(silent_ppm) };
        let windows =
            Simulation::new(&measurement, failing(90 * DAY, MINUTE), risk, 2).unwrap().run(0..2_000);
        quoted(&measurement, &steps(), &windows, &wants(0, 950_000)).reserve.price_sat.0
    };
    let (never, often) = (reserve(0), reserve(100_000));
    // A tenth of all windows pays nothing, so that the others must pay a ninth more.
    let expected = never * 10 / 9;
    assert!(often.abs_diff(expected) < expected / 30, "{never}, {often}");
}

#[test]
fn a_buyer_pays_at_most_what_uptime_and_payouts_bring_it() {
    let measurement = month(json!({}));
    let windows = simulation(&measurement, failing(5 * DAY, HOUR), 2).run(0..500);
    let (payout, oracles) = (steps(), oracle());
    let deal = Deal { scale: &measurement.outcome, payout: &payout, bond: Sat(500_000), oracles: &oracles };
    let found = worth(&deal, &windows, &COSTS, Sat(2_000), Ppm(950_000)).unwrap();
    // 720 hours, up 120 of 121 of them in the mean.
    assert!(found.uptime_sat.0.abs_diff(2_000 * 720 * 120 / 121) < 6_000, "{found:?}");
    let is_worth = |price: u64| {
        let at = payouts(&measurement, &payout, &windows, Sat(price));
        let runs = u128::from(at.runs());
        let spent = u128::from(price + 900 + COSTS.collateral(Sat(price)).0);
        windows.up_ms() * 2_000 / 3_600_000 + at.sum() >= spent * runs
    };
    let price = found.highest.price_sat.0;
    assert!(is_worth(price) && !is_worth(price + 1), "{found:?}");
    let nothing = worth(&deal, &windows, &COSTS, Sat(1), Ppm(950_000));
    assert_eq!(nothing, Err(PricingError::Worthless));
}

#[test]
fn collateral_costs_its_share_of_a_year_rounded_up() {
    let costs = Costs { fees_sat: Sat(0), collateral_ppm_year: Ppm(100_000), lock_s: YEAR_S / 2 };
    assert_eq!(costs.collateral(Sat(1_000_000)), Sat(50_000));
    assert_eq!(costs.collateral(Sat(1)), Sat(1));
    assert_eq!(costs.collateral(Sat(0)), Sat(0));
}

/// Any steps that give back more and more.
fn any_payout() -> impl Strategy<Value = Payout> {
    let steps = prop::collection::vec((1..200_000_u64, 0..=1_000_000_u64, 0..=1_000_000_u64), 1..5);
    (steps, any::<bool>()).prop_map(|(steps, up)| {
        let ascending = |part: fn(&(u64, u64, u64)) -> u64| {
            let mut all: Vec<u64> = steps.iter().map(part).collect();
            all.sort_unstable();
            all
        };
        let (from, price, bond) = (ascending(|s| s.0), ascending(|s| s.1), ascending(|s| s.2));
        let mut pieces = vec![Piece::step(0, Credit::NONE)];
        for ((from, price), bond) in from.into_iter().zip(price).zip(bond) {
            if pieces.last().is_some_and(|last| last.from.0 < from) {
                pieces.push(Piece::step(
                    from,
                    Credit { price_back_ppm: Ppm(price), bond_forfeit_ppm: Ppm(bond) },
                ));
            }
        }
        Payout {
            schedule: Schedule::Numeric { pieces, quantum_bits: 0 },
            indeterminate: Credit::NONE,
            round_to: if up { Side::Buyer } else { Side::Provider },
        }
    })
}

proptest! {
    /// What the search by halving stands on.
    #[test]
    fn a_higher_price_never_leaves_a_provider_less(
        payout in any_payout(),
        price in 0..3_000_000_u64,
        bond in 1..3_000_000_u64,
        value in 0..1_000_000_u64,
    ) {
        let scale = month(json!({})).outcome;
        let left = |price| {
            let table = PayoutTable::sketch(&payout, &scale, Sat(price), Sat(bond)).unwrap();
            table.at_value(OutcomeValue(value)).unwrap().0
        };
        prop_assert!(left(price + 1) >= left(price));
    }

    #[test]
    fn every_quote_can_be_signed_and_covers_its_costs(
        payout in any_payout(),
        bond in prop_oneof![Just(0_u64), 1_000..3_000_000_u64],
        service in 0..200_000_u64,
        loading in 0..=1_000_000_u64,
    ) {
        let measurement = month(json!({}));
        let windows = simulation(&measurement, failing(3 * DAY, 2 * HOUR), 6).run(0..20);
        let oracles = oracle();
        let deal = Deal { scale: &measurement.outcome, payout: &payout, bond: Sat(bond), oracles: &oracles };
        let wants = Wants { service_sat: Sat(service), loading_ppm: Ppm(loading), percentile_ppm: Ppm(900_000) };
        if let Ok(quote) = quote(&deal, &windows, &COSTS, &wants) {
            for priced in [quote.reserve, quote.ask] {
                prop_assert!(PayoutTable::compile(&payout, &measurement.outcome, priced.price_sat, Sat(bond)).is_ok());
                let spent = service + quote.fees_sat.0 + quote.collateral_sat.0;
                prop_assert!(priced.price_sat.0 >= spent + priced.payout.expected_sat.0);
            }
            prop_assert!(quote.ask.price_sat >= quote.reserve.price_sat);
        }
    }
}
