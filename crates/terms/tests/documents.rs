//! What is refused before the rules of the fields are asked, and what makes no difference.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use crate::common;

use common::{AGREEMENT, MEASUREMENT, agreement, measurement, refused_agreement, refused_measurement, with};
use serde_json::json;
use terms::canonical::{self, MAX_DOCUMENT_BYTES};
use terms::{Agreement, Measurement};

/// The golden agreement with a piece of its text replaced.
fn agreement_text(from: &str, to: &str) -> Vec<u8> {
    let text = str::from_utf8(AGREEMENT).unwrap();
    assert!(text.contains(from), "nothing to replace");
    text.replacen(from, to, 1).into_bytes()
}

fn refused(text: &[u8]) -> (String, String) {
    let error = Agreement::parse(text).expect_err("must be refused");
    (error.field, error.rule)
}

#[test]
fn a_document_is_read_back_from_its_canonical_form() {
    assert_eq!(Agreement::parse(&agreement().canonical()).unwrap(), agreement());
    assert_eq!(Measurement::parse(&measurement().canonical()).unwrap(), measurement());
}

#[test]
fn key_order_and_white_space_do_not_change_the_hash() {
    // serde_json's own maps sort their keys, the golden file does not.
    let sorted = with(AGREEMENT, &[]);
    assert_ne!(sorted, AGREEMENT);
    assert_eq!(Agreement::parse(&sorted).unwrap().terms_hash(), agreement().terms_hash());
}

#[test]
fn the_canonical_form_is_sorted_and_without_white_space() {
    let text = String::from_utf8(measurement().canonical()).unwrap();
    assert!(
        text.starts_with(r#"{"indeterminate_above_ppm":100000,"indicator":{"availability":{}},"#),
        "{text}"
    );
    assert!(!text.contains(' ') && !text.contains('\n'));
}

#[test]
fn a_key_that_appears_twice_is_refused_at_every_level() {
    let cases = [
        (r#""v": 1,"#, r#""v": 1, "v": 1,"#, "v"),
        (
            r#""timeout_ms": 5000,"#,
            r#""timeout_ms": 5000, "timeout_ms": 1,"#,
            "measurement.target.timeout_ms",
        ),
        (
            r#""availability": {}"#,
            r#""availability": {}, "availability": {}"#,
            "measurement.indicator.availability",
        ),
        (r#""digits": 20,"#, r#""digits": 20, "digits": 20,"#, "measurement.outcome.numeric.digits"),
        (
            r#""price_back_ppm": 100000,"#,
            r#""price_back_ppm": 100000, "price_back_ppm": 0,"#,
            "payout.schedule.numeric.pieces[1].credit.price_back_ppm",
        ),
        // The same key, spelled with an escape.
        (r#""v": 1,"#, r#""v": 1, "\u0076": 1,"#, "v"),
    ];
    for (from, to, field) in cases {
        let (got, rule) = refused(&agreement_text(from, to));
        assert_eq!(got, field);
        assert!(rule.starts_with("appears twice"), "{rule}");
    }
}

#[test]
fn an_unknown_field_is_refused_and_named_at_every_level() {
    for field in [
        "/colour",
        "/measurement/colour",
        "/measurement/target/colour",
        "/measurement/target/expect/colour",
        "/measurement/indicator/availability/colour",
        "/measurement/method/ratio_timeslices/colour",
        "/measurement/outcome/numeric/colour",
        "/measurement/window/colour",
        "/oracles/colour",
        "/provider/colour",
        "/payout/colour",
        "/payout/schedule/numeric/colour",
        "/payout/schedule/numeric/pieces/2/credit/colour",
        "/payout/indeterminate/colour",
    ] {
        let error = refused_agreement(&[(field, json!(1))]);
        let expected = field[1..].replace('/', ".").replace("pieces.2", "pieces[2]");
        assert_eq!(error.field, expected);
        assert!(error.rule.starts_with("unknown field"), "{}", error.rule);
    }
}

#[test]
fn an_unknown_variant_is_refused() {
    let error = refused_measurement(&[("/indicator", json!({"mood": {}}))]);
    assert_eq!(error.field, "indicator");
    assert!(error.rule.contains("unknown variant"), "{}", error.rule);
}

#[test]
fn a_variant_beside_another_is_refused() {
    let both = json!({"availability": {}, "latency": {"threshold_ms": 1}});
    assert_eq!(refused_measurement(&[("/indicator", both)]).field, "indicator");
}

#[test]
fn a_missing_field_is_named() {
    let error = refused_agreement(&[("/measurement/outcome/numeric/digits", json!(null))]);
    assert_eq!(error.field, "measurement.outcome.numeric.digits");
    assert!(error.rule.starts_with("missing field"), "{}", error.rule);
}

#[test]
fn only_integers_from_0_to_2_to_the_53_minus_1_are_numbers() {
    for (number, rule) in [
        ("1000000.0", "must be an integer"),
        ("1e6", "must be an integer"),
        ("1.5", "must be an integer"),
        ("-0", "must be an integer"),
        ("-1", "-1 is negative"),
        ("9007199254740992", "9007199254740992 is above 2^53 - 1"),
        ("18446744073709551615", "18446744073709551615 is above 2^53 - 1"),
        ("18446744073709551616", "must be an integer"),
        ("01000000", "invalid number"),
    ] {
        let text = agreement_text(r#""price_sat": 1000000"#, &format!(r#""price_sat": {number}"#));
        let (field, got) = refused(&text);
        assert_eq!(field, "price_sat", "{number}");
        assert!(got.starts_with(rule), "{number}: {got}");
    }
}

#[test]
fn two_to_the_53_minus_1_itself_is_read() {
    let text = agreement_text(r#""price_sat": 1000000"#, r#""price_sat": 9007199254740991"#);
    // The rule of the field, not that of the number.
    assert_eq!(refused(&text).1, "must be at most 2100000000000000 (21 million bitcoin)");
}

#[test]
fn a_wrong_type_names_the_field() {
    let error = refused_agreement(&[("/price_sat", json!("1000000"))]);
    assert_eq!(error.field, "price_sat");
    let error = refused_agreement(&[("/provider/key", json!("AB"))]);
    assert_eq!(error.field, "provider.key");
    assert!(error.rule.starts_with("must be 64 lower-case hex digits"), "{}", error.rule);
}

#[test]
fn what_is_written_must_be_what_is_meant() {
    let error = refused_measurement(&[("/exclusions", json!([]))]);
    assert_eq!(
        (error.field.as_str(), error.rule.as_str()),
        ("exclusions", "says nothing and must be left out")
    );

    let null =
        agreement_text(r#""body_max_bytes": 65536"#, r#""body_max_bytes": 65536, "body_contains": null"#);
    assert_eq!(refused(&null).0, "measurement.target.expect.body_contains");

    // Serde's derived readers also take a list of a struct's fields in their order.
    let error = refused_measurement(&[("/window", json!([1_622_505_600, 1_625_097_600]))]);
    assert_eq!(
        (error.field.as_str(), error.rule.as_str()),
        ("window", "must be an object with named fields")
    );
}

#[test]
fn something_after_the_document_is_refused() {
    let mut text = AGREEMENT.to_vec();
    text.extend(b" {}");
    assert_eq!(refused(&text), ("document".to_owned(), "something follows after its end".to_owned()));
}

#[test]
fn a_cut_document_is_refused_at_every_byte() {
    let whole = agreement().canonical();
    for length in 0..whole.len() {
        assert!(Agreement::parse(&whole[..length]).is_err(), "cut to {length} bytes");
    }
}

#[test]
fn a_document_that_is_too_long_is_refused_unread() {
    let (field, rule) = refused(&vec![b' '; MAX_DOCUMENT_BYTES + 1]);
    assert_eq!(field, "document");
    assert_eq!(rule, "is longer than 262144 bytes");
}

#[test]
fn deep_nesting_is_refused() {
    let nested = format!("{}{}", "[".repeat(17), "]".repeat(17));
    let error = canonical::parse::<serde_json::Value>(nested.as_bytes()).unwrap_err();
    assert!(error.rule.starts_with("is nested more than 16 levels deep"), "{}", error.rule);

    let bomb = "[".repeat(MAX_DOCUMENT_BYTES);
    assert!(canonical::parse::<serde_json::Value>(bomb.as_bytes()).is_err());
    let fits = format!("{}{}", "[".repeat(16), "]".repeat(16));
    assert!(canonical::parse::<serde_json::Value>(fits.as_bytes()).is_ok());
}

#[test]
fn invalid_utf8_is_refused() {
    let mut text = AGREEMENT.to_vec();
    let at = text.windows(7).position(|part| part == b"regtest").unwrap();
    text[at] = 0xff;
    assert!(Agreement::parse(&text).is_err());
}

#[test]
fn an_error_quotes_a_stranger_briefly_and_without_control_characters() {
    let key = format!("\u{1b}[31m{}", "x".repeat(100_000));
    let text = serde_json::to_vec(&json!({ key: 1 })).unwrap();
    let (field, rule) = refused(&text);
    for text in [field, rule] {
        assert!(text.chars().count() <= 400);
        assert!(!text.contains('\u{1b}'));
    }
}

#[test]
fn the_measurement_inside_an_agreement_is_what_its_event_id_names() {
    let other = with(MEASUREMENT, &[("/target/url", json!("http://edge.example/other"))]);
    let other: serde_json::Value = serde_json::from_slice(&other).unwrap();
    let error = refused_agreement(&[("/measurement", other)]);
    assert_eq!(error.field, "event_id");
    assert!(error.rule.contains("sla1-"), "{}", error.rule);
}
