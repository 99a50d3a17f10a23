//! What a schedule pays, worked out by hand.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use crate::common;

use serde_json::{Value, json};
use terms::{
    Agreement, CompileError, Credit, EnumScale, Level, LevelPayout, NumericScale, Outcome, OutcomeValue,
    Payout, PayoutTable, Piece, Ppm, Sat, Scale, Schedule, Segment, Side, Worse,
};

const PRICE: Sat = Sat(1_000_000);
const BOND: Sat = Sat(500_000);

fn numeric(pieces: Vec<Piece>, quantum_bits: u64) -> Payout {
    let schedule = Schedule::Numeric { pieces, quantum_bits };
    Payout { schedule, indeterminate: Credit::NONE, round_to: Side::Buyer }
}

fn compile(payout: &Payout) -> Result<PayoutTable, CompileError> {
    PayoutTable::compile(payout, &Scale::Numeric(NumericScale::ppm()), PRICE, BOND)
}

/// A scale from 0 to 63 hours whose indeterminate block is 96 to 127.
fn hours() -> Scale {
    let scale = NumericScale { digits: 7, max: OutcomeValue(63), ..NumericScale::count("h", 72).unwrap() };
    Scale::Numeric(scale)
}

fn segments(table: &PayoutTable) -> Vec<(u64, u64, u64)> {
    let PayoutTable::Numeric { segments, .. } = table else { panic!("not numeric") };
    segments.iter().map(|Segment { start, end, provider_sat }| (start.0, end.0, provider_sat.0)).collect()
}

fn at(table: &PayoutTable, value: u64) -> u64 {
    table.at_value(OutcomeValue(value)).unwrap().0
}

#[test]
fn an_s3_month_is_four_steps_and_the_indeterminate_block() {
    let table = common::agreement().compile().unwrap();
    assert_eq!(
        segments(&table),
        [
            (0, 1_000, 1_500_000),
            (1_001, 10_000, 1_400_000),
            (10_001, 50_000, 1_250_000),
            // The last step goes on past max (1,000,000) up to the indeterminate block.
            (50_001, 1_015_807, 500_000),
            (1_015_808, 1_048_575, 1_500_000),
        ]
    );
    assert_eq!(at(&table, 1002), 1_400_000);
    assert_eq!(table.total_sat().0 - at(&table, 1002), 100_000);
}

#[test]
fn a_sketch_pays_as_the_table_does_and_also_where_nobody_could_sign() {
    let payout = common::agreement().payout;
    let scale = Scale::Numeric(NumericScale::ppm());
    let sketch = |price, bond| PayoutTable::sketch(&payout, &scale, Sat(price), Sat(bond));
    assert_eq!(sketch(PRICE.0, BOND.0).unwrap(), common::agreement().compile().unwrap());
    // A tenth of 5,000 sat is dust, and 7 sat are no price.
    assert!(PayoutTable::compile(&payout, &scale, Sat(5_000), BOND).is_err());
    assert_eq!(at(&sketch(5_000, 0).unwrap(), 1_001), 4_500);
    assert_eq!(at(&sketch(7, 0).unwrap(), 1_001), 6);
    assert!(sketch(21_000_000 * 100_000_000, 1).is_err());
}

#[test]
fn values_outside_the_digits_and_outcomes_of_another_kind_pay_nothing() {
    let table = common::agreement().compile().unwrap();
    assert_eq!(table.at_value(OutcomeValue(1_048_575)), Some(Sat(1_500_000)));
    assert_eq!(table.at_value(OutcomeValue(1_048_576)), None);
    assert_eq!(table.at(&Outcome::Indeterminate), Some(Sat(1_500_000)));
    assert_eq!(table.at(&Outcome::Value(OutcomeValue(1_015_807))), Some(Sat(500_000)));
    // A value in the block is no value: what was meant is ambiguous, so nothing is answered.
    assert_eq!(table.at(&Outcome::Value(OutcomeValue(1_015_808))), None);
    assert_eq!(table.at(&Outcome::Level("good".to_owned())), None);
}

#[test]
fn a_ramp_moves_at_multiples_of_its_quantum_and_not_at_its_own_start() {
    // From 5 to 21 the price goes from nothing to all; quanta of 4. Steps at 8, 12, 16 and 20, evaluated there.
    let pieces = vec![
        Piece::step(0, Credit::NONE),
        Piece::ramp(5, Credit::NONE, Credit::of_price(1_000_000)),
        Piece::step(21, Credit::of_price(1_000_000)),
    ];
    let table = PayoutTable::compile(&numeric(pieces, 2), &hours(), Sat(16_000), Sat(0)).unwrap();
    assert_eq!(
        segments(&table),
        [
            // The step before pays the same as the ramp's first quantum.
            (0, 7, 16_000),
            // 3/16, 7/16, 11/16 and 15/16 of the way.
            (8, 11, 13_000),
            (12, 15, 9_000),
            (16, 19, 5_000),
            (20, 20, 1_000),
            (21, 95, 0),
            (96, 127, 16_000),
        ]
    );
}

#[test]
fn the_last_ramp_ends_at_max_and_values_above_pay_like_max() {
    // 63 is not a multiple of 8, so the last quantum starts at 56: 56/63 = 8/9 of the bond.
    let forfeit = Credit { price_back_ppm: Ppm(0), bond_forfeit_ppm: Ppm(1_000_000) };
    let table = PayoutTable::compile(
        &numeric(vec![Piece::ramp(0, Credit::NONE, forfeit)], 3),
        &hours(),
        Sat(0),
        Sat(90_000),
    )
    .unwrap();
    assert_eq!(at(&table, 0), 90_000);
    // 48/63 of 90,000 are 68,571.4; the fraction goes to the buyer.
    assert_eq!(at(&table, 55), 90_000 - 68_572);
    assert_eq!(at(&table, 56), 10_000);
    assert_eq!(at(&table, 63), 10_000);
    assert_eq!(at(&table, 95), 10_000);
}

#[test]
fn a_ramp_reaches_its_end_at_a_max_that_is_a_multiple_of_the_quantum() {
    let scale = NumericScale { max: OutcomeValue(64), digits: 7, ..NumericScale::count("h", 72).unwrap() };
    let payout = numeric(vec![Piece::ramp(0, Credit::NONE, Credit::of_price(1_000_000))], 4);
    let table = PayoutTable::compile(&payout, &Scale::Numeric(scale), Sat(4_000), Sat(0)).unwrap();
    assert_eq!(
        segments(&table),
        [(0, 15, 4_000), (16, 31, 3_000), (32, 47, 2_000), (48, 63, 1_000), (64, 95, 0), (96, 127, 4_000)]
    );
    assert_eq!(table.signature_estimate(), 6, "one a segment: all are aligned, 64..=95 too");
}

#[test]
fn a_fraction_of_a_satoshi_goes_to_the_side_that_the_agreement_names() {
    // A third of a millionth: 100,001 * 0.5 = 50,000.5.
    let credit = Credit::of_price(500_000);
    for (round_to, buyer_sat) in [(Side::Buyer, 50_001), (Side::Provider, 50_000)] {
        let payout = Payout { round_to, ..numeric(vec![Piece::step(0, credit)], 0) };
        let table = PayoutTable::compile(&payout, &hours(), Sat(100_001), Sat(0)).unwrap();
        assert_eq!(at(&table, 0), 100_001 - buyer_sat);
    }
}

#[test]
fn price_and_bond_are_summed_before_the_one_rounding() {
    // 50,000.5 of the price and 50,000.5 of the bond are 100,001 together; rounded one by one they would be 100,002.
    let credit = Credit { price_back_ppm: Ppm(500_000), bond_forfeit_ppm: Ppm(500_000) };
    let payout = numeric(vec![Piece::step(0, credit)], 0);
    let table = PayoutTable::compile(&payout, &hours(), Sat(100_001), Sat(100_001)).unwrap();
    assert_eq!(at(&table, 0), 100_001);
}

#[test]
fn the_largest_amounts_on_the_longest_ramp_do_not_overflow() {
    let scale = NumericScale::count("s", (1 << 24) - 2).unwrap();
    let payout = numeric(vec![Piece::ramp(0, Credit::NONE, Credit::ALL)], 13);
    let half = Sat(1_050_000_000_000_000);
    let table = PayoutTable::compile(&payout, &Scale::Numeric(scale), half, half).unwrap();
    assert_eq!(at(&table, 0), 2_100_000_000_000_000);
    // 2,048 quanta, and the block of one value.
    assert_eq!(segments(&table).len(), 2_049);
    // 8,192 of 16,777,214 are 1,025,390,747,236.1...; the fraction goes to the buyer.
    assert_eq!(at(&table, 8_192), 2_100_000_000_000_000 - 1_025_390_747_237);
}

#[test]
fn dust_is_refused_and_named_for_either_side() {
    let little = vec![Piece::step(0, Credit::NONE), Piece::step(7, Credit::of_price(999))];
    assert_eq!(
        compile(&numeric(little, 0)),
        Err(CompileError::Dust { outcome: "7".to_owned(), side: Side::Buyer, sat: Sat(999) })
    );
    let nearly_all = Credit { price_back_ppm: Ppm(1_000_000), bond_forfeit_ppm: Ppm(999_998) };
    assert_eq!(
        compile(&numeric(vec![Piece::step(0, Credit::NONE), Piece::step(9, nearly_all)], 0)),
        Err(CompileError::Dust { outcome: "9".to_owned(), side: Side::Provider, sat: Sat(1) })
    );
}

#[test]
fn a_ramp_through_dust_is_refused_at_its_first_quantum() {
    let pieces = vec![Piece::ramp(0, Credit::NONE, Credit::of_price(1_000_000))];
    assert_eq!(
        compile(&numeric(pieces, 9)),
        // 512 ppm of a million.
        Err(CompileError::Dust { outcome: "512".to_owned(), side: Side::Buyer, sat: Sat(512) })
    );
}

#[test]
fn dust_when_nobody_could_measure_is_refused_too() {
    let payout =
        Payout { indeterminate: Credit::of_price(1), ..numeric(vec![Piece::step(0, Credit::NONE)], 0) };
    let error = compile(&payout).unwrap_err();
    assert_eq!(
        error,
        CompileError::Dust { outcome: "indeterminate".to_owned(), side: Side::Buyer, sat: Sat(1) }
    );
    assert_eq!(
        error.to_string(),
        "payout.schedule: at outcome indeterminate the buyer would get 1 sat; an output must be 0 or at least 1000 sat"
    );
}

#[test]
fn a_thousand_satoshis_are_no_dust() {
    compile(&numeric(vec![Piece::step(0, Credit::of_price(1000))], 0)).unwrap();
}

#[test]
fn more_for_a_worse_outcome_is_refused_and_named() {
    let pieces = vec![Piece::step(0, Credit::of_price(10_000)), Piece::step(5, Credit::of_price(5_000))];
    let error = CompileError::PaysMoreForWorse {
        outcome: "5".to_owned(),
        worse_sat: Sat(1_495_000),
        better_sat: Sat(1_490_000),
    };
    assert_eq!(compile(&numeric(pieces.clone(), 0)), Err(error));

    // Where less is worse, the same schedule is right, and its mirror image is not.
    let lower = Scale::Numeric(NumericScale { worse: Worse::Lower, ..NumericScale::ppm() });
    PayoutTable::compile(&numeric(pieces, 0), &lower, PRICE, BOND).unwrap();
    let mirrored = vec![Piece::step(0, Credit::of_price(5_000)), Piece::step(5, Credit::of_price(10_000))];
    let error = CompileError::PaysMoreForWorse {
        outcome: "4".to_owned(),
        worse_sat: Sat(1_495_000),
        better_sat: Sat(1_490_000),
    };
    assert_eq!(PayoutTable::compile(&numeric(mirrored, 0), &lower, PRICE, BOND), Err(error));
}

#[test]
fn the_indeterminate_payout_may_lie_on_either_side() {
    for indeterminate in [Credit::NONE, Credit::ALL] {
        let payout = Payout { indeterminate, ..numeric(vec![Piece::step(0, Credit::of_price(10_000))], 0) };
        compile(&payout).unwrap();
    }
}

#[test]
fn steps_that_pay_the_same_become_one() {
    let same = vec![
        Piece::step(0, Credit::NONE),
        Piece::step(3, Credit::NONE),
        Piece::step(5, Credit::of_price(10_000)),
    ];
    let table = compile(&numeric(same, 0)).unwrap();
    assert_eq!(segments(&table)[..2], [(0, 4, 1_500_000), (5, 1_015_807, 1_490_000)]);
}

#[test]
fn a_ramp_of_too_many_steps_is_refused_before_they_are_made() {
    let pieces = vec![Piece::ramp(0, Credit::NONE, Credit::of_price(1_000_000))];
    let error = compile(&numeric(pieces, 0)).unwrap_err();
    assert_eq!(error, CompileError::TooManySegments { segments: 1_000_002, most: 4096 });
    assert!(error.to_string().contains("take a larger quantum"));
}

#[test]
fn a_schedule_must_fit_its_scale() {
    let step = |from| Piece::step(from, Credit::of_price(10_000));
    let ramp_at_max = vec![step(0), Piece::ramp(63, Credit::of_price(10_000), Credit::ALL)];
    for (payout, field) in [
        (numeric(vec![step(0), step(64)], 0), "payout.schedule.numeric.pieces[1].from"),
        (numeric(ramp_at_max, 0), "payout.schedule.numeric.pieces[1].ramp_to"),
        (numeric(vec![step(0)], 7), "payout.schedule.numeric.quantum_bits"),
        (by_level(&[("good", Credit::NONE)]), "payout.schedule"),
    ] {
        match PayoutTable::compile(&payout, &hours(), PRICE, BOND) {
            Err(CompileError::Mismatch { field: got, .. }) => assert_eq!(got, field),
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn a_schedule_that_starts_late_or_shares_too_much_is_refused_when_it_is_compiled_unchecked() {
    let late = numeric(vec![Piece::step(1, Credit::NONE)], 0);
    let much = numeric(vec![Piece::step(0, Credit::of_price(1_000_001))], 0);
    for (payout, field) in [(late, "pieces[0].from"), (much, "pieces[0].credit.price_back_ppm")] {
        match compile(&payout) {
            Err(CompileError::Invalid(error)) => {
                assert_eq!(error.field, format!("payout.schedule.numeric.{field}"))
            }
            other => panic!("{field}: {other:?}"),
        }
    }
}

fn by_level(paid: &[(&str, Credit)]) -> Payout {
    let paid = paid.iter().map(|&(level, credit)| LevelPayout { level: level.to_owned(), credit });
    Payout { schedule: Schedule::Levels(paid.collect()), indeterminate: Credit::NONE, round_to: Side::Buyer }
}

fn two_levels() -> Scale {
    let level = |name: &str, from| Level { name: name.to_owned(), from: OutcomeValue(from) };
    Scale::Enum(EnumScale {
        levels: vec![level("good", 0), level("bad", 1001)],
        indeterminate: "unknown".to_owned(),
        worse: Worse::Higher,
    })
}

#[test]
fn an_enum_pays_each_level_and_the_indeterminate_one_last() {
    let payout = by_level(&[("good", Credit::NONE), ("bad", Credit::ALL)]);
    let table = PayoutTable::compile(&payout, &two_levels(), PRICE, BOND).unwrap();
    let level = |name: &str, sat| (name.to_owned(), Sat(sat));
    let levels = vec![level("good", 1_500_000), level("bad", 0), level("unknown", 1_500_000)];
    assert_eq!(table, PayoutTable::Levels { total_sat: Sat(1_500_000), levels });
    assert_eq!(table.at(&Outcome::Level("bad".to_owned())), Some(Sat(0)));
    assert_eq!(table.at(&Outcome::Indeterminate), Some(Sat(1_500_000)));
    assert_eq!(table.at(&Outcome::Level("unknown".to_owned())), None);
    assert_eq!(table.at(&Outcome::Value(OutcomeValue(0))), None);
    assert_eq!(table.at_value(OutcomeValue(0)), None);
    assert_eq!(table.signature_estimate(), 3);
}

#[test]
fn an_enum_schedule_names_exactly_the_levels_in_their_order() {
    let none = Credit::NONE;
    for (payout, field) in [
        (by_level(&[("good", none)]), "payout.schedule.levels"),
        (by_level(&[("bad", none), ("good", none)]), "payout.schedule.levels[0].level"),
        (by_level(&[("good", none), ("bad", none), ("unknown", none)]), "payout.schedule.levels[2].level"),
        (numeric(vec![Piece::step(0, none)], 0), "payout.schedule"),
    ] {
        match PayoutTable::compile(&payout, &two_levels(), PRICE, BOND) {
            Err(CompileError::Mismatch { field: got, .. }) => assert_eq!(got, field),
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn an_enum_pays_no_more_for_a_worse_level_and_no_dust() {
    let upside_down = by_level(&[("good", Credit::ALL), ("bad", Credit::NONE)]);
    let error = PayoutTable::compile(&upside_down, &two_levels(), PRICE, BOND).unwrap_err();
    assert!(matches!(error, CompileError::PaysMoreForWorse { outcome, .. } if outcome == "bad"));
    let dusty = by_level(&[("good", Credit::NONE), ("bad", Credit::of_price(5))]);
    let error = PayoutTable::compile(&dusty, &two_levels(), PRICE, BOND).unwrap_err();
    assert_eq!(error, CompileError::Dust { outcome: "bad".to_owned(), side: Side::Buyer, sat: Sat(5) });
}

#[test]
fn an_enum_agreement_is_read_and_compiled() {
    let scale: Value = serde_json::to_value(two_levels()).unwrap();
    let document = common::agreement_about(&[("/outcome", scale)]);
    let payout = serde_json::to_value(by_level(&[("good", Credit::NONE), ("bad", Credit::ALL)])).unwrap();
    let agreement = Agreement::parse(&common::with(&document, &[("/payout", payout)])).unwrap();
    assert_eq!(agreement.compile().unwrap().at(&Outcome::Level("bad".to_owned())), Some(Sat(0)));
}

#[test]
fn aligned_steps_cost_about_one_signature_and_unaligned_ones_many() {
    // Edges at 1001, 10,001 and 50,001 fall anywhere.
    assert_eq!(common::agreement().compile().unwrap().signature_estimate(), 7 + 12 + 16 + 17 + 1);
    let aligned = vec![
        Piece::step(0, Credit::NONE),
        Piece::step(1 << 10, Credit::of_price(100_000)),
        Piece::step(1 << 14, Credit::of_price(250_000)),
        Piece::step(1 << 16, Credit::of_price(1_000_000)),
    ];
    assert!(compile(&numeric(aligned, 0)).unwrap().signature_estimate() < 20);
}

#[test]
fn a_compiled_table_reads_well_as_json() {
    let payout = by_level(&[("good", Credit::NONE), ("bad", Credit::ALL)]);
    let table = PayoutTable::compile(&payout, &two_levels(), PRICE, BOND).unwrap();
    assert_eq!(
        serde_json::to_value(table).unwrap(),
        json!({"levels": {"total_sat": 1_500_000, "levels": [["good", 1_500_000], ["bad", 0], ["unknown", 1_500_000]]}})
    );
}
