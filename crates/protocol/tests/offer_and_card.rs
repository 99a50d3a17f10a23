//! Offers and the card that carries them.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::common;

use common::{NOW_S, agreement, buyer, offer, offer_draft, provider};
use proptest::prelude::*;
use protocol::card::{CardLimits, CardOracle, MAX_OFFERS, More};
use protocol::{Card, CardDraft, CardError, Offer, OfferDraft, OfferError, Succession, public_key};
use serde_json::{Value, json};
use terms::{Credit, Ppm, Sat, UnixSeconds, canonical};

fn card() -> Card {
    let draft = CardDraft {
        network: "regtest".to_owned(),
        offers: vec![offer()],
        note: "Sells edge uptime; its owner approves nothing above this offer.".to_owned(),
        at: UnixSeconds(NOW_S),
        latest: 1,
        more: More::default(),
    };
    Card::seal(draft, &provider()).unwrap()
}

fn value_of(card: &Card) -> Value {
    serde_json::from_slice(&card.bytes()).unwrap()
}

fn reopened(value: &Value) -> Result<Card, CardError> {
    Card::open(&serde_json::to_vec(value).unwrap())
}

#[test]
fn an_offer_becomes_the_agreement_that_both_sides_compute() {
    assert_eq!(offer().agreement(public_key(&provider()), public_key(&buyer())), agreement());
}

#[test]
fn an_offers_id_is_the_hash_of_everything_else() {
    let mut rest = serde_json::to_value(offer()).unwrap();
    rest.as_object_mut().unwrap().remove("id");
    assert_eq!(offer().id.0, canonical::sha256(&canonical::bytes(&rest)));
}

#[test]
fn an_offer_can_be_taken_until_it_expires() {
    assert_eq!(offer().check(NOW_S + 3_599), Ok(()));
    let refused = offer().check(NOW_S + 3_600);
    assert_eq!(
        refused,
        Err(OfferError::Expired { expires: UnixSeconds(NOW_S + 3_600), now_s: NOW_S + 3_600 })
    );
}

#[test]
fn an_offer_cannot_be_taken_after_its_funding_deadline() {
    let deadline = offer().funding_deadline;
    let draft = OfferDraft { expires: UnixSeconds(deadline.0 + 10), ..offer_draft() };
    let refused = draft.publish("regtest", 2).check(deadline.0);
    assert_eq!(refused, Err(OfferError::TooLate { deadline, now_s: deadline.0 }));
}

#[test]
fn an_offer_with_a_changed_price_no_longer_bears_its_id() {
    let changed = Offer { price_sat: Sat(1), ..offer() };
    assert!(matches!(changed.check(NOW_S), Err(OfferError::Id { .. })));
}

#[test]
fn an_offer_that_could_not_become_an_agreement_is_refused_by_field() {
    let good = offer_draft;
    let cases = [
        (OfferDraft { price_sat: Sat(0), bond_sat: Sat(0), ..good() }, "price_sat"),
        (OfferDraft { fee_rate_sat_vb: Some(0), ..good() }, "fee_rate_sat_vb"),
        (OfferDraft { oracle_urls: vec![], ..good() }, "oracle_urls"),
        (OfferDraft { oracle_urls: vec!["ftp://x".to_owned()], ..good() }, "oracle_urls[0]"),
        (OfferDraft { oracle_urls: vec!["http://".to_owned()], ..good() }, "oracle_urls[0]"),
        (OfferDraft { oracle_urls: vec!["http://a b".to_owned()], ..good() }, "oracle_urls[0]"),
        (OfferDraft { funding_deadline: UnixSeconds(u64::MAX >> 12), ..good() }, "funding_deadline"),
    ];
    for (draft, field) in cases {
        let refused = draft.publish("regtest", 2).check(NOW_S).unwrap_err();
        assert_eq!(refused.field(), field, "{refused}");
    }
    assert_eq!(good().publish("dogecoin", 2).check(NOW_S).unwrap_err().field(), "network");
}

#[test]
fn an_offer_whose_schedule_would_pay_dust_is_refused() {
    let mut draft = offer_draft();
    // 0.1 % of the 500,000 sat bond and nothing else: 500 sat, which the libraries would burn.
    draft.payout.indeterminate = Credit { price_back_ppm: Ppm(0), bond_forfeit_ppm: Ppm(1_000) };
    let refused = draft.publish("regtest", 2).check(NOW_S).unwrap_err();
    assert!(matches!(refused, OfferError::Payout(_)), "{refused}");
}

#[test]
fn a_card_opens_as_it_was_sealed() {
    assert_eq!(Card::open(&card().bytes()), Ok(card()));
    assert_eq!(card().offer(offer().id), Some(&offer()));
    assert_eq!(card().key, public_key(&provider()));
}

#[test]
fn a_card_says_its_oracles_limits_and_renewals_only_where_it_is_asked_and_each_is_signed() {
    let text = String::from_utf8(card().bytes()).unwrap();
    assert!(["\"oracles\":[{\"key", "limits", "renews"].iter().all(|name| !text.contains(name)), "{text}");
    let limits =
        CardLimits { envelopes_per_minute: 600, sessions_per_hour: 60, open_sessions: 50, counters: 20 };
    let oracle = CardOracle { key: public_key(&buyer()), url: "http://127.0.0.1:7800".to_owned() };
    let more = More { oracles: vec![oracle], limits: Some(limits), renews: true };
    let draft = |more| CardDraft {
        network: "regtest".to_owned(),
        offers: vec![offer()],
        note: String::new(),
        at: UnixSeconds(NOW_S),
        latest: 1,
        more,
    };
    let full = Card::seal(draft(more.clone()), &provider()).unwrap();
    assert_eq!(Card::open(&full.bytes()), Ok(full.clone()));
    for (field, value) in [("oracles", json!([])), ("limits", json!(null)), ("renews", json!(false))] {
        let mut changed = value_of(&full);
        changed[field] = value;
        assert!(reopened(&changed).is_err(), "{field}");
        changed.as_object_mut().unwrap().remove(field);
        assert_eq!(reopened(&changed), Err(CardError::Signature), "{field}");
    }
    let many = More { oracles: vec![more.oracles[0].clone(); 17], ..More::default() };
    assert_eq!(Card::seal(draft(many), &provider()).unwrap_err().field(), "oracles");
    let broken = CardOracle { url: "gopher://x".to_owned(), ..more.oracles[0].clone() };
    let broken = More { oracles: vec![broken], ..More::default() };
    assert_eq!(Card::seal(draft(broken), &provider()).unwrap_err().field(), "oracles[0].url");
}

#[test]
fn a_card_with_another_note_was_not_signed() {
    let mut changed = value_of(&card());
    changed["note"] = json!("Sells everything.");
    assert_eq!(reopened(&changed), Err(CardError::Signature));
}

#[test]
fn a_card_under_another_key_was_not_signed() {
    let mut changed = value_of(&card());
    changed["key"] = json!(public_key(&buyer()));
    assert_eq!(reopened(&changed), Err(CardError::Signature));
}

#[test]
fn a_card_of_a_later_version_is_refused_for_its_version() {
    assert_eq!(reopened(&json!({"v": 2, "colour": "red"})), Err(CardError::Version { got: 2 }));
}

#[test]
fn a_card_that_speaks_only_later_versions_says_which() {
    let mut changed = value_of(&card());
    changed["versions"] = json!([3, 4]);
    assert_eq!(reopened(&changed), Err(CardError::NoCommonVersion { versions: vec![3, 4] }));
}

#[test]
fn a_broken_field_of_a_card_is_named() {
    let mut with_other_network = value_of(&card());
    with_other_network["offers"][0]["network"] = json!("mainnet");
    assert_eq!(reopened(&with_other_network).unwrap_err().field(), "offers[0].network");

    let mut with_other_price = value_of(&card());
    with_other_price["offers"][0]["price_sat"] = json!(5);
    assert_eq!(reopened(&with_other_price).unwrap_err().field(), "offers[0].id");

    for (field, value) in [
        ("note", json!("x".repeat(1_001))),
        ("network", json!("Regtest!")),
        ("versions", json!(vec![1; 17])),
        ("offers", json!(vec![offer(); MAX_OFFERS + 1])),
        ("colour", json!("red")),
        ("at", json!("now")),
    ] {
        let mut changed = value_of(&card());
        changed[field] = value;
        assert_eq!(reopened(&changed).unwrap_err().field(), field);
    }
}

/// Serde would read these as the same card, but whoever hashes what is written gets another hash.
#[test]
fn a_card_written_otherwise_than_meant_is_refused() {
    let mut with_empty_list = value_of(&card());
    with_empty_list["offers"][0]["measurement"]["exclusions"] = json!([]);
    assert_eq!(reopened(&with_empty_list).unwrap_err().field(), "document");

    let mut with_list_for_object = value_of(&card());
    let oracles = &mut with_list_for_object["offers"][0]["oracles"];
    *oracles = json!([oracles["keys"], oracles["threshold"], null]);
    assert_eq!(reopened(&with_list_for_object).unwrap_err().field(), "document");
}

proptest! {
    #[test]
    fn any_single_byte_change_of_a_card_is_refused(place in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let mut bytes = card().bytes();
        let position = place.index(bytes.len());
        bytes[position] ^= change;
        prop_assert!(Card::open(&bytes).is_err());
    }
}

#[test]
fn a_card_names_the_keys_that_its_key_followed_and_each_of_them_has_signed() {
    let [first, second, last] = [buyer(), key(7), provider()];
    let chain =
        vec![Succession::seal(&first, public_key(&second)), Succession::seal(&second, public_key(&last))];
    let draft = || CardDraft {
        network: "regtest".to_owned(),
        offers: Vec::new(),
        note: String::new(),
        at: UnixSeconds(NOW_S),
        latest: 1,
        more: More::default(),
    };
    let card = Card::seal_after(draft(), chain.clone(), &last).unwrap();
    assert_eq!(Card::open(&card.bytes()).unwrap().successions, chain);
    assert!(
        !String::from_utf8(self::card().bytes()).unwrap().contains("successions"),
        "a first key has none"
    );

    let refused =
        |successions: Vec<Succession>| Card::seal_after(draft(), successions, &last).unwrap_err().field();
    assert_eq!(refused(chain[..1].to_vec()), "successions[0].successor", "it ends at another key");
    assert_eq!(refused(vec![chain[1], chain[0]]), "successions[0].successor");
    let forged = Succession { sig: chain[0].sig, ..chain[1] };
    assert_eq!(refused(vec![chain[0], forged]), "successions[1].sig");
    assert_eq!(refused(vec![chain[1]; 17]), "successions");

    // Whoever serves the card cannot take a statement away or add one.
    let mut value = value_of(&card);
    value["successions"] = json!([value["successions"][1]]);
    assert_eq!(reopened(&value), Err(CardError::Signature));
    value["successions"] = json!([]);
    assert!(reopened(&value).is_err());
}

fn key(number: u8) -> secp256k1_zkp::Keypair {
    secp256k1_zkp::Keypair::from_seckey_slice(secp256k1_zkp::SECP256K1, &[number; 32]).unwrap()
}
