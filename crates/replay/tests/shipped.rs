//! The scenarios that we ship parse, and their arithmetic holds before anything is run.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says so by a panic")]

use std::path::{Path, PathBuf};

use replay::market::{self, Market};
use replay::plan;
use replay::play::Play;
use replay::scenario::{ExpectedOutcome, ExpectedWord, Scenario, Victim};
use terms::{Outcome, UnixSeconds};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

fn plays() -> Vec<Play> {
    let files = replay::catalogue::find(&[folder()]).unwrap();
    files.iter().map(|file| Play::load(file).unwrap_or_else(|error| panic!("{error}"))).collect()
}

fn shipped() -> Vec<Scenario> {
    let pair = |play| match play {
        Play::Pair(scenario) => Some(*scenario),
        Play::Market(_) => None,
    };
    plays().into_iter().filter_map(pair).collect()
}

fn markets() -> Vec<Market> {
    let market = |play| match play {
        Play::Market(market) => Some(*market),
        Play::Pair(_) => None,
    };
    plays().into_iter().filter_map(market).collect()
}

#[test]
fn every_shipped_market_expects_what_its_own_timelines_come_to() {
    let markets = markets();
    assert!(!markets.is_empty());
    for market in markets {
        for provider in &market.providers {
            for (window, expected) in market.windows.iter().zip(&provider.outcomes) {
                let found = market::evaluate(&market, provider, *window).unwrap().report.outcome;
                assert_eq!(found, Outcome::Value(*expected), "{} at {}", provider.name, window.start);
            }
        }
    }
}

#[test]
fn every_shipped_market_pays_out_what_is_locked_in_it_and_sells_what_is_bought() {
    for market in markets() {
        let providers = market.providers.iter().map(|provider| provider.expected);
        let buyers = market.buyers.iter().map(|buyer| buyer.expected);
        let sold: u64 = providers.clone().map(|one| one.escrows).sum();
        let bought: u64 = buyers.clone().map(|one| one.escrows).sum();
        assert_eq!((sold, bought), (market.escrows, market.escrows), "{}", market.head.name);
        let all = || providers.clone().chain(buyers.clone());
        let (locked, paid): (u64, u64) =
            (all().map(|one| one.locked_sat.0).sum(), all().map(|one| one.paid_out_sat.0).sum());
        assert_eq!(locked, paid, "{}", market.head.name);
        // A provider locks nothing but its bond.
        for provider in &market.providers {
            assert_eq!(provider.expected.locked_sat.0, provider.expected.escrows * provider.bond_sat.0);
        }
    }
}

#[test]
fn every_shipped_scenario_expects_what_its_own_timeline_comes_to() {
    let scenarios = shipped();
    assert!(scenarios.len() >= 50);
    for scenario in scenarios {
        // An oracle with a wrong clock measures another window than the timeline's.
        if scenario.clocks.wrong().iter().any(|(who, _)| matches!(who, Victim::Place(_))) {
            continue;
        }
        let evaluation = plan::evaluate(&scenario).unwrap();
        let expected = match scenario.expect.outcome {
            ExpectedOutcome::Value(value) => Outcome::Value(value),
            ExpectedOutcome::Indeterminate => Outcome::Indeterminate,
            ExpectedOutcome::Refunded | ExpectedOutcome::Cancelled => continue,
        };
        assert_eq!(evaluation.report.outcome, expected, "{}", scenario.name);
    }
}

#[test]
fn every_shipped_scenario_expects_of_each_oracle_what_that_one_sees() {
    let mut named = 0;
    for scenario in shipped() {
        let found = plan::evaluate_each(&scenario).unwrap();
        for (oracle, word) in &scenario.expect.oracles {
            let expected = match word {
                ExpectedWord::Value(value) => Outcome::Value(*value),
                ExpectedWord::Indeterminate => Outcome::Indeterminate,
                ExpectedWord::Nothing => continue,
            };
            assert_eq!(found[*oracle].report.outcome, expected, "{}: oracle {oracle}", scenario.name);
            named += 1;
        }
    }
    assert!(named >= 10, "{named}");
}

#[test]
fn every_shipped_scenario_expects_what_its_agreement_pays_at_that_outcome() {
    for scenario in shipped() {
        let deadline = UnixSeconds(scenario.starts().0);
        let agreement = scenario.deal.stand_in(&scenario.measurement, scenario.cast.oracles(), deadline);
        let outcome = match scenario.expect.outcome {
            ExpectedOutcome::Value(value) => Outcome::Value(value),
            ExpectedOutcome::Indeterminate => Outcome::Indeterminate,
            ExpectedOutcome::Cancelled => continue,
            ExpectedOutcome::Refunded => {
                assert_eq!(scenario.expect.provider_sat, scenario.deal.bond_sat, "{}", scenario.name);
                continue;
            }
        };
        let provider = agreement.compile().unwrap().at(&outcome);
        assert_eq!(provider, Some(scenario.expect.provider_sat), "{}", scenario.name);
        let total = scenario.expect.provider_sat.0 + scenario.expect.buyer_sat.0;
        assert_eq!(total, agreement.total_sat().0, "{}", scenario.name);
    }
}

#[test]
fn fastly_counts_173_failed_probes_as_its_comments_do() {
    let scenario = Scenario::load(&folder().join("fastly-2021-06-08.toml")).unwrap();
    let report = plan::evaluate(&scenario).unwrap().report;
    assert_eq!((report.probes.bad, report.probes.good), (166 + 4 + 3, 172_800 - 173));
}
