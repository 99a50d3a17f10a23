//! Decimals are exact, bounded, and spelled in one way.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use proptest::prelude::*;
use terms::Decimal;

fn read(text: &str) -> Option<String> {
    Decimal::from_number(text).map(|decimal| decimal.to_string())
}

#[test]
fn numbers_of_json_and_prometheus_are_read_exactly() {
    for (text, value) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0.1", "0.1"),
        ("12.50", "12.5"),
        ("1e3", "1000"),
        ("1.25E+1", "12.5"),
        ("1.5e-07", "0.00000015"),
        ("0.30000000000000004", "0.3"),
        ("999999999999999.999999999999999", "999999999999999.999999999999999"),
        ("0.000000000000001", "0.000000000000001"),
        // Cut off, not rounded.
        ("0.0000000000000019", "0.000000000000001"),
        ("-0.9999999999999999", "-0.999999999999999"),
        ("1e-400", "0"),
        ("0e999", "0"),
    ] {
        assert_eq!(read(text).as_deref(), Some(value), "{text}");
    }
    for text in [
        "",
        "-",
        "+Inf",
        "NaN",
        "1e15",
        "1e2147483647",
        "1e99999999999",
        "0x10",
        "1_000",
        "1 ",
        "--1",
        ".",
        "1e",
    ] {
        assert_eq!(read(text), None, "{text:?}");
    }
}

#[test]
fn a_document_spells_a_decimal_in_one_way() {
    for text in ["0", "7", "-7", "12.5", "0.000000000000001"] {
        assert_eq!(Decimal::parse(text).unwrap().to_string(), text);
    }
    for text in ["-0", "07", "+7", "12.50", "1e3", ".5", "5.", "0.0000000000000001", "1000000000000000"] {
        assert_eq!(Decimal::parse(text), None, "{text}");
    }
}

#[test]
fn a_sum_of_the_most_and_largest_readings_is_exact() {
    let largest = Decimal::from_number("-999999999999999.999999999999999").unwrap();
    let sum = Decimal::total(std::iter::repeat_n(largest, 50_000_000)).unwrap();
    assert_eq!(sum.to_string(), "-49999999999999999999999.99999995");
    assert_eq!(Decimal::parse_total(&sum.to_string()), Some(sum));
    assert_eq!(Decimal::parse(&sum.to_string()), None, "no reading is that large");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_what_was_read_is_written_and_read_again(text in "[-+]?[0-9.]{0,40}([eE][-+]?[0-9]{1,4})?") {
        if let Some(decimal) = Decimal::from_number(&text) {
            prop_assert_eq!(Decimal::parse(&decimal.to_string()), Some(decimal));
            prop_assert_eq!(Decimal::parse_total(&decimal.to_string()), Some(decimal));
        }
    }
}
