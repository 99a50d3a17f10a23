//! Listings: what a provider signs about itself, and a directory hands out.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::common;

use common::{NOW_S, buyer, provider};
use proptest::prelude::*;
use protocol::listing::{MAX_BYTES, MAX_LIFE_S, MAX_PAGE, Page};
use protocol::{Listing, ListingDraft, ListingError, public_key};
use serde_json::{Value, json};
use terms::{UnixSeconds, canonical};

fn draft() -> ListingDraft {
    ListingDraft {
        network: "regtest".to_owned(),
        url: "http://127.0.0.1:7811".to_owned(),
        summary: "Sells uptime of two services.".to_owned(),
        services: vec!["api.example".to_owned(), "edge.example".to_owned()],
        at: UnixSeconds(NOW_S),
        expires: UnixSeconds(NOW_S + 86_400),
        withdrawn: false,
    }
}

fn listing() -> Listing {
    Listing::seal(draft(), &provider()).unwrap()
}

fn value_of(listing: &Listing) -> Value {
    serde_json::from_slice(&listing.bytes()).unwrap()
}

fn reopened(value: &Value) -> Result<Listing, ListingError> {
    Listing::open(&serde_json::to_vec(value).unwrap())
}

#[test]
fn a_listing_opens_as_it_was_sealed_in_whatever_order_it_is_written() {
    assert_eq!(Listing::open(&listing().bytes()), Ok(listing()));
    assert_eq!(reopened(&value_of(&listing())), Ok(listing()));
    assert_eq!(listing().key, public_key(&provider()));
    let text = String::from_utf8(listing().bytes()).unwrap();
    assert!(!text.contains("withdrawn"), "what is not said is not there");
    let bare = ListingDraft { services: Vec::new(), withdrawn: true, ..draft() };
    let bare = Listing::seal(bare, &provider()).unwrap();
    assert_eq!(Listing::open(&bare.bytes()), Ok(bare));
}

/// Computed and signed by another program: Python's `json.dumps` and `hashlib`, and BIP340's arithmetic.
#[test]
fn the_listing_of_version_1_keeps_its_bytes() {
    let golden = include_str!("golden/listing-v1.json").trim_end();
    assert_eq!(String::from_utf8(listing().bytes()).unwrap(), golden);
    assert_eq!(Listing::open(golden.as_bytes()), Ok(listing()));
}

#[test]
fn whatever_somebody_changes_was_not_signed() {
    for (field, value) in [
        ("url", json!("http://192.0.2.1")),
        ("summary", json!("Sells everything.")),
        ("network", json!("mainnet")),
        ("at", json!(NOW_S + 1)),
        ("expires", json!(NOW_S + 86_401)),
        ("services", json!(["api.example"])),
        ("withdrawn", json!(true)),
        ("key", json!(public_key(&buyer()))),
    ] {
        let mut changed = value_of(&listing());
        changed[field] = value;
        assert_eq!(reopened(&changed), Err(ListingError::Signature), "{field}");
    }
}

#[test]
fn a_broken_field_is_named() {
    for (field, value, named) in [
        ("v", json!(2), "v"),
        ("v", json!("1"), "v"),
        ("network", json!("Regtest!"), "network"),
        ("url", json!("ftp://provider.example"), "url"),
        ("summary", json!("x".repeat(301)), "summary"),
        ("summary", json!("two\nlines"), "summary"),
        ("summary", json!("\u{202e}backwards"), "summary"),
        ("services", json!(vec!["a"; 33]), "services"),
        ("services", json!(["b", "a"]), "services"),
        ("services", json!(["a", "a"]), "services"),
        ("services", json!(["a b"]), "services[0]"),
        ("services", json!(["x".repeat(256)]), "services[0]"),
        ("expires", json!(NOW_S), "expires"),
        ("expires", json!(NOW_S + MAX_LIFE_S + 1), "expires"),
        ("colour", json!("red"), "colour"),
        ("withdrawn", json!(false), "document"),
    ] {
        let mut changed = value_of(&listing());
        changed[field] = value.clone();
        assert_eq!(reopened(&changed).unwrap_err().field(), named, "{field} {value}");
    }
    let large = vec![b' '; MAX_BYTES + 1];
    assert_eq!(Listing::open(&large).unwrap_err().field(), "document");
}

#[test]
fn a_listing_is_good_from_when_it_was_made_until_it_expires() {
    let listing = listing();
    assert_eq!(listing.check_time(NOW_S - 300), Ok(()), "clocks differ");
    let early = listing.check_time(NOW_S - 301).unwrap_err();
    assert_eq!(early.field(), "at");
    assert_eq!(listing.check_time(NOW_S + 86_399), Ok(()));
    let late = listing.check_time(NOW_S + 86_400).unwrap_err();
    assert_eq!(late, ListingError::Expired { expires: listing.expires, now_s: NOW_S + 86_400 });
}

#[test]
fn a_page_holds_a_hundred_listings_as_they_were_signed() {
    let page = Page { listings: vec![value_of(&listing()); MAX_PAGE], next: Some(listing().key) };
    let read = Page::parse(&canonical::bytes(&page)).unwrap();
    assert_eq!(read, page);
    assert_eq!(reopened(&read.listings[0]), Ok(listing()));
    let page = Page { listings: vec![json!({}); MAX_PAGE + 1], next: None };
    assert_eq!(Page::parse(&canonical::bytes(&page)).unwrap_err().field, "listings");
    assert!(Page::parse(b"[]").is_err());
}

proptest! {
    #[test]
    fn any_single_byte_change_of_a_listing_is_refused(place in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let mut bytes = listing().bytes();
        let position = place.index(bytes.len());
        bytes[position] ^= change;
        prop_assert!(Listing::open(&bytes).is_err());
    }

    #[test]
    fn what_can_be_sealed_can_be_opened_and_has_one_spelling(
        summary in ".{0,310}",
        mut services in prop::collection::vec("[!-~]{0,20}", 0..34),
        life in 0..MAX_LIFE_S + 2,
        withdrawn: bool,
    ) {
        services.sort();
        services.dedup();
        let expires = UnixSeconds(NOW_S + life);
        let draft = ListingDraft { summary, services, expires, withdrawn, ..draft() };
        if let Ok(sealed) = Listing::seal(draft, &provider()) {
            let bytes = sealed.bytes();
            prop_assert!(bytes.len() <= MAX_BYTES);
            let opened = Listing::open(&bytes);
            prop_assert_eq!(opened, Ok(sealed));
        }
    }
}
