//! Version 1 of the protocol is frozen: these bytes stay readable, and mean the same, for ever.
//!
//! The hashes were computed, and the signatures verified, by another program: Python's `json.dumps` with
//! sorted keys and without spaces, `hashlib`, and BIP340's reference code.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::common;

use common::{NOW_S, answer, buyer, id, negotiated_session, offer, provider, whole_session};
use protocol::card::More;
use protocol::{
    Body, Card, CardDraft, Envelope, Problem, ProblemType, Session, public_key, verify_transcript,
};
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

const SESSION_2: &str = include_str!("golden/session-v2.jsonl");

const HASHES_2: [&str; 5] = [
    "5c103c4e95b0d7e10320f0a3697ec6925fd70f04f60e4093224ddfbba6df538f",
    "e1accb69fb0c6bbac3790f3b0fbf6d9c762f528d317e33df8b65c65a35b10141",
    "3e39ebd4a7a7e67cb363b5d8db8e91758386e598b7b40a9f5a018f94fcdf0e67",
    "85114f6d95aec8a1e2ad84c4694d18ddc7285ba048d8e05c1df401c05bfe6fd5",
    "aac993778a0463fcbb77fe307b58627a31ee3826bef85793bdf1b1e57801c5cb",
];

#[test]
fn the_envelopes_of_version_2_keep_their_bytes_and_hashes() {
    let written: Vec<String> =
        negotiated_session().iter().map(|said| String::from_utf8(said.bytes()).unwrap()).collect();
    let golden: Vec<&str> = SESSION_2.lines().collect();
    assert_eq!(written, golden);
    let read: Vec<Envelope> = golden.iter().map(|line| Envelope::verify(line.as_bytes()).unwrap()).collect();
    let hashes: Vec<String> = read.iter().map(|envelope| envelope.hash().to_string()).collect();
    assert_eq!(hashes, HASHES_2);
    assert_eq!(verify_transcript(&read).unwrap().v(), 2);
    for hash in HASHES_2 {
        assert!(DOCS.contains(hash), "{hash}");
    }
}

/// A session keeps the version of its first envelope.
#[test]
fn versions_are_not_mixed_in_a_session() {
    let session = Session::open(&negotiated_session()[0]).unwrap();
    let quote = answer(&session, &provider(), Body::Cancel { reason: String::new() });
    assert_eq!(session.check(&quote), Ok(()));
    let draft =
        session.next(id(9), public_key(&provider()), quote.at(), quote.expires(), quote.body().clone());
    let older = Envelope::seal(draft.in_version(1), &buyer()).unwrap();
    assert_eq!(session.check(&older).unwrap_err().field(), "v");
}

fn golden_session() -> Vec<Envelope> {
    SESSION.lines().map(|line| Envelope::verify(line.as_bytes()).unwrap()).collect()
}

fn card() -> Card {
    let note = "Sells uptime of edge.example. Ask ops@edge.example.".to_owned();
    let draft = CardDraft {
        network: "regtest".to_owned(),
        offers: vec![offer()],
        note,
        at: UnixSeconds(NOW_S),
        latest: 1,
        more: More::default(),
    };
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
    for envelope in golden_session().into_iter().chain(negotiated_session()) {
        let row = format!("| `{}` | ", envelope.body().kind());
        assert!(DOCS.contains(&row), "{row}");
    }
}
