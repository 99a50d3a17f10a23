//! Sessions are counted for the key and the address that opened them, over what is stored.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common;

use common::{event, id, session, store};
use storage::{Negotiation, NewSession, OpenSessions, Opener, Store, StoredOffer};

/// A session of the key 200 or another, from an address, about the offer 201.
fn from(tag: u8, key: u8, address: Option<&str>) -> NewSession {
    NewSession { counterparty: id(key), address: address.map(str::to_owned), ..session(tag) }
}

async fn open(store: &Store, session: &NewSession, at: u64) {
    let mut tx = store.begin().await.unwrap();
    tx.open_session(session, at).await.unwrap();
    let negotiation = Negotiation { session: session.id, offer: "{}".into(), plan: None, ended: None };
    tx.open_negotiation(&negotiation).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_last_but_so_many_sessions_of_a_key_and_of_an_address_are_found() {
    let (_folder, store) = store().await;
    let ours = NewSession { peer_url: Some("http://peer.example".into()), ..from(9, 200, None) };
    for (session, at) in [
        (from(1, 200, Some("192.0.2.1")), 10),
        (from(2, 200, Some("192.0.2.2")), 20),
        (from(3, 210, Some("192.0.2.1")), 30),
        (from(4, 200, None), 40),
        (ours, 50),
    ] {
        open(&store, &session, at).await;
    }
    let last_but = async |so_many, of| store.last_session_but(so_many, of, 15).await.unwrap();
    assert_eq!(last_but(0, Opener::Anybody).await, Some(40), "ours is nobody's");
    assert_eq!(last_but(2, Opener::Anybody).await, Some(20));
    assert_eq!(last_but(3, Opener::Anybody).await, None, "the first was opened before");
    assert_eq!(last_but(1, Opener::Key(id(200))).await, Some(20));
    assert_eq!(last_but(1, Opener::Key(id(210))).await, None);
    assert_eq!(last_but(0, Opener::Address("192.0.2.1")).await, Some(30));
    assert_eq!(last_but(1, Opener::Address("192.0.2.1")).await, None);
    assert_eq!(store.session(id(1)).await.unwrap().unwrap().address.as_deref(), Some("192.0.2.1"));
}

#[tokio::test]
async fn what_ended_became_an_escrow_or_is_about_an_expired_offer_is_not_open() {
    let (_folder, store) = store().await;
    let offer =
        |tag, expires_at| StoredOffer { id: id(tag), json: "{}".into(), announcements: vec![], expires_at };
    let mut tx = store.begin().await.unwrap();
    tx.put_offer(&offer(201, 1_000)).await.unwrap();
    tx.put_offer(&offer(202, 500)).await.unwrap();
    tx.commit().await.unwrap();
    for tag in 1..=4 {
        open(&store, &from(tag, 200, Some("192.0.2.1")), 10).await;
    }
    let other_offer = NewSession { offer_id: Some(id(202)), ..from(5, 210, Some("192.0.2.1")) };
    open(&store, &other_offer, 10).await;
    let mut tx = store.begin().await.unwrap();
    tx.end_negotiation(id(1), "no").await.unwrap();
    tx.append_event(id(2), &event(0)).await.unwrap();
    tx.commit().await.unwrap();

    let open_at = async |of, now| store.open_sessions(of, now).await.unwrap();
    let some = |count, first_ends| OpenSessions { count, first_ends: Some(first_ends) };
    assert_eq!(open_at(Opener::Anybody, 100).await, some(3, 500));
    assert_eq!(open_at(Opener::Key(id(200)), 100).await, some(2, 1_000));
    assert_eq!(open_at(Opener::Address("192.0.2.1"), 100).await, some(3, 500));
    assert_eq!(open_at(Opener::Address("192.0.2.9"), 100).await, OpenSessions { count: 0, first_ends: None });
    assert_eq!(open_at(Opener::Anybody, 500).await, some(2, 1_000));
}
