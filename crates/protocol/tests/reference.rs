//! References and the pages that list them: bounded, strict, and signed by a contract key.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::common::{buyer, provider, stranger};
use proptest::prelude::*;
use protocol::public_key;
use protocol::reference::{Claim, PAGE, ReferenceFile, ReferencePage};
use serde_json::{Value, json};
use terms::{Hex32, canonical};

fn hashes(numbers: &[u8]) -> Vec<Hex32> {
    numbers.iter().map(|number| Hex32([*number; 32])).collect()
}

fn page(numbers: &[u8], next: Option<u8>) -> Vec<u8> {
    let next = next.map(|next| Hex32([next; 32]));
    canonical::bytes(&ReferencePage { references: hashes(numbers), next })
}

fn refused(bytes: &[u8], after: Option<u8>) -> String {
    ReferencePage::parse(bytes, after.map(|after| Hex32([after; 32]))).unwrap_err().field
}

#[test]
fn a_list_ascends_page_by_page_so_that_it_ends() {
    let read = ReferencePage::parse(&page(&[4, 5, 9], Some(9)), Some(Hex32([3; 32]))).unwrap();
    assert_eq!((read.references, read.next), (hashes(&[4, 5, 9]), Some(Hex32([9; 32]))));
    assert!(ReferencePage::parse(&page(&[], None), None).unwrap().references.is_empty());
    assert_eq!(refused(&page(&[5, 4], None), None), "references");
    assert_eq!(refused(&page(&[5, 5], None), None), "references");
    assert_eq!(refused(&page(&[4, 5], None), Some(4)), "references", "it was there already");
    assert_eq!(refused(&page(&[4, 5], Some(4)), None), "next");
    assert_eq!(refused(&page(&[], Some(7)), None), "next", "an empty page is the last");
    let many: Vec<u8> = (1..=u8::try_from(PAGE + 1).unwrap()).collect();
    assert_eq!(refused(&page(&many, None), None), "references");
}

/// A file that is read, though nothing in it holds.
fn file() -> Value {
    let digits = "0".repeat(64);
    json!({
        "v": 1,
        "transcript": { "v": 1, "envelopes": [{}] },
        "funding_block": digits,
        "closing_block": digits,
        "by": "provider",
        "sig": "0".repeat(128),
    })
}

#[test]
fn a_file_is_read_strictly_and_named_by_the_hash_of_its_one_form() {
    let bytes = serde_json::to_vec_pretty(&file()).unwrap();
    let read = ReferenceFile::parse(&bytes).unwrap();
    assert_eq!(read.hash(), Hex32(canonical::sha256(&read.canonical())));
    assert_eq!(ReferenceFile::parse(&read.canonical()).unwrap(), read);
    for (pointer, value, field) in [
        ("/v", json!(2), "v"),
        ("/by", json!("oracle"), "by"),
        ("/sig", json!("00"), "sig"),
        ("/funding_block", json!("AA"), "funding_block"),
        ("/transcript/v", json!(2), "transcript.v"),
        ("/transcript/envelopes", json!([]), "transcript.envelopes"),
        ("/transcript/attestations", json!(vec!["00"; 61]), "transcript.attestations"),
    ] {
        let mut broken = file();
        match broken.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => {
                drop(broken["transcript"].as_object_mut().unwrap().insert("attestations".to_owned(), value))
            }
        }
        let error = ReferenceFile::parse(&serde_json::to_vec(&broken).unwrap()).unwrap_err();
        assert!(error.field.starts_with(field), "{pointer}: {error}");
    }
    let mut more = file();
    more["stars"] = json!(5);
    assert!(ReferenceFile::parse(&serde_json::to_vec(&more).unwrap()).is_err());
}

#[test]
fn a_claim_is_good_for_one_contract_key_and_these_two_identities() {
    let claim = Claim {
        provider: public_key(&provider()),
        buyer: public_key(&buyer()),
        terms_hash: Hex32([1; 32]),
        funding_txid: Hex32([2; 32]),
    };
    let (contract_key, sig) = (public_key(&stranger()), claim.seal(&stranger()));
    assert!(claim.is_signed(contract_key, sig));
    assert!(!claim.is_signed(public_key(&provider()), sig));
    for other in [
        Claim { provider: claim.buyer, ..claim },
        Claim { buyer: claim.provider, ..claim },
        Claim { terms_hash: Hex32([3; 32]), ..claim },
        Claim { funding_txid: Hex32([3; 32]), ..claim },
    ] {
        assert!(!other.is_signed(contract_key, sig), "{other:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_as_one_form_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(read) = ReferencePage::parse(&bytes, None) {
            prop_assert_eq!(ReferencePage::parse(&canonical::bytes(&read), None).unwrap(), read);
        }
        prop_assert!(ReferenceFile::parse(&bytes).is_err(), "nobody guesses a whole file");
    }

    #[test]
    fn a_page_that_is_read_is_bounded_and_ascends(numbers in prop::collection::vec(any::<u8>(), 0..14), after in any::<Option<u8>>()) {
        let after = after.map(|after| Hex32([after; 32]));
        if let Ok(read) = ReferencePage::parse(&page(&numbers, None), after) {
            prop_assert!(read.references.len() <= PAGE);
            prop_assert!(read.references.is_sorted());
            let first = read.references.first();
            prop_assert!(first.is_none_or(|first| after.is_none_or(|after| *first > after)));
        }
    }
}
