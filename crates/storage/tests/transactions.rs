//! What is written together becomes durable together, or not at all.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common;

use std::sync::Arc;

use common::{coin, envelope, event, id, session, store};
use storage::{Answer, Store, StoreError, StoredOffer};

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing_behind() {
    let (_folder, store) = store().await;
    let mut tx = store.begin().await.unwrap();
    tx.append_event(id(1), &event(0)).await.unwrap();
    tx.append_wallet_change("{}").await.unwrap();
    tx.reserve(&coin(0, id(1))).await.unwrap();
    tx.open_session(&session(1), 10).await.unwrap();
    tx.put_envelope(&envelope(1, 1)).await.unwrap();
    tx.put_payment("aa", 10, &[1]).await.unwrap();
    drop(tx);
    assert_eq!(store.escrows().await.unwrap(), []);
    assert_eq!(store.events(id(1)).await.unwrap(), []);
    assert_eq!(store.wallet_changes().await.unwrap(), [""; 0]);
    assert_eq!(store.reservations().await.unwrap(), []);
    assert_eq!(store.session(id(1)).await.unwrap(), None);
    assert_eq!(store.undelivered().await.unwrap(), []);
    assert_eq!(store.payments().await.unwrap(), [[0u8; 0]; 0]);
}

#[tokio::test]
async fn a_refused_write_takes_the_whole_transaction_with_it_when_it_is_dropped() {
    let (_folder, store) = store().await;
    let mut first = store.begin().await.unwrap();
    first.append_event(id(1), &event(0)).await.unwrap();
    first.commit().await.unwrap();
    let mut second = store.begin().await.unwrap();
    second.append_event(id(2), &event(0)).await.unwrap();
    second.reserve(&coin(0, id(2))).await.unwrap();
    let refused = second.append_event(id(1), &event(0)).await;
    assert!(matches!(refused, Err(StoreError::Exists { what: "event" })), "{refused:?}");
    drop(second);
    assert_eq!(store.escrows().await.unwrap(), [id(1)]);
    assert_eq!(store.reservations().await.unwrap(), []);
}

#[tokio::test]
async fn what_was_committed_is_there_after_the_store_is_opened_again() {
    let (folder, store) = store().await;
    let mut tx = store.begin().await.unwrap();
    tx.append_event(id(1), &event(0)).await.unwrap();
    tx.append_event(id(1), &event(1)).await.unwrap();
    tx.append_wallet_change("{\"a\":1}").await.unwrap();
    tx.append_wallet_change("{\"b\":2}").await.unwrap();
    tx.reserve(&coin(3, id(1))).await.unwrap();
    tx.commit().await.unwrap();
    drop(store);
    let store = Store::open(folder.path(), common::NETWORK).await.unwrap();
    assert_eq!(store.events(id(1)).await.unwrap(), [event(0), event(1)]);
    assert_eq!(store.wallet_changes().await.unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
    assert_eq!(store.reservations().await.unwrap(), [coin(3, id(1))]);
}

#[tokio::test]
async fn the_wallets_changes_can_be_replaced_by_one_that_says_the_same() {
    let (_folder, store) = store().await;
    let mut tx = store.begin().await.unwrap();
    for change in ["1", "2", "3"] {
        tx.append_wallet_change(change).await.unwrap();
    }
    tx.replace_wallet_changes("6").await.unwrap();
    tx.append_wallet_change("7").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.wallet_changes().await.unwrap(), ["6", "7"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_take_turns() {
    let (_folder, store) = store().await;
    let store = Arc::new(store);
    let mut writers = tokio::task::JoinSet::new();
    for tag in 0..20u8 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            let mut tx = store.begin().await?;
            tx.append_event(id(tag), &event(0)).await?;
            tokio::task::yield_now().await;
            tx.commit().await
        });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap().unwrap();
    }
    assert_eq!(store.escrows().await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_coin_belongs_to_one_escrow_until_that_lets_it_go() {
    let (_folder, store) = store().await;
    let mut tx = store.begin().await.unwrap();
    tx.reserve(&coin(0, id(1))).await.unwrap();
    tx.reserve(&coin(1, id(1))).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let refused = tx.reserve(&coin(1, id(2))).await;
    let Err(StoreError::Reserved { outpoint }) = refused else { panic!("{refused:?}") };
    assert_eq!(outpoint, coin(1, id(2)).outpoint);
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    tx.release(id(1)).await.unwrap();
    tx.reserve(&coin(1, id(2))).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.reservations().await.unwrap(), [coin(1, id(2))]);
}

#[tokio::test]
async fn events_keep_their_numbers_and_escrows_the_order_in_which_they_began() {
    let (_folder, store) = store().await;
    let mut tx = store.begin().await.unwrap();
    for (escrow, at) in [(id(9), 50), (id(1), 60)] {
        for seq in [1, 0, 2] {
            let event = storage::StoredEvent { at: at + seq, ..event(seq) };
            tx.append_event(escrow, &event).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    assert_eq!(store.escrows().await.unwrap(), [id(9), id(1)]);
    let seqs: Vec<u64> = store.events(id(9)).await.unwrap().iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [0, 1, 2]);
}

#[tokio::test]
async fn an_offer_published_twice_stands_once_and_keeps_its_announcements_in_order() {
    let (_folder, store) = store().await;
    let offer = |tag: u8, expires_at| StoredOffer {
        id: id(tag),
        json: format!("{{\"offer\":{tag}}}"),
        announcements: vec![vec![tag, 1], vec![], vec![tag, 2]],
        expires_at,
    };
    let late = StoredOffer { announcements: vec![vec![2], vec![1]], ..offer(1, 90) };
    let soon = StoredOffer { announcements: vec![vec![3]], ..offer(2, 80) };
    let mut tx = store.begin().await.unwrap();
    for offer in [&late, &soon, &late] {
        tx.put_offer(offer).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(store.offers().await.unwrap(), [soon.clone(), late]);
    assert_eq!(store.offer(id(2)).await.unwrap(), Some(soon));
    assert_eq!(store.offer(id(3)).await.unwrap(), None);
}

#[tokio::test]
async fn the_answer_to_a_request_is_stored_once_for_each_key() {
    let (_folder, store) = store().await;
    let answer = Answer { request_hash: id(1), status: 200, body: "{\"txid\":\"aa\"}".into() };
    let mut tx = store.begin().await.unwrap();
    tx.put_answer("key", &answer, 5).await.unwrap();
    let again = tx.put_answer("key", &Answer { status: 500, ..answer.clone() }, 6).await;
    assert!(matches!(again, Err(StoreError::Exists { what: "answer" })), "{again:?}");
    tx.commit().await.unwrap();
    assert_eq!(store.answer("key").await.unwrap(), Some(answer));
    assert_eq!(store.answer("other").await.unwrap(), None);
    let mut tx = store.begin().await.unwrap();
    tx.forget_answer("key").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.answer("key").await.unwrap(), None);
}

#[tokio::test]
async fn a_payment_is_kept_until_it_is_forgotten() {
    let (_folder, store) = store().await;
    let mut tx = store.begin().await.unwrap();
    tx.put_payment("bb", 20, &[2]).await.unwrap();
    tx.put_payment("aa", 10, &[1]).await.unwrap();
    let again = tx.put_payment("aa", 30, &[1]).await;
    assert!(matches!(again, Err(StoreError::Exists { what: "payment" })), "{again:?}");
    tx.commit().await.unwrap();
    assert_eq!(store.payments().await.unwrap(), [[1], [2]]);
    let mut tx = store.begin().await.unwrap();
    tx.forget_payment("aa").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.payments().await.unwrap(), [[2]]);
}
