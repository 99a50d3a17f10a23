//! The chain of a session: what continues it, and what does not.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::common;

use common::{NOW_S, answer, buyer, id, provider, rfq, rfq_draft, stranger, whole_session};
use protocol::session::MAX_ENVELOPES;
use protocol::{Body, Draft, Envelope, Session, SessionError, public_key, verify_transcript};
use terms::UnixSeconds;

fn cancel() -> Body {
    Body::Cancel { reason: "changed my mind".to_owned() }
}

/// Two envelopes of a session, and drafts for its third.
fn after_two() -> (Session, Draft) {
    let envelopes = whole_session();
    let session = verify_transcript(&envelopes[..2]).unwrap();
    let to = public_key(&provider());
    let draft = session.next(id(3), to, UnixSeconds(NOW_S + 3), UnixSeconds(NOW_S + 603), cancel());
    (session, draft)
}

fn refusal(session: &Session, draft: Draft) -> SessionError {
    session.check(&Envelope::seal(draft, &buyer()).unwrap()).unwrap_err()
}

#[test]
fn a_whole_session_is_a_transcript() {
    let envelopes = whole_session();
    let session = verify_transcript(&envelopes).unwrap();
    assert_eq!(session.opener(), public_key(&buyer()));
    assert_eq!(session.responder(), public_key(&provider()));
    assert_eq!(session.seq(), 6);
    assert_eq!(session.head(), envelopes[5].hash());
}

#[test]
fn a_transcript_survives_storage() {
    let stored: Vec<Vec<u8>> = whole_session().iter().map(Envelope::bytes).collect();
    let read: Vec<Envelope> = stored.iter().map(|bytes| Envelope::verify(bytes).unwrap()).collect();
    assert_eq!(verify_transcript(&read), verify_transcript(&whole_session()));
}

#[test]
fn an_envelope_left_out_is_found() {
    for missing in 0..whole_session().len() - 1 {
        let mut envelopes = whole_session();
        envelopes.remove(missing);
        let (position, _) = verify_transcript(&envelopes).unwrap_err();
        assert_eq!(position, missing);
    }
}

#[test]
fn two_envelopes_in_the_wrong_order_are_found() {
    for first in 0..whole_session().len() - 1 {
        let mut envelopes = whole_session();
        envelopes.swap(first, first + 1);
        let (position, refused) = verify_transcript(&envelopes).unwrap_err();
        assert_eq!(position, first);
        assert!(matches!(refused, SessionError::OutOfOrder { .. }));
    }
}

#[test]
fn an_envelope_repeated_is_found() {
    let mut envelopes = whole_session();
    envelopes.insert(2, envelopes[1].clone());
    assert_eq!(verify_transcript(&envelopes), Err((2, SessionError::OutOfOrder { got: 2, expected: 3 })));
}

#[test]
fn an_empty_transcript_shows_nothing() {
    assert_eq!(verify_transcript(&[]), Err((0, SessionError::Empty)));
}

#[test]
fn history_rewritten_by_its_own_signer_does_not_fit_what_the_other_answered() {
    let mut envelopes = whole_session();
    let rewritten = Draft { body: cancel(), ..rfq_draft() };
    envelopes[0] = Envelope::seal(rewritten, &buyer()).unwrap();
    let (position, refused) = verify_transcript(&envelopes).unwrap_err();
    assert_eq!(position, 1);
    assert!(matches!(refused, SessionError::OtherHistory { .. }));
}

#[test]
fn the_next_envelope_has_the_next_number() {
    let (session, draft) = after_two();
    for got in [2, 4, 5] {
        let refused = refusal(&session, Draft { seq: got, ..draft.clone() });
        assert_eq!(refused, SessionError::OutOfOrder { got, expected: 3 });
    }
}

#[test]
fn the_next_envelope_belongs_to_the_session() {
    let (session, draft) = after_two();
    let refused = refusal(&session, Draft { session: id(0xbb), ..draft });
    assert_eq!(refused, SessionError::OtherSession { got: id(0xbb), expected: id(0xaa) });
}

#[test]
fn a_third_party_can_neither_speak_nor_be_spoken_to() {
    let (session, draft) = after_two();
    let refused = refusal(&session, Draft { to: public_key(&stranger()), ..draft.clone() });
    assert!(matches!(refused, SessionError::OtherParties { .. }));
    let foreign = Envelope::seal(draft, &stranger()).unwrap();
    assert!(matches!(session.check(&foreign), Err(SessionError::OtherParties { .. })));
}

#[test]
fn the_next_envelope_continues_the_last_one() {
    let (session, draft) = after_two();
    let first = rfq().hash();
    let refused = refusal(&session, Draft { prev: Some(first), ..draft });
    assert_eq!(refused, SessionError::OtherHistory { got: Some(first), expected: Some(session.head()) });
}

#[test]
fn a_refused_envelope_leaves_the_session_as_it_was() {
    let (mut session, draft) = after_two();
    let before = session.clone();
    let foreign = Envelope::seal(Draft { seq: 9, ..draft.clone() }, &buyer()).unwrap();
    assert!(session.push(&foreign).is_err());
    assert_eq!(session, before);
    assert_eq!(session.push(&Envelope::seal(draft, &buyer()).unwrap()), Ok(()));
}

#[test]
fn a_session_opens_only_with_its_first_envelope() {
    let second = &whole_session()[1];
    assert_eq!(Session::open(second), Err(SessionError::OutOfOrder { got: 2, expected: 1 }));
}

#[test]
fn one_side_may_speak_twice_since_some_envelopes_have_no_answer() {
    let envelopes = whole_session();
    assert_eq!((envelopes[2].from(), envelopes[3].from()), (public_key(&buyer()), public_key(&buyer())));
}

#[test]
fn a_session_has_an_end() {
    let mut session = Session::open(&rfq()).unwrap();
    while session.seq() < MAX_ENVELOPES {
        let next = answer(&session, &provider(), cancel());
        session.push(&next).unwrap();
    }
    let one_more = answer(&session, &buyer(), cancel());
    assert_eq!(session.check(&one_more), Err(SessionError::TooLong));
}
