//! A finished escrow as a reference: what it shows, whose it is, and that nobody can make it somebody else's.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use protocol::Hex64;
use protocol::owner::End;
use protocol::reference::ReferenceFile;
use protocol::transcript::TranscriptFile;
use secp256k1_zkp::{Keypair, SECP256K1};
use serde_json::Value;
use terms::{Hex32, Sat, Side};
use transcript::reference::{Shown, verify};
use transcript::{Fault, verify as verify_transcript};

use crate::bundles::{at, buyer, contract_key, provider, reference, settled, settled_at, stolen};

fn verified(file: &ReferenceFile) -> Result<Shown, Fault> {
    verify(&file.canonical())
}

#[test]
fn a_reference_of_either_party_shows_how_the_escrow_ended_and_where_the_chain_must_have_it() {
    let kept = verified(&reference(settled_at(3), Side::Provider)).unwrap();
    assert_eq!((kept.finished.end, kept.network.as_str()), (End::Kept, "regtest"));
    let breached = verified(&reference(settled(), Side::Buyer)).unwrap();
    let finished = &breached.finished;
    assert_eq!((finished.end, finished.price_sat), (End::Breached, Sat(80_000)));
    assert_eq!((finished.provider, finished.buyer), (at(0).provider.key, at(0).buyer.key));
    assert_eq!(finished.measured_ppm, None, "hours are no share");
    assert_eq!(breached.oracles, at(0).oracles.keys);
    assert_eq!((breached.funding_block, breached.closing_block), (Hex32([3; 32]), Hex32([4; 32])));
    assert_eq!(finished.closing_txid, verify_transcript(&bytes(&settled())).unwrap().closing.unwrap().txid);
}

/// No DLC message names an identity: a thief's own envelopes around them make a transcript that holds together.
#[test]
fn who_has_somebody_elses_transcript_cannot_present_it_as_their_own() {
    let thieves = [0x31, 0x32].map(|seed| Keypair::from_seckey_slice(SECP256K1, &[seed; 32]).unwrap());
    let (whole, theirs) = (settled(), stolen(&settled(), thieves));
    assert!(verify_transcript(&bytes(&theirs)).is_ok(), "a transcript alone cannot tell");
    for by in [Side::Provider, Side::Buyer] {
        let true_sig = reference(whole.clone(), by).sig;
        let [own, other] = [&thieves[0], &contract_key(by)].map(|key| {
            let claim = reference(theirs.clone(), by);
            ReferenceFile { sig: resigned(&claim, key), ..claim }
        });
        let copied = ReferenceFile { sig: true_sig, ..own.clone() };
        assert_eq!(verified(&copied).unwrap_err().place, "sig", "the parties' signature is about themselves");
        assert_eq!(verified(&own).unwrap_err().place, "sig", "and another key's is worth nothing");
        assert!(verified(&other).is_ok(), "only who has the contract key could say so");
    }
}

fn resigned(file: &ReferenceFile, key: &Keypair) -> Hex64 {
    let shown = verify_transcript(&bytes(&file.transcript)).unwrap();
    let claim = protocol::reference::Claim {
        provider: shown.provider,
        buyer: shown.buyer,
        terms_hash: shown.agreed.unwrap().terms_hash,
        funding_txid: shown.funding_txid.unwrap(),
    };
    claim.seal(key)
}

#[test]
fn the_side_that_presents_it_is_the_one_that_signed() {
    let file = reference(settled(), Side::Provider);
    let other = ReferenceFile { by: Side::Buyer, ..file.clone() };
    assert_eq!(verified(&other).unwrap_err().place, "sig");
    for identity in [provider(), buyer()] {
        let file = ReferenceFile { sig: resigned(&file, &identity), ..file.clone() };
        assert_eq!(verified(&file).unwrap_err().place, "sig", "an identity is no contract key");
    }
}

#[test]
fn what_has_not_ended_or_shows_no_outcome_is_no_reference() {
    let whole = reference(settled(), Side::Provider);
    let with = |transcript| ReferenceFile { transcript, ..whole.clone() };
    let open = TranscriptFile { closing_tx: None, ..settled() };
    assert_eq!(verified(&with(open)).unwrap_err().place, "transcript.closing_tx");
    let silent = TranscriptFile { attestations: Vec::new(), ..settled() };
    assert_eq!(verified(&with(silent)).unwrap_err().place, "transcript.attestations");
    let crossed = TranscriptFile { attestations: settled_at(3).attestations, ..settled() };
    assert_eq!(
        verified(&with(crossed)).unwrap_err().place,
        "transcript.closing_tx",
        "paid by another outcome"
    );
    let half = TranscriptFile { envelopes: settled().envelopes[..5].to_vec(), ..settled() };
    assert_eq!(verified(&with(half)).unwrap_err().place, "transcript.funding_tx");
}

/// Every text and number of the file, one at a time, is changed a little. None passes, but for the blocks, which are for
/// the chain to judge.
#[test]
fn whatever_else_is_changed_it_is_refused() {
    let whole = serde_json::to_value(reference(settled(), Side::Provider)).unwrap();
    for leaf in
        ["/v", "/by", "/sig", "/transcript/envelopes/3/body/agreement/bond_sat", "/transcript/attestations/0"]
    {
        let mut copy = whole.clone();
        let value = copy.pointer_mut(leaf).unwrap();
        *value = match &*value {
            Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
            Value::String(text) if text == "provider" => "buyer".into(),
            Value::String(text) => {
                let digit = if text.ends_with('0') { "1" } else { "0" };
                format!("{}{digit}", &text[..text.len() - 1]).into()
            }
            other => panic!("{leaf}: {other}"),
        };
        assert!(verify(&serde_json::to_vec(&copy).unwrap()).is_err(), "{leaf}");
    }
}

fn bytes(file: &TranscriptFile) -> Vec<u8> {
    terms::canonical::bytes(file)
}
