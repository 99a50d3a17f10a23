//! What a transcript shows to a third party, and that nobody can change any of it.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::bundles::{Talk, at, buyer, file, negotiated, offer, provider, settled};
use protocol::transcript::TranscriptFile;
use protocol::{Body, HexBytes};
use serde_json::Value;
use terms::{Agreement, Hex32, Sat, UnixSeconds, canonical};
use transcript::{Fault, Verdict, verify};

use crate::common::Draft;

fn verified(file: &TranscriptFile) -> Result<Verdict, Fault> {
    verify(&canonical::bytes(file))
}

fn place(file: &TranscriptFile) -> String {
    verified(file).unwrap_err().place
}

#[test]
fn a_settled_escrow_shows_terms_funding_outcome_and_payout_to_anybody() {
    let verdict = verified(&settled()).unwrap();
    let agreed = verdict.agreed.unwrap();
    assert_eq!((agreed.terms_hash, agreed.agreement.price_sat), (at(80_000).terms_hash(), Sat(80_000)));
    assert_eq!((verdict.envelopes, verdict.counters, verdict.version), (8, 2, 2));
    assert!(verdict.funding_txid.is_some());
    let settlement = verdict.settlement.unwrap();
    // A tenth of 80,000 goes back; the bond is 40,000.
    assert_eq!((settlement.provider_sat, settlement.buyer_sat), (Sat(112_000), Sat(8_000)));
    let closing = verdict.closing.unwrap();
    assert_eq!((closing.kind, closing.txid), ("cet", settlement.cet_txid));
}

#[test]
fn a_file_shows_as_much_as_has_happened() {
    let mut talk = Talk::new();
    talk.say(&buyer(), Body::Rfq { offer_id: offer().id });
    assert_eq!(verified(&file(&talk)).unwrap().agreed, None);
    let verdict = verified(&file(&negotiated())).unwrap();
    assert!(verdict.agreed.is_some() && verdict.funding_txid.is_none());
    let whole = settled();
    for envelopes in 6..8 {
        let part = TranscriptFile {
            envelopes: whole.envelopes[..envelopes].to_vec(),
            funding_tx: None,
            attestations: Vec::new(),
            closing_tx: None,
            ..whole.clone()
        };
        assert_eq!(verified(&part).unwrap().funding_txid, None, "{envelopes}");
    }
    let unattested = TranscriptFile { attestations: Vec::new(), closing_tx: None, ..whole };
    assert_eq!(verified(&unattested).unwrap().settlement, None);
}

/// Every string and number of the file, one at a time, is changed a little. None of the copies passes.
#[test]
fn whatever_is_changed_in_the_file_it_is_refused_with_the_place() {
    let whole = serde_json::to_value(settled()).unwrap();
    let mut leaves = Vec::new();
    collect(&whole, String::new(), &mut leaves);
    assert!(leaves.len() > 200, "{} values", leaves.len());
    for leaf in &leaves {
        let mut copy = whole.clone();
        let target = copy.pointer_mut(leaf).unwrap();
        *target = changed(target);
        let fault = verify(&serde_json::to_vec(&copy).unwrap()).expect_err(leaf);
        let top = leaf[1..].split('/').next().unwrap();
        assert!(!fault.place.is_empty() && !fault.why.is_empty(), "{leaf}: {fault}");
        let named = ["envelopes", "offer", "announcements", "attestations"].contains(&top);
        // An offer's content is found out by its id, and a changed announcement may be seen first in what relies on it.
        assert!(
            !named || fault.place.starts_with(top) || fault.place.starts_with("agreement"),
            "{leaf}: {fault}"
        );
    }
}

fn collect(value: &Value, at: String, leaves: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| collect(value, format!("{at}/{name}"), leaves));
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(i, value)| collect(value, format!("{at}/{i}"), leaves));
        }
        _ => leaves.push(at),
    }
}

/// Another value of the same kind: in hex another digit in the middle, which keeps it hex.
fn changed(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let middle = text.len() / 2;
            let other = if text.as_bytes().get(middle) == Some(&b'0') { "1" } else { "0" };
            let mut text = text.clone();
            text.replace_range(middle..(middle + 1).min(text.len()), other);
            text.into()
        }
        Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
        Value::Bool(bool) => (!bool).into(),
        _ => 7.into(),
    }
}

#[test]
fn an_envelope_left_out_repeated_or_out_of_order_is_found() {
    let whole = settled();
    for at in 0..whole.envelopes.len() {
        let mut file = whole.clone();
        file.envelopes.remove(at);
        assert!(verified(&file).is_err(), "without {at}");
        let mut file = whole.clone();
        file.envelopes.insert(at, whole.envelopes[at].clone());
        assert!(verified(&file).is_err(), "{at} twice");
    }
    let mut file = whole;
    file.envelopes.swap(2, 3);
    assert_eq!(place(&file), "envelopes[2].seq");
}

/// Both sign, and yet it is against the rules: who talks out of turn, varies what may not vary, or takes stale terms.
#[test]
fn what_two_liars_sign_together_against_the_rules_is_found_where_it_was_said() {
    let quote = || Body::Quote { agreement: Box::new(at(offer().price_sat.0)) };
    let said = |words: Vec<(bool, Body)>| {
        let mut talk = Talk::new();
        talk.say(&buyer(), Body::Rfq { offer_id: offer().id });
        for (by_provider, body) in words {
            talk.say(&if by_provider { provider() } else { buyer() }, body);
        }
        place(&file(&talk))
    };
    let counter = |terms: Agreement| Body::Counter { agreement: Box::new(terms) };
    let accept = |price| Body::Accept { terms_hash: at(price).terms_hash() };
    assert_eq!(said(vec![(true, quote()), (true, counter(at(90_000)))]), "envelopes[2].body");
    assert_eq!(
        said(vec![(true, quote()), (false, counter(at(70_000))), (false, accept(70_000))]),
        "envelopes[3].body"
    );
    assert_eq!(
        said(vec![
            (true, quote()),
            (false, counter(at(70_000))),
            (true, counter(at(80_000))),
            (false, accept(70_000))
        ]),
        "envelopes[4].body",
        "stale"
    );
    assert_eq!(
        said(vec![(true, quote()), (false, counter(at(49_999)))]),
        "envelopes[2].body.agreement.price_sat"
    );
    let later = Agreement { refund_delay_s: at(1).refund_delay_s + 1, ..at(70_000) };
    assert_eq!(
        said(vec![(true, quote()), (false, counter(later))]),
        "envelopes[2].body.agreement.refund_delay_s"
    );
    let other_quote = Body::Quote { agreement: Box::new(at(90_000)) };
    assert_eq!(said(vec![(true, other_quote)]), "envelopes[1].body.agreement.price_sat");
    let message_hex = HexBytes(vec![1]);
    assert_eq!(said(vec![(true, quote()), (false, Body::DlcOffer { message_hex })]), "envelopes[2].body");
}

#[test]
fn foreign_parts_do_not_fit_however_true_they_are_elsewhere() {
    let whole = settled();
    let negotiated = file(&negotiated());
    for (field, part) in [
        ("announcements", TranscriptFile { announcements: whole.announcements.clone(), ..file(&asked()) }),
        ("funding_tx", TranscriptFile { funding_tx: whole.funding_tx.clone(), ..negotiated.clone() }),
        ("attestations", TranscriptFile { attestations: whole.attestations.clone(), ..negotiated.clone() }),
        ("closing_tx", TranscriptFile { closing_tx: whole.closing_tx.clone(), ..negotiated }),
    ] {
        assert_eq!(place(&part), field);
    }
    let swapped = TranscriptFile { closing_tx: whole.funding_tx.clone(), ..whole.clone() };
    assert_eq!(place(&swapped), "closing_tx");
    let (_, oracles) = Draft::default().build();
    let other = oracles[0].attest_number(&at(80_000), 5);
    let lies = TranscriptFile { attestations: vec![HexBytes(other)], ..whole.clone() };
    assert_eq!(place(&lies), "closing_tx", "5 hours unlock another CET");
    let without = TranscriptFile { offer: None, ..whole.clone() };
    assert_eq!(place(&without), "offer");
    let mut dear = offer();
    dear.expires = UnixSeconds(dear.expires.0 + 1);
    dear.id = Hex32([1; 32]);
    assert_eq!(place(&TranscriptFile { offer: Some(dear), ..whole.clone() }), "offer.id");
    let unbound = TranscriptFile { announcements: Vec::new(), ..whole };
    assert_eq!(place(&unbound), "announcements");
}

fn asked() -> Talk {
    let mut talk = Talk::new();
    talk.say(&buyer(), Body::Rfq { offer_id: offer().id });
    talk
}

#[test]
fn junk_is_refused_within_bounds() {
    assert_eq!(verify(b"").unwrap_err().place, "document");
    assert_eq!(verify(&vec![b' '; protocol::transcript::MAX_BYTES + 1]).unwrap_err().place, "document");
    let whole = serde_json::to_value(settled()).unwrap();
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut copy = whole.clone();
        change(&mut copy);
        verify(&serde_json::to_vec(&copy).unwrap()).unwrap_err().place
    };
    assert_eq!(refused(&|file| file["v"] = 2.into()), "v");
    assert_eq!(refused(&|file| file["colour"] = "red".into()), "colour");
    assert_eq!(refused(&|file| file["envelopes"] = Vec::<Value>::new().into()), "envelopes");
    assert_eq!(refused(&|file| file["envelopes"] = vec![Value::Null; 201].into()), "envelopes");
    assert_eq!(refused(&|file| file["announcements"] = vec!["00"; 16].into()), "announcements");
    assert_eq!(refused(&|file| file["attestations"] = vec!["00"; 61].into()), "attestations");
    assert_eq!(refused(&|file| file["funding_tx"] = "00".into()), "funding_tx");
}
