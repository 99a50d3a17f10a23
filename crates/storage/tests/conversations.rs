//! Sessions and envelopes: what a peer may repeat, and what still waits to be sent.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common;

use common::{envelope, event, id, session, store};
use storage::{Answer, NewEnvelope, NewSession, StoreError, StoredOffer};

#[tokio::test]
async fn an_envelopes_id_is_taken_once_in_all_sessions() {
    let (_folder, store) = store().await;
    let mut tx = store.begin().await.unwrap();
    tx.put_envelope(&envelope(1, 1)).await.unwrap();
    let same_id = NewEnvelope { session: id(2), seq: 9, ..envelope(1, 1) };
    let refused = tx.put_envelope(&same_id).await;
    assert!(matches!(refused, Err(StoreError::Exists { what: "envelope" })), "{refused:?}");
}

#[tokio::test]
async fn a_place_in_a_session_is_taken_once() {
    let (_folder, store) = store().await;
    let mut tx = store.begin().await.unwrap();
    tx.put_envelope(&envelope(1, 1)).await.unwrap();
    let same_place = NewEnvelope { id: id(99), ..envelope(1, 1) };
    let refused = tx.put_envelope(&same_place).await;
    assert!(matches!(refused, Err(StoreError::Exists { what: "envelope" })), "{refused:?}");
}

#[tokio::test]
async fn what_is_sent_waits_until_it_is_delivered() {
    let (_folder, store) = store().await;
    let received = NewEnvelope { ours: false, delivered: true, ..envelope(1, 2) };
    let mut tx = store.begin().await.unwrap();
    for envelope in [&envelope(2, 1), &envelope(1, 1), &received, &envelope(1, 3)] {
        tx.put_envelope(envelope).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(store.undelivered().await.unwrap(), [envelope(1, 1), envelope(1, 3), envelope(2, 1)]);
    assert_eq!(store.transcript(id(1)).await.unwrap(), [envelope(1, 1), received, envelope(1, 3)]);

    let mut tx = store.begin().await.unwrap();
    tx.mark_delivered(envelope(1, 3).id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.undelivered().await.unwrap(), [envelope(1, 1), envelope(2, 1)]);
    assert!(store.envelope(envelope(1, 3).id).await.unwrap().unwrap().delivered);
    assert_eq!(store.envelope(id(250)).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_begins_once() {
    let (_folder, store) = store().await;
    let ours = NewSession { peer_url: Some("http://peer.example".into()), ..session(2) };
    let others = NewSession { counterparty: id(210), ..session(3) };
    let mut tx = store.begin().await.unwrap();
    tx.open_session(&session(1), 100).await.unwrap();
    tx.open_session(&ours, 200).await.unwrap();
    tx.open_session(&others, 300).await.unwrap();
    let again = tx.open_session(&session(1), 400).await;
    assert!(matches!(again, Err(StoreError::Exists { what: "session" })), "{again:?}");
    tx.commit().await.unwrap();
    assert_eq!(store.session(id(2)).await.unwrap(), Some(ours));
    assert_eq!(store.session(id(9)).await.unwrap(), None);
}

#[tokio::test]
async fn sessions_about_an_escrow_are_found_by_it_and_kept_but_for_renewals_that_came_to_nothing() {
    let (_folder, store) = store().await;
    let close = NewSession { offer_id: None, escrow: Some(id(1)), ..session(2) };
    let renewal = NewSession { announcements: vec![vec![1], vec![2, 3]], ..close.clone() };
    let (failed, renewed) =
        (NewSession { id: id(3), ..renewal.clone() }, NewSession { id: id(4), ..renewal });
    let mut tx = store.begin().await.unwrap();
    for (session, at) in [(&session(1), 10), (&close, 20), (&failed, 30), (&renewed, 40)] {
        tx.open_session(session, at).await.unwrap();
        tx.put_envelope(&NewEnvelope { session: session.id, id: session.id, ..envelope(1, 1) })
            .await
            .unwrap();
    }
    tx.append_event(id(4), &event(0)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.sessions_about(id(1)).await.unwrap(), [close.clone(), failed, renewed.clone()]);
    assert_eq!(store.sessions_about(id(9)).await.unwrap(), []);

    let mut tx = store.begin().await.unwrap();
    tx.prune_sessions(50).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.sessions_about(id(1)).await.unwrap(), [close, renewed], "one never became an escrow");
    assert_eq!(store.transcript(id(2)).await.unwrap().len(), 1);
    assert_eq!(store.transcript(id(3)).await.unwrap(), []);
}

#[tokio::test]
async fn what_nobody_will_ask_for_again_is_pruned_and_escrows_keep_their_transcripts() {
    let (_folder, store) = store().await;
    let offer =
        |tag, expires_at| StoredOffer { id: id(tag), json: "{}".into(), announcements: vec![], expires_at };
    let answer = Answer { request_hash: id(1), status: 200, body: String::new() };
    let mut tx = store.begin().await.unwrap();
    for (tag, at) in [(1, 10), (2, 10), (3, 90)] {
        tx.open_session(&session(tag), at).await.unwrap();
        tx.put_envelope(&envelope(tag, 1)).await.unwrap();
    }
    // The first session became an escrow.
    tx.append_event(id(1), &event(0)).await.unwrap();
    for (tag, at) in [(1, 10), (2, 90)] {
        tx.put_offer(&offer(tag, at)).await.unwrap();
        tx.put_answer(&format!("key {tag}"), &answer, at).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.prune(50).await.unwrap(), 2, "an answer and an offer");
    assert_eq!(tx.prune_sessions(50).await.unwrap(), 2, "a session and its envelope");
    tx.commit().await.unwrap();
    assert_eq!(store.transcript(id(1)).await.unwrap(), [envelope(1, 1)]);
    assert_eq!(store.session(id(2)).await.unwrap(), None);
    assert_eq!(store.transcript(id(2)).await.unwrap(), []);
    assert_eq!(store.transcript(id(3)).await.unwrap(), [envelope(3, 1)]);
    assert_eq!(store.offer(id(1)).await.unwrap(), None);
    assert!(store.offer(id(2)).await.unwrap().is_some());
    assert_eq!(store.answer("key 1").await.unwrap(), None);
    assert!(store.answer("key 2").await.unwrap().is_some());
}
