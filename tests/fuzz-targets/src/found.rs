//! What a search reads from strangers: cards and listings.

use protocol::card::More;
use protocol::{Card, CardDraft, Listing, ListingDraft};
use secp256k1_zkp::{Keypair, SECP256K1};
use serde::de::DeserializeOwned;
use serde_json::Value;
use terms::canonical;

fn key() -> Keypair {
    Keypair::from_seckey_slice(SECP256K1, &[3; 32]).unwrap()
}

/// A card as it is, and once more with a signature of ours.
pub fn card(bytes: &[u8]) -> bool {
    if let Ok(card) = Card::open(bytes) {
        card_keeps_its_spelling(&card);
    }
    let Some(draft) = card_draft(bytes) else { return false };
    match Card::seal(draft, &key()) {
        Ok(card) => {
            card_keeps_its_spelling(&card);
            true
        }
        Err(_) => false,
    }
}

fn card_keeps_its_spelling(card: &Card) {
    let bytes = card.bytes();
    let again = Card::open(&bytes).expect("what we write can be read");
    assert_eq!(again, *card);
    assert_eq!(again.bytes(), bytes);
    assert!(bytes.len() <= protocol::card::MAX_BYTES);
    for offer in &card.offers {
        assert_eq!(offer.network, card.network);
        offer.agreement(card.key, offer.id).compile().expect("an offer of a card that opens can be priced");
    }
}

fn card_draft(bytes: &[u8]) -> Option<CardDraft> {
    let value: Value = canonical::parse_within(bytes, protocol::card::MAX_BYTES).ok()?;
    let versions: Vec<u64> = field(&value, "versions")?;
    Some(CardDraft {
        network: field(&value, "network")?,
        offers: field(&value, "offers")?,
        note: field(&value, "note")?,
        at: field(&value, "at")?,
        latest: versions.into_iter().max()?,
        more: More {
            oracles: field(&value, "oracles").unwrap_or_default(),
            limits: field(&value, "limits"),
            renews: field(&value, "renews").unwrap_or_default(),
        },
    })
}

/// A listing as it is, and once more with a signature of ours.
pub fn listing(bytes: &[u8]) -> bool {
    if let Ok(listing) = Listing::open(bytes) {
        listing_keeps_its_spelling(&listing);
    }
    let Some(draft) = listing_draft(bytes) else { return false };
    match Listing::seal(draft, &key()) {
        Ok(listing) => {
            listing_keeps_its_spelling(&listing);
            true
        }
        Err(_) => false,
    }
}

fn listing_keeps_its_spelling(listing: &Listing) {
    let bytes = listing.bytes();
    let again = Listing::open(&bytes).expect("what we write can be read");
    assert_eq!(again, *listing);
    assert_eq!(again.bytes(), bytes);
    assert!(bytes.len() <= protocol::listing::MAX_BYTES);
    assert!(listing.check_time(listing.at.0).is_ok() && listing.check_time(listing.expires.0).is_err());
    assert!(!listing.summary.chars().any(protocol::text::is_steering), "it is shown to people");
}

fn listing_draft(bytes: &[u8]) -> Option<ListingDraft> {
    let value: Value = canonical::parse_within(bytes, protocol::listing::MAX_BYTES).ok()?;
    Some(ListingDraft {
        network: field(&value, "network")?,
        url: field(&value, "url")?,
        summary: field(&value, "summary")?,
        services: field(&value, "services").unwrap_or_default(),
        at: field(&value, "at")?,
        expires: field(&value, "expires")?,
        withdrawn: field(&value, "withdrawn").unwrap_or_default(),
    })
}

fn field<T: DeserializeOwned>(value: &Value, name: &str) -> Option<T> {
    serde_json::from_value(value.get(name)?.clone()).ok()
}
