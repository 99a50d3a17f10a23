//! Problems and the owner API's shapes, as they stand on the wire.

use protocol::owner::{AddressRequest, EscrowView, PurchaseRequest, WithdrawalAmount, WithdrawalRequest};
use protocol::{EnvelopeError, Problem, ProblemType};
use serde_json::json;
use terms::{DocumentError, Sat, canonical};

fn withdrawal(text: &str) -> Result<WithdrawalAmount, DocumentError> {
    canonical::parse::<WithdrawalRequest>(text.as_bytes())?.amount()
}

#[test]
fn a_problem_names_type_title_status_detail_and_field() {
    let problem = Problem::new(ProblemType::BadInput, "must be positive").at("amount_sat");
    let written: serde_json::Value = serde_json::from_slice(&problem.bytes()).unwrap();
    let expected = json!({
        "type": "urn:earnest:problem:bad-input",
        "title": "The input breaks a rule",
        "status": 400,
        "detail": "must be positive",
        "field": "amount_sat",
    });
    assert_eq!(written, expected);
    assert_eq!(problem.to_string(), "The input breaks a rule: amount_sat: must be positive");
}

#[test]
fn a_problem_of_a_later_catalogue_is_still_read() {
    let later = r#"{"type":"urn:earnest:problem:tired","title":"t","status":418,"detail":"d","since":"tea"}"#;
    let problem: Problem = serde_json::from_str(later).unwrap();
    assert_eq!((problem.status, problem.known_type()), (418, None));
}

#[test]
fn an_envelopes_error_becomes_a_problem_that_says_the_field_once() {
    let problem = Problem::from(&EnvelopeError::Version { got: 3, latest: 2 });
    assert_eq!(problem.field.as_deref(), Some("v"));
    assert_eq!(problem.detail, "version 3 is not spoken here, only 1 and 2");
}

#[test]
fn a_withdrawal_says_how_much_in_exactly_one_way() {
    let exactly = withdrawal(r#"{"address":"a","amount_sat":5}"#);
    assert_eq!(exactly, Ok(WithdrawalAmount::Exactly(Sat(5))));
    assert_eq!(withdrawal(r#"{"address":"a","sweep":true}"#), Ok(WithdrawalAmount::Sweep));
    let neither = withdrawal(r#"{"address":"a"}"#).unwrap_err();
    assert_eq!(neither.field, "amount_sat");
    let both = withdrawal(r#"{"address":"a","amount_sat":5,"sweep":true}"#).unwrap_err();
    assert_eq!(both.field, "sweep");
}

#[test]
fn a_request_with_an_unknown_field_is_refused_by_name() {
    let refused = withdrawal(r#"{"address":"a","amount_sat":5,"to":"b"}"#).unwrap_err();
    assert_eq!(refused.field, "to");
    assert!(canonical::parse::<AddressRequest>(br#"{"label":"x"}"#).is_err());
}

#[test]
fn a_purchase_goes_to_an_http_url() {
    let request =
        |url: &str| PurchaseRequest { provider_url: url.to_owned(), offer_id: terms::Hex32([1; 32]) };
    assert_eq!(request("http://127.0.0.1:7811").check(), Ok(()));
    for url in ["", "127.0.0.1:7811", "file:///etc/passwd", "http:///path", "http://a b", "http://ä"] {
        assert_eq!(request(url).check().unwrap_err().field, "provider_url", "{url}");
    }
}

#[test]
fn an_escrow_without_its_parts_reads_back() {
    let agreement: serde_json::Value =
        serde_json::from_slice(include_bytes!("golden/agreement.json")).unwrap();
    let listed = json!({
        "id": "e1",
        "role": "buyer",
        "state": "offered",
        "agreement": agreement,
        "terms_hash": "01".repeat(32),
        "event_id": agreement["event_id"],
        "counterparty": "02".repeat(32),
        "a_later_field": true,
    });
    let view: EscrowView = serde_json::from_value(listed).unwrap();
    assert!(view.history.is_empty() && view.funding_txid.is_none());
    let again: EscrowView = serde_json::from_slice(&serde_json::to_vec(&view).unwrap()).unwrap();
    assert_eq!(again, view);
}
