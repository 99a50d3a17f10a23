//! Version 1 of the protocol is frozen: these bytes stay readable, and mean the same, for ever.
//!
//! The hashes were computed, and the signatures verified, by another program: Python's `json.dumps` with
//! sorted keys and without spaces, `hashlib`, and BIP340's reference code.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::common;

use common::{NOW_S, buyer, offer, provider, whole_session};
use protocol::{Card, CardDraft, Envelope, Problem, ProblemType, public_key, verify_transcript};
use terms::UnixSeconds;

const SESSION: &str = include_str!("golden/session-v1.jsonl");
const CARD: &str = include_str!("golden/card-v1.json");
const DOCS: &str = include_str!("../../../docs/protocol.md");

const HASHES: [&str; 6] = [
    "7114e85bf1809e5f07dd9ac739c1c81ef8b93c71b9c4bddff329445aead664f6",
    "c148be0b904902d48358602243097ae9cdc58bafce5bf64a7fa6a4a2593d4736",
    "872af677dea368919b3906bbb789a889b9dd685f07ec31c31fbaaa2e9ea82f4c",
    "b2fc53fea7d9398182b4091096b286530d4f5bd0e2055e32be44b8defc94f23f",
    "3b73a065b9a61bb558e070e1a62bc04c649ebf8f763f9debebd1bcab808cff70",
    "bc4a75e7b3d1ba5e60a57cc149682f2bcb226e853845bbe59fd2c908109d8dc4",
];

fn golden_session() -> Vec<Envelope> {
    SESSION.lines().map(|line| Envelope::verify(line.as_bytes()).unwrap()).collect()
}

fn card() -> Card {
    let note = "Sells uptime of edge.example. Ask ops@edge.example.".to_owned();
    let draft =
        CardDraft { network: "regtest".to_owned(), offers: vec![offer()], note, at: UnixSeconds(NOW_S) };
    Card::seal(draft, &provider()).unwrap()
}

#[test]
fn the_envelopes_of_version_1_keep_their_hashes() {
    let hashes: Vec<String> = golden_session().iter().map(|envelope| envelope.hash().to_string()).collect();
    assert_eq!(hashes, HASHES);
}

#[test]
fn the_session_of_version_1_is_still_a_transcript() {
    let session = verify_transcript(&golden_session()).unwrap();
    assert_eq!((session.opener(), session.responder()), (public_key(&buyer()), public_key(&provider())));
}

#[test]
fn the_same_drafts_still_become_the_same_bytes() {
    let written: Vec<Vec<u8>> = whole_session().iter().map(Envelope::bytes).collect();
    let golden: Vec<&[u8]> = SESSION.lines().map(str::as_bytes).collect();
    assert_eq!(written, golden);
}

#[test]
fn the_card_of_version_1_still_opens() {
    assert_eq!(Card::open(CARD.as_bytes()).unwrap(), card());
    assert_eq!(card().bytes(), CARD.trim_end().as_bytes());
}

#[test]
fn the_worked_example_in_the_documentation_is_this_session() {
    let shown = DOCS.split("```json\n").filter_map(|block| block.split("\n```").next());
    let first = shown.filter_map(|json| Envelope::verify(json.as_bytes()).ok()).next().unwrap();
    assert_eq!(first, golden_session()[0]);
    for hash in HASHES {
        assert!(DOCS.contains(hash), "{hash}");
    }
    assert!(DOCS.contains(&offer().id.to_string()));
}

#[test]
fn every_problem_is_in_the_documentation() {
    for kind in ProblemType::ALL {
        let row = format!("| `{}` | {} |", kind.code(), kind.status());
        assert!(DOCS.contains(&row), "{row}");
        assert_eq!(Problem::new(kind, "").known_type(), Some(kind));
    }
}

#[test]
fn every_body_is_in_the_documentation() {
    for envelope in golden_session() {
        let row = format!("| `{}` | ", envelope.body().kind());
        assert!(DOCS.contains(&row), "{row}");
    }
}
