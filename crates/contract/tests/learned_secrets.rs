//! A peer's CET gives away what its oracles signed about one block of outcomes, and that settles every other contract with the
//! same adaptor point.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use bitcoin::Transaction;
use common::documents::{Draft, hours};
use common::{Escrow, Party, TEMPORARY_ID};
use contract::CheckedContract;
use contract::gate::CheckedAttestation;
use contract::settle::{self, Learned};
use terms::{Outcome, OutcomeValue, Sat, Tolerance};

/// The CET of one party, and what the other learns from it.
fn told(
    escrow: &Escrow,
    contract: &CheckedContract,
    said: &[CheckedAttestation],
) -> Option<(settle::SettledCet, Learned)> {
    let key = |party: &Party| party.contract_key(TEMPORARY_ID);
    let (offerer, accepter) = (key(&escrow.offerer), key(&escrow.accepter));
    let cet = settle::cet(contract, &offerer, said).unwrap()?;
    assert_eq!(
        settle::learn(contract, &offerer, &cet.transaction).unwrap(),
        None,
        "its maker learns nothing"
    );
    let other = settle::cet(contract, &accepter, said).unwrap().unwrap();
    let told = settle::learn(contract, &offerer, &other.transaction).unwrap().expect("it tells the offerer");
    let also = settle::learn(contract, &accepter, &cet.transaction).unwrap().expect("it tells the accepter");
    assert_eq!(told, also);
    assert_eq!(settle::recognise(contract, &told.secret()).unwrap().as_ref(), Some(&told));
    Some((cet, told))
}

/// The same oracles about the same event, with other money.
fn sister(draft: &Draft) -> Draft {
    Draft { price_sat: 200_000, bond_sat: 10_000, ..draft.clone() }
}

#[test]
fn a_level_that_one_cet_used_settles_another_contract() {
    let draft = Draft { oracles: 3, threshold: 2, ..Draft::levels() };
    let (escrow, other) = (Escrow::of(draft.clone()), Escrow::of(sister(&draft)));
    let [(contract, _), (second, _)] = [&escrow, &other].map(Escrow::signed);
    for (level, paid) in [("in-time", 210_000), ("late", 160_000), ("lost", 0), ("unknown", 110_000)] {
        for pair in [[0, 1], [0, 2], [1, 2]] {
            let said = pair.map(|oracle| escrow.names(oracle, level));
            let (cet, learned) = told(&escrow, &contract, &said).unwrap();
            assert_eq!((learned.oracles(), learned.words()), (&pair[..], &[level.to_owned()][..]));
            assert_eq!(cet.oracles, pair);
            let scale = &escrow.agreement().measurement.outcome;
            let outcome = scale.decode(&[level.to_owned()]).unwrap();
            assert_eq!(learned.outcomes(scale), Some((outcome.clone(), outcome)));

            let found = settle::recognise(&second, &learned.secret()).unwrap().unwrap();
            let by_secret =
                settle::cet_with_secret(&second, &other.accepter.contract_key(TEMPORARY_ID), &found);
            let by_secret = by_secret.unwrap();
            let by_words = other.settled(&second, &pair.map(|oracle| other.names(oracle, level))).unwrap();
            assert_eq!(by_secret.provider_sat, Sat(paid));
            assert_eq!(by_secret.transaction.compute_txid(), by_words.transaction.compute_txid());
        }
    }
}

#[test]
fn a_number_gives_away_its_block_and_nothing_beyond_it() {
    let draft = Draft { oracles: 3, threshold: 2, ..Draft::default() };
    let (escrow, other) = (Escrow::of(draft.clone()), Escrow::of(sister(&draft)));
    let [(contract, _), (second, _)] = [&escrow, &other].map(Escrow::signed);
    // Of 10 digits; 512 to 767 pay the same and share a signature, as do 24 to 31.
    for (pair, block) in [([700, 513], (512, 767)), ([30, 25], (24, 31)), ([99, 99], (96, 99))] {
        let said = [escrow.says(0, pair[0]), escrow.says(2, pair[1])];
        let (_, learned) = told(&escrow, &contract, &said).unwrap();
        assert_eq!(learned.oracles(), [0, 2]);
        let value = |value| Outcome::Value(OutcomeValue(value));
        let scale = &escrow.agreement().measurement.outcome;
        assert_eq!(learned.outcomes(scale), Some((value(block.0), value(block.1))));
        let found = settle::recognise(&second, &learned.secret()).unwrap().unwrap();
        assert_eq!(found.words(), learned.words());
        let cet =
            settle::cet_with_secret(&second, &other.offerer.contract_key(TEMPORARY_ID), &found).unwrap();
        assert_eq!(Some(cet.provider_sat), other.deal.table().at_value(OutcomeValue(pair[0])));
    }
}

#[test]
fn a_contract_whose_blocks_are_others_has_no_use_for_it() {
    let draft = Draft::default();
    let (escrow, (contract, _)) = (Escrow::of(draft.clone()), Escrow::of(draft.clone()).signed());
    let (_, learned) = told(&escrow, &contract, &[escrow.says(0, 700)]).unwrap();
    let ramp = Escrow::of(Draft { schedule: common::documents::ramp(), ..draft.clone() });
    assert_eq!(settle::recognise(&ramp.signed().0, &learned.secret()).unwrap(), None);
    // Nor one with another oracle, nor is just any number somebody's secret.
    let three = Escrow::of(Draft { oracles: 3, threshold: 2, ..draft });
    assert_eq!(settle::recognise(&three.signed().0, &learned.secret()).unwrap(), None);
    for secret in [[0; 32], [1; 32], [0xff; 32]] {
        assert_eq!(settle::recognise(&contract, &secret).unwrap(), None);
    }
}

#[test]
fn what_is_no_cet_teaches_nothing() {
    let escrow = Escrow::standard();
    let (contract, funding) = escrow.signed();
    let key = escrow.offerer.contract_key(TEMPORARY_ID);
    let refund = settle::refund(&contract, &key).unwrap();
    let accepter = escrow.accepter.contract_key(TEMPORARY_ID);
    let cet = settle::cet(&contract, &accepter, &[escrow.says(0, 50)]).unwrap().unwrap().transaction;
    let mut spoilt: Vec<Transaction> = vec![cet.clone(); 3];
    spoilt[0].input[0].witness.clear();
    spoilt[1].output[0].value = bitcoin::Amount::from_sat(7);
    let elements: Vec<Vec<u8>> =
        cet.input[0].witness.iter().map(|e| e.iter().rev().copied().collect()).collect();
    spoilt[2].input[0].witness = bitcoin::Witness::from_slice(&elements);
    for other in spoilt.iter().chain([&refund, &funding]) {
        assert_eq!(settle::learn(&contract, &key, other).unwrap(), None);
    }
    assert!(settle::learn(&contract, &key, &cet).unwrap().is_some());
}

/// The walk through the adaptor signatures is the library's: whatever settles teaches the words that settled.
#[test]
fn with_a_tolerance_every_pair_that_settles_is_learned_from_its_cet() {
    let tolerance = Tolerance { max_error_exp: 4, min_fail_exp: 2, max_spread_sat: Sat(140_000) };
    let scale = hours(900);
    let draft = Draft { oracles: 3, threshold: 2, tolerance: Some(tolerance), scale, ..Draft::default() };
    let escrow = Escrow::of(draft);
    let (contract, _) = escrow.signed();
    let mut settled = 0;
    for a in [0_u64, 20, 23, 24, 27, 95, 99, 100, 127, 512, 900, 1023] {
        for b in [a, a.saturating_sub(3), a + 3, a + 7, a + 200] {
            let said = [escrow.says(1, a), escrow.says(2, b.min(1023))];
            let Some((cet, learned)) = told(&escrow, &contract, &said) else { continue };
            assert_eq!((learned.oracles(), &cet.oracles[..]), (&[1, 2][..], &[1, 2][..]));
            assert!(said[0].signed().starts_with(learned.words()), "{a} and {b}");
            settled += 1;
        }
    }
    assert!(settled > 36, "most of them settle: {settled}");
}
