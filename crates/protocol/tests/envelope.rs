//! What a receiver takes, and what it refuses.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::common;

use common::{NOW_S, buyer, id, provider, rfq, rfq_draft, stranger, whole_session};
use proptest::prelude::*;
use protocol::envelope::{MAX_AHEAD_S, MAX_BYTES, MAX_LIFETIME_S};
use protocol::{Body, Draft, Envelope, EnvelopeError, Hex64, HexBytes, public_key};
use serde_json::{Value, json};
use terms::{Hex32, Sat, UnixSeconds};

fn open(bytes: &[u8]) -> Result<Envelope, EnvelopeError> {
    Envelope::open(bytes, NOW_S, public_key(&provider()))
}

#[test]
fn the_receiver_opens_what_the_sender_sealed() {
    let sent = rfq();
    let received = open(&sent.bytes()).unwrap();
    assert_eq!(received, sent);
    assert_eq!(received.from(), public_key(&buyer()));
    assert_eq!(received.body().kind(), "rfq");
}

#[test]
fn the_same_draft_sealed_twice_is_the_same_bytes() {
    assert_eq!(rfq().bytes(), rfq().bytes());
}

#[test]
fn white_space_and_key_order_change_nothing() {
    let sent = rfq();
    let value: Value = serde_json::from_slice(&sent.bytes()).unwrap();
    let pretty = serde_json::to_vec_pretty(&value).unwrap();
    assert_ne!(pretty, sent.bytes());
    assert_eq!(open(&pretty).unwrap(), sent);
}

#[test]
fn no_bit_of_an_envelope_can_be_flipped() {
    let bytes = rfq().bytes();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[position] ^= 1 << bit;
            assert!(open(&flipped).is_err(), "bit {bit} of byte {position} was flipped");
        }
    }
}

#[test]
fn no_end_of_an_envelope_can_be_cut_off() {
    let bytes = rfq().bytes();
    for length in 0..bytes.len() {
        assert!(open(&bytes[..length]).is_err(), "cut to {length} bytes");
    }
}

#[test]
fn an_envelope_for_somebody_else_is_refused() {
    let refused = Envelope::open(&rfq().bytes(), NOW_S, public_key(&stranger()));
    let expected = public_key(&stranger());
    assert_eq!(refused, Err(EnvelopeError::Recipient { got: public_key(&provider()), expected }));
}

#[test]
fn an_envelope_is_refused_from_the_second_in_which_it_expires() {
    let (bytes, to) = (rfq().bytes(), public_key(&provider()));
    assert!(Envelope::open(&bytes, NOW_S + 599, to).is_ok());
    let refused = Envelope::open(&bytes, NOW_S + 600, to);
    assert_eq!(
        refused,
        Err(EnvelopeError::Expired { expires: UnixSeconds(NOW_S + 600), now_s: NOW_S + 600 })
    );
}

#[test]
fn an_envelope_from_further_in_the_future_than_clocks_differ_is_refused() {
    let (bytes, to) = (rfq().bytes(), public_key(&provider()));
    assert!(Envelope::open(&bytes, NOW_S - MAX_AHEAD_S, to).is_ok());
    let now_s = NOW_S - MAX_AHEAD_S - 1;
    let refused = Envelope::open(&bytes, now_s, to);
    assert_eq!(refused, Err(EnvelopeError::FromTheFuture { at: UnixSeconds(NOW_S), now_s }));
}

#[test]
fn an_expired_envelope_can_still_be_shown_later() {
    assert_eq!(Envelope::verify(&rfq().bytes()), Ok(rfq()));
}

#[test]
fn an_envelope_signed_by_another_key_than_its_sender_is_refused() {
    let mut forged = value_of(&rfq());
    forged["from"] = json!(public_key(&stranger()));
    assert_eq!(open(&bytes_of(&forged)), Err(EnvelopeError::Signature));
}

#[test]
fn a_sender_that_is_no_point_of_the_curve_is_refused() {
    let mut forged = value_of(&rfq());
    forged["from"] = json!(id(0xff));
    assert_eq!(open(&bytes_of(&forged)), Err(EnvelopeError::Signature));
}

#[test]
fn a_later_version_is_refused_for_its_version_and_not_for_its_new_fields() {
    let later = json!({"v": 3, "purpose": "unknown here"});
    assert_eq!(open(&bytes_of(&later)), Err(EnvelopeError::Version { got: 3, latest: 2 }));
}

#[test]
fn the_largest_messages_fit_and_larger_ones_are_refused() {
    let body = |bytes| Body::DlcSign { message_hex: HexBytes(vec![7; bytes]) };
    let fits = Draft { body: body(8_000_000), ..rfq_draft() };
    let envelope = Envelope::seal(fits, &buyer()).unwrap();
    assert_eq!(open(&envelope.bytes()).unwrap(), envelope);

    let too_large = Draft { body: body(MAX_BYTES / 2), ..rfq_draft() };
    assert_eq!(Envelope::seal(too_large, &buyer()).unwrap_err().field(), "document");
    assert_eq!(open(&vec![b' '; MAX_BYTES + 1]).unwrap_err().field(), "document");
}

/// One field of a good envelope broken, and the field that the refusal names.
#[test]
fn a_broken_field_is_named() {
    let too_long = "x".repeat(1001);
    let reason = |text: &str| json!({"type": "cancel", "reason": text});
    let cases: Vec<(&str, Value, &str)> = vec![
        ("v", json!("1"), "v"),
        ("id", json!("00"), "id"),
        ("id", json!("AA".repeat(32)), "id"),
        ("session", Value::Null, "session"),
        ("seq", json!(0), "seq"),
        ("seq", json!(2), "prev"),
        ("seq", json!(-1), "seq"),
        ("seq", json!(1.5), "seq"),
        ("seq", json!(1_u64 << 53), "seq"),
        ("from", json!(public_key(&provider())), "to"),
        ("to", json!(7), "to"),
        ("at", json!("now"), "at"),
        ("expires", json!(NOW_S), "expires"),
        ("expires", json!(NOW_S + MAX_LIFETIME_S + 1), "expires"),
        ("prev", json!(id(9)), "prev"),
        ("sig", json!("ab"), "sig"),
        ("purpose", json!("spend it all"), "purpose"),
        ("body", json!([]), "body"),
        ("body", json!({"type": "pay"}), "body.type"),
        ("body", json!({"offer_id": id(1)}), "body.type"),
        ("body", json!({"type": "rfq"}), "body.offer_id"),
        ("body", json!({"type": "rfq", "offer_id": 1}), "body.offer_id"),
        ("body", json!({"type": "rfq", "offer_id": id(1), "tip": 1}), "body.tip"),
        ("body", json!({"type": "accept", "terms_hash": "f49e"}), "body.terms_hash"),
        ("body", json!({"type": "reject", "reason": "no", "final": 1}), "body.final"),
        ("body", reason(&too_long), "body.reason"),
        ("body", reason("\u{1b}[2J"), "body.reason"),
        ("body", json!({"type": "error", "code": "NOT A CODE", "detail": ""}), "body.code"),
        ("body", json!({"type": "error", "code": "late", "detail": too_long}), "body.detail"),
        ("body", json!({"type": "dlc_offer", "message_hex": ""}), "body.message_hex"),
        ("body", json!({"type": "dlc_offer", "message_hex": "a71"}), "body.message_hex"),
        ("body", json!({"type": "dlc_offer", "message_hex": "A71A"}), "body.message_hex"),
        ("body", json!({"type": "quote", "agreement": null}), "body.agreement"),
    ];
    for (field, value, named) in cases {
        let mut broken = value_of(&rfq());
        broken[field] = value.clone();
        let refused = open(&bytes_of(&broken)).unwrap_err();
        assert_eq!(refused.field(), named, "{field} = {value}: {refused}");
    }
}

#[test]
fn a_missing_field_is_named() {
    for field in ["v", "id", "session", "seq", "from", "to", "at", "expires", "prev", "body", "sig"] {
        let mut broken = value_of(&rfq());
        broken.as_object_mut().unwrap().remove(field);
        assert_eq!(open(&bytes_of(&broken)).unwrap_err().field(), field);
    }
}

#[test]
fn a_duplicate_key_is_refused_even_when_both_say_the_same() {
    let text = String::from_utf8(rfq().bytes()).unwrap();
    let twice = text.replacen("\"seq\":1", "\"seq\":1,\"seq\":1", 1);
    assert!(open(twice.as_bytes()).unwrap_err().to_string().contains("seq"));
    let twice = text.replacen("\"type\":\"rfq\"", "\"type\":\"rfq\",\"type\":\"rfq\"", 1);
    assert!(open(twice.as_bytes()).unwrap_err().to_string().contains("type"));
}

#[test]
fn a_rule_broken_inside_a_quoted_agreement_is_named_by_its_whole_path() {
    let mut quote = value_of(&whole_session()[1]);
    quote["body"]["agreement"]["measurement"]["window"]["end"] = json!(0);
    let refused = Envelope::verify(&bytes_of(&quote)).unwrap_err();
    assert!(refused.field().starts_with("body.agreement.measurement.window"), "{refused}");
}

/// Serde would read it as the same agreement, but whoever hashes what is written gets another hash.
#[test]
fn a_quoted_agreement_written_otherwise_than_meant_is_refused() {
    let mut quote = value_of(&whole_session()[1]);
    quote["body"]["agreement"]["measurement"]["exclusions"] = json!([]);
    let refused = Envelope::verify(&bytes_of(&quote)).unwrap_err();
    assert_eq!(refused.field(), "body.agreement.measurement.exclusions");
}

#[test]
fn an_envelope_written_as_a_list_of_its_fields_is_refused() {
    let Value::Object(fields) = value_of(&rfq()) else { panic!("an envelope is an object") };
    let order = ["v", "id", "session", "seq", "from", "to", "at", "expires", "prev", "body", "sig"];
    let list: Vec<&Value> = order.iter().map(|name| &fields[*name]).collect();
    assert!(open(&serde_json::to_vec(&list).unwrap()).is_err());
}

#[test]
fn a_draft_that_nobody_would_open_is_not_sealed() {
    let to_myself = Draft { to: public_key(&buyer()), ..rfq_draft() };
    assert_eq!(Envelope::seal(to_myself, &buyer()).unwrap_err().field(), "to");
    let long = Draft { body: Body::Cancel { reason: "x".repeat(1001) }, ..rfq_draft() };
    assert_eq!(Envelope::seal(long, &buyer()).unwrap_err().field(), "body.reason");
    let endless = Draft { expires: UnixSeconds(u64::MAX), ..rfq_draft() };
    assert_eq!(Envelope::seal(endless, &buyer()).unwrap_err().field(), "expires");
}

fn value_of(envelope: &Envelope) -> Value {
    serde_json::from_slice(&envelope.bytes()).unwrap()
}

fn bytes_of(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

fn any_body() -> impl Strategy<Value = Body> {
    let hex32 = any::<[u8; 32]>().prop_map(Hex32);
    // Everything but control characters, quotes and escapes included.
    let text = || "[^\\p{Cc}]{0,100}|[\"\\\\\n/<>&\u{2028}]{0,20}";
    let message = || proptest::collection::vec(any::<u8>(), 1..200).prop_map(HexBytes);
    prop_oneof![
        hex32.clone().prop_map(|offer_id| Body::Rfq { offer_id }),
        hex32.clone().prop_map(|terms_hash| Body::Accept { terms_hash }),
        Just(Body::Quote { agreement: Box::new(common::agreement()) }),
        Just(Body::Counter { agreement: Box::new(common::agreement()) }),
        (text(), any::<bool>()).prop_map(|(reason, is_final)| Body::Reject { reason, is_final }),
        text().prop_map(|reason| Body::Withdraw { reason }),
        text().prop_map(|reason| Body::Cancel { reason }),
        message().prop_map(|message_hex| Body::DlcOffer { message_hex }),
        message().prop_map(|message_hex| Body::DlcAccept { message_hex }),
        message().prop_map(|message_hex| Body::DlcSign { message_hex }),
        (hex32.clone(), any::<u32>(), any::<u32>(), text()).prop_map(|(escrow, provider, buyer, reason)| {
            let (provider_sat, buyer_sat) = (Sat(provider.into()), Sat(buyer.into()));
            Body::ClosePropose { escrow, provider_sat, buyer_sat, reason }
        }),
        any::<[u8; 32]>().prop_map(|half| {
            let signature_hex = Hex64([half, half].concat().try_into().expect("is 64 bytes"));
            Body::CloseSign { signature_hex }
        }),
        hex32.clone().prop_map(|escrow| Body::Renew { escrow }),
        ("[a-z0-9_-]{1,64}", text()).prop_map(|(code, detail)| Body::Error { code, detail }),
    ]
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_unchanged(body in any_body(), id in any::<[u8; 32]>(), session in any::<[u8; 32]>()) {
        let draft = Draft { id: Hex32(id), session: Hex32(session), body, ..rfq_draft() };
        let sent = Envelope::seal(draft, &buyer()).unwrap();
        prop_assert_eq!(open(&sent.bytes()), Ok(sent));
    }

    #[test]
    fn any_single_byte_change_is_refused(body in any_body(), place in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let mut bytes = Envelope::seal(Draft { body, ..rfq_draft() }, &buyer()).unwrap().bytes();
        let position = place.index(bytes.len());
        bytes[position] ^= change;
        prop_assert!(open(&bytes).is_err());
    }

    #[test]
    fn bytes_that_are_no_envelope_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(open(&bytes).is_err());
    }

    #[test]
    fn json_that_is_no_envelope_is_refused_without_a_panic(text in "[\\[\\]{}\",:0-9a-z ]{0,200}") {
        prop_assert!(open(text.as_bytes()).is_err());
    }
}
