//! Oracles whose numbers differ a little: what settles, at which level, and what the broadcaster can choose.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::documents::{Draft, hours};
use common::{Escrow, read};
use contract::{CheckedContract, Deal, Message, Rule};
use dlc_messages::contract_msgs::ContractInfo;
use dlc_messages::oracle_msgs::OracleInfo;
use dlc_messages::{AcceptDlc, OfferDlc};
use terms::{
    CompileError, Credit, NumericScale, OutcomeValue, Piece, Sat, Scale, Schedule, Tolerance, Worse,
};

/// Values up to 2^3 apart always settle, from 2^5 on none do but in one block.
const MIN: u64 = 8;
const MAX: u64 = 32;

fn tolerance(max_spread_sat: u64) -> Option<Tolerance> {
    Some(Tolerance { max_error_exp: 5, min_fail_exp: 3, max_spread_sat: Sat(max_spread_sat) })
}

/// Ten digits, values up to 700, no data from 896. Nothing below 20, then a ramp in steps of 8, then everything.
fn draft(oracles: usize, threshold: u64) -> Draft {
    let scale = Scale::Numeric(NumericScale {
        unit: "h".to_owned(),
        digits: 10,
        max: OutcomeValue(700),
        indeterminate_from: OutcomeValue(896),
        worse: Worse::Higher,
    });
    let pieces = vec![
        Piece::step(0, Credit::NONE),
        Piece::ramp(20, Credit::of_price(100_000), Credit::of_price(700_000)),
        Piece::step(330, Credit::ALL),
    ];
    let schedule = Schedule::Numeric { pieces, quantum_bits: 3 };
    Draft { oracles, threshold, scale, schedule, tolerance: tolerance(90_000), ..Draft::default() }
}

fn pays(escrow: &Escrow, value: u64) -> Sat {
    escrow.deal.table().at_value(OutcomeValue(value)).unwrap()
}

/// Values all over the scale, and around every power of two and every step of the payout.
fn values() -> Vec<u64> {
    let edges = [20, 32, 64, 96, 128, 160, 256, 320, 330, 384, 512, 640];
    let mut values: Vec<u64> = edges.iter().flat_map(|edge| edge - 3..edge + 3).collect();
    values.extend((0..=700).step_by(37));
    values.extend([0, 1, 699, 700]);
    values
}

fn pair(escrow: &Escrow, contract: &CheckedContract, a: u64, b: u64) -> Option<Sat> {
    let cet = escrow.settled(contract, &[escrow.says(1, b), escrow.says(0, a)])?;
    assert_eq!(cet.oracles, [0, 1]);
    Some(cet.provider_sat)
}

#[test]
fn small_differences_settle_at_the_level_of_the_lower_index() {
    let escrow = Escrow::of(draft(2, 2));
    let (contract, _) = escrow.signed();
    for a in values() {
        for b in [a.saturating_sub(MIN), a.saturating_sub(1), a, a + 1, a + MIN - 1, a + MIN] {
            assert_eq!(pair(&escrow, &contract, a, b), Some(pays(&escrow, a)), "{a} and {b}");
        }
    }
}

#[test]
fn great_differences_settle_in_one_block_only_and_then_pay_the_same() {
    let escrow = Escrow::of(draft(2, 2));
    let (contract, _) = escrow.signed();
    let mut refused = 0;
    for a in values() {
        for b in [a.saturating_sub(MAX), a + MAX, a + MAX + 1, a + 100] {
            if a.abs_diff(b) < MAX {
                continue;
            }
            match pair(&escrow, &contract, a, b) {
                None => refused += 1,
                Some(paid) => assert_eq!((paid, paid), (pays(&escrow, a), pays(&escrow, b)), "{a} and {b}"),
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn no_data_agrees_with_no_data_alone() {
    let escrow = Escrow::of(draft(3, 2));
    let (contract, _) = escrow.signed();
    for value in [0, 330, 700] {
        assert_eq!(pair(&escrow, &contract, value, 1023), None);
        assert_eq!(pair(&escrow, &contract, 1023, value), None);
    }
    // A liar in between brings neither end to it.
    for lie in [700 + MAX - 1, 700 + MAX, 895, 896, 960] {
        assert_eq!(pair(&escrow, &contract, 1023, lie).unwrap_or(Sat(90_000)), Sat(90_000), "{lie}");
        assert_ne!(pair(&escrow, &contract, 700, lie), Some(Sat(90_000)), "{lie}");
    }
    assert_eq!(pair(&escrow, &contract, 1023, 1023), Some(Sat(90_000)));
}

/// Three oracles around every step: whoever broadcasts picks the pair, and with it the level.
#[test]
fn the_broadcasters_choice_stays_within_the_spread() {
    let escrow = Escrow::of(draft(3, 2));
    let (contract, _) = escrow.signed();
    let spread = escrow.agreement().oracles.spread(escrow.deal.table()).unwrap();
    let mut widest = 0;
    for centre in [40, 64, 128, 200, 256, 320, 330, 340, 512] {
        for (left, right) in [(0, 0), (1, 1), (8, 8), (31, 31), (31, 15), (16, 31), (30, 5), (24, 24)] {
            let said = [centre - left, centre + right, centre].map(|value: u64| value);
            let said = [escrow.says(0, said[0]), escrow.says(1, said[1]), escrow.says(2, said[2])];
            let choices: Vec<u64> = [[0, 1], [0, 2], [1, 2]]
                .iter()
                .filter_map(|pair| escrow.settled(&contract, &pair.map(|oracle| said[oracle].clone())))
                .map(|cet| cet.provider_sat.0)
                .collect();
            let (Some(least), Some(most)) = (choices.iter().min(), choices.iter().max()) else { continue };
            assert!(most - least <= spread.sat.0, "{centre} {left} {right}");
            widest = widest.max(most - least);
        }
    }
    println!("the widest choice was {widest} sat, the bound is {} sat", spread.sat);
    assert!(widest > spread.sat.0 / 2, "the bound is not idle: {widest}");
}

#[test]
fn a_spread_above_the_agreed_one_is_refused_before_anything_is_signed() {
    let (agreement, oracles) = draft(3, 2).build();
    let spread = agreement.oracles.spread(&agreement.compile().unwrap()).unwrap();
    let bounded = |max_spread_sat| {
        let (agreement, _) = Draft { tolerance: tolerance(max_spread_sat), ..draft(3, 2) }.build();
        let announcements = oracles.iter().map(|oracle| oracle.announce(&agreement)).collect();
        Deal::new(agreement, announcements)
    };
    bounded(spread.sat.0).unwrap();
    let error = bounded(spread.sat.0 - 1).unwrap_err();
    assert_eq!((error.message, &*error.field), (Message::Agreement, "payout"));
    let most_sat = Sat(spread.sat.0 - 1);
    assert_eq!(error.rule, Rule::Compile(CompileError::Spread { spread, most_sat }));
}

/// The library would panic over them.
#[test]
fn an_agreement_with_exponents_beyond_the_digits_is_refused() {
    let tolerance = Some(Tolerance { max_error_exp: 60, min_fail_exp: 50, max_spread_sat: Sat(0) });
    let (agreement, oracles) = Draft { tolerance, ..draft(3, 2) }.build();
    let announcements = oracles.iter().map(|oracle| oracle.announce(&agreement)).collect();
    let error = Deal::new(agreement, announcements).unwrap_err();
    let Rule::Document(document) = error.rule else { panic!("{}", error.rule) };
    assert_eq!(document.field, "oracles.tolerance.max_error_exp");
}

#[test]
fn an_offer_with_another_tolerance_is_refused() {
    let escrow = Escrow::of(draft(3, 2));
    type Params = Option<dlc_messages::oracle_msgs::OracleParams>;
    let refused = |change: fn(&mut Params)| {
        let error = escrow.refused_offer(|offer| change(params(offer)));
        assert_eq!(error.message, Message::Offer);
        error.field.into_owned()
    };
    let field = "contract_info.oracle_info.oracle_params";
    assert_eq!(refused(|params| *params = None), field);
    assert_eq!(refused(|params| params.as_mut().unwrap().max_error_exp = 6), field);
    assert_eq!(refused(|params| params.as_mut().unwrap().min_fail_exp = 2), field);
    assert_eq!(refused(|params| params.as_mut().unwrap().maximize_coverage = false), field);
}

fn params(offer: &mut OfferDlc) -> &mut Option<dlc_messages::oracle_msgs::OracleParams> {
    let ContractInfo::SingleContractInfo(single) = &mut offer.contract_info else { unreachable!() };
    let OracleInfo::Multi(multi) = &mut single.contract_info.oracle_info else { unreachable!() };
    &mut multi.oracle_params
}

/// What is counted before anything is signed is what is signed.
#[test]
fn as_many_signatures_as_were_counted() {
    let with = |max_error_exp, min_fail_exp| {
        Some(Tolerance { max_error_exp, min_fail_exp, max_spread_sat: Sat(140_000) })
    };
    let drafts = [
        Draft { tolerance: None, ..draft(3, 2) },
        draft(2, 2),
        draft(3, 2),
        draft(4, 3),
        Draft { tolerance: with(1, 0), ..draft(3, 2) },
        Draft { tolerance: with(6, 5), ..draft(3, 2) },
        Draft { tolerance: with(4, 0), ..draft(5, 3) },
        Draft {
            scale: hours(1000),
            schedule: common::documents::steps(),
            tolerance: with(2, 1),
            ..draft(3, 2)
        },
    ];
    for draft in drafts {
        let (oracles, threshold, tolerance) = (draft.oracles, draft.threshold, draft.tolerance.clone());
        let escrow = Escrow::of(draft);
        let accept: AcceptDlc = read(&escrow.accept(&escrow.offer()).bytes());
        let signatures = accept.cet_adaptor_signatures.ecdsa_adaptor_signatures.len() as u64;
        println!("{threshold} of {oracles}, {tolerance:?}: {signatures} signatures");
        assert_eq!(signatures, escrow.deal.table().signatures(&escrow.agreement().oracles));
    }
}

#[test]
fn a_stored_contract_with_a_tolerance_is_read_again_and_settles() {
    let escrow = Escrow::of(draft(3, 2));
    let (contract, _) = escrow.signed();
    let tlvs = escrow.deal.announcements().to_tlvs();
    let [offer, accept, sign] = [contract.offer_bytes(), contract.accept_bytes(), contract.sign_bytes()];
    let loaded = CheckedContract::reload(escrow.agreement().clone(), &tlvs, &offer, &accept, &sign).unwrap();
    let said = [escrow.says(0, 330), escrow.says(2, 329)];
    let [a, b] = [&contract, &loaded].map(|contract| escrow.settled(contract, &said).unwrap());
    assert_eq!(a.transaction.compute_txid(), b.transaction.compute_txid());
    assert_eq!(a.provider_sat, pays(&escrow, 330));
}

/// Three must agree: both others lie within reach of the first.
#[test]
fn three_of_five_settle_past_two_liars() {
    let draft = Draft {
        tolerance: Some(Tolerance { max_error_exp: 4, min_fail_exp: 2, max_spread_sat: Sat(140_000) }),
        ..draft(5, 3)
    };
    let escrow = Escrow::of(draft);
    let (contract, _) = escrow.signed();
    let said = [0, 700, 100, 104, 97];
    let said: Vec<_> = said.iter().enumerate().map(|(oracle, value)| escrow.says(oracle, *value)).collect();
    let cet = escrow.settled(&contract, &said).unwrap();
    assert_eq!((cet.oracles, cet.provider_sat), (vec![2, 3, 4], pays(&escrow, 100)));
}
