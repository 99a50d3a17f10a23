//! What an oracle signs for an outcome, and what signed strings mean.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use proptest::prelude::*;
use terms::{EnumScale, Level, NumericScale, Outcome, OutcomeValue, Scale, Worse};

fn ppm() -> Scale {
    Scale::Numeric(NumericScale::ppm())
}

fn levels() -> Scale {
    let level = |name: &str, from| Level { name: name.to_owned(), from: OutcomeValue(from) };
    Scale::Enum(EnumScale {
        levels: vec![level("good", 0), level("fair", 1001), level("bad", 10_001)],
        indeterminate: "unknown".to_owned(),
        worse: Worse::Higher,
    })
}

fn digits(text: &str) -> Vec<String> {
    text.chars().map(String::from).collect()
}

fn value(value: u64) -> Outcome {
    Outcome::Value(OutcomeValue(value))
}

#[test]
fn a_number_is_signed_as_digits_with_the_most_significant_first() {
    // 1002 = 0b1111101010
    assert_eq!(ppm().encode(&value(1002)), Some(digits("00000000001111101010")));
    assert_eq!(ppm().decode(&digits("00000000001111101010")), Some(value(1002)));
}

#[test]
fn a_value_above_max_is_signed_as_max_and_never_truncated() {
    assert_eq!(ppm().encode(&value(1_000_001)), ppm().encode(&value(1_000_000)));
    assert_eq!(ppm().encode(&value(u64::MAX)), ppm().encode(&value(1_000_000)));
}

#[test]
fn indeterminate_is_signed_as_all_ones_and_read_from_the_whole_block() {
    assert_eq!(ppm().encode(&Outcome::Indeterminate), Some(digits(&"1".repeat(20))));
    assert_eq!(ppm().decode(&digits(&"1".repeat(20))), Some(Outcome::Indeterminate));
    // 2^20 - 2^15, and the value before.
    assert_eq!(ppm().decode(&digits("11111000000000000000")), Some(Outcome::Indeterminate));
    assert_eq!(ppm().decode(&digits("11110111111111111111")), Some(value(1_000_000)));
}

#[test]
fn strings_that_are_not_of_the_scale_are_none() {
    for strings in [
        digits("0000000000111110101"),
        digits("000000000011111010100"),
        digits("00000000001111101012"),
        vec![],
        vec!["00000000001111101010".to_owned()],
        vec!["good".to_owned()],
        vec![String::new(); 20],
        vec!["01".to_owned(); 20],
    ] {
        assert_eq!(ppm().decode(&strings), None, "{strings:?}");
    }
    for strings in [vec![], vec!["great".to_owned()], vec!["good".to_owned(), "good".to_owned()], digits("0")]
    {
        assert_eq!(levels().decode(&strings), None, "{strings:?}");
    }
}

#[test]
fn an_outcome_of_another_kind_is_none() {
    assert_eq!(ppm().encode(&Outcome::Level("good".to_owned())), None);
    assert_eq!(levels().encode(&value(0)), None);
    assert_eq!(levels().encode(&Outcome::Level("great".to_owned())), None);
    // There is one way to say it.
    assert_eq!(levels().encode(&Outcome::Level("unknown".to_owned())), None);
}

#[test]
fn a_level_is_signed_by_its_name() {
    for name in ["good", "fair", "bad"] {
        let outcome = Outcome::Level(name.to_owned());
        assert_eq!(levels().encode(&outcome), Some(vec![name.to_owned()]));
        assert_eq!(levels().decode(&[name.to_owned()]), Some(outcome));
    }
    assert_eq!(levels().encode(&Outcome::Indeterminate), Some(vec!["unknown".to_owned()]));
    assert_eq!(levels().decode(&["unknown".to_owned()]), Some(Outcome::Indeterminate));
}

#[test]
fn a_reading_falls_to_the_level_that_covers_it() {
    for (reading, name) in [(0, "good"), (1000, "good"), (1001, "fair"), (10_000, "fair"), (u64::MAX, "bad")]
    {
        assert_eq!(levels().classify(reading), Outcome::Level(name.to_owned()), "{reading}");
    }
}

#[test]
fn a_reading_above_max_is_clamped() {
    assert_eq!(ppm().classify(1_000_000), value(1_000_000));
    assert_eq!(ppm().classify(u64::MAX), value(1_000_000));
}

#[test]
fn an_enum_announces_its_levels_and_the_indeterminate_one_last() {
    let Scale::Enum(scale) = levels() else { unreachable!() };
    assert_eq!(scale.names().collect::<Vec<_>>(), ["good", "fair", "bad", "unknown"]);
}

#[test]
fn a_scale_with_more_digits_than_a_document_may_have_signs_nothing_and_does_not_panic() {
    let scale = Scale::Numeric(NumericScale { digits: 1000, ..NumericScale::ppm() });
    assert_eq!(scale.encode(&Outcome::Indeterminate), None);
    assert_eq!(scale.decode(&digits(&"1".repeat(1000))), None);
    assert!(scale.validate().is_err());
}

#[test]
fn a_count_gets_as_few_digits_as_hold_it_below_a_block() {
    for (max, digits, indeterminate_from) in
        [(0, 1, 1), (1, 2, 2), (2, 2, 3), (3, 3, 4), (48, 6, 56), (72, 7, 96)]
    {
        let scale = NumericScale::count("h", max).unwrap();
        assert_eq!((scale.digits, scale.indeterminate_from.0), (digits, indeterminate_from), "0 to {max}");
        Scale::Numeric(scale).validate().unwrap();
    }
    assert_eq!(NumericScale::count("h", 1 << 24), None);
}

proptest! {
    #[test]
    fn every_value_up_to_max_is_read_as_it_was_signed(reading in 0..=1_000_000_u64) {
        let signed = ppm().encode(&value(reading)).unwrap();
        prop_assert_eq!(ppm().decode(&signed), Some(value(reading)));
    }

    #[test]
    fn every_count_gives_a_valid_scale(max in 0..(1_u64 << 24) - 1) {
        let scale = Scale::Numeric(NumericScale::count("h", max).unwrap());
        prop_assert_eq!(scale.validate(), Ok(()));
        prop_assert_eq!(scale.decode(&scale.encode(&Outcome::Indeterminate).unwrap()), Some(Outcome::Indeterminate));
        prop_assert_eq!(scale.decode(&scale.encode(&value(max)).unwrap()), Some(value(max)));
    }
}
