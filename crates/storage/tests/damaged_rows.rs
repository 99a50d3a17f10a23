//! A row that does not read as what it should be is named, whoever wrote it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common;

use common::{coin, envelope, event, id, session, store, tamper};
use storage::{Answer, Store, StoreError, StoredOffer};

async fn filled() -> (tempfile::TempDir, Store) {
    let (folder, store) = store().await;
    let offer = StoredOffer { id: id(1), json: "{}".into(), announcements: vec![vec![1]], expires_at: 1 };
    let mut tx = store.begin().await.unwrap();
    tx.append_event(id(1), &event(0)).await.unwrap();
    tx.reserve(&coin(0, id(1))).await.unwrap();
    tx.put_offer(&offer).await.unwrap();
    tx.open_session(&session(1), 1).await.unwrap();
    tx.put_envelope(&envelope(1, 1)).await.unwrap();
    tx.put_answer("key", &Answer { request_hash: id(1), status: 200, body: String::new() }, 1).await.unwrap();
    tx.commit().await.unwrap();
    (folder, store)
}

/// Asks for everything, and gives the first refusal.
async fn read_all(store: &Store) -> Result<(), StoreError> {
    for escrow in store.escrows().await? {
        store.events(escrow).await?;
    }
    store.reservations().await?;
    store.offers().await?;
    store.offer(id(1)).await?;
    store.session(id(1)).await?;
    store.undelivered().await?;
    store.transcript(id(1)).await?;
    store.answer("key").await?;
    Ok(())
}

#[tokio::test]
async fn each_damaged_column_is_named() {
    let bad = [
        ("UPDATE escrow_events SET escrow = 'zz'", "escrow"),
        ("UPDATE escrow_events SET at = -1", "at"),
        ("UPDATE reservations SET escrow = upper(escrow) || 'A'", "escrow"),
        ("UPDATE reservations SET expires_at = -9223372036854775808", "expires_at"),
        ("UPDATE offers SET announcements = 'abc'", "offer"),
        ("UPDATE offers SET expires_at = -5", "expires_at"),
        ("UPDATE sessions SET counterparty = ''", "counterparty"),
        ("UPDATE sessions SET offer_id = '00'", "offer_id"),
        ("UPDATE envelopes SET id = 'x'", "id"),
        ("UPDATE envelopes SET seq = -1", "seq"),
        ("UPDATE answers SET status = 65536", "answer"),
        ("UPDATE answers SET status = -1", "status"),
        ("UPDATE answers SET request_hash = 'q'", "request_hash"),
    ];
    for (sql, column) in bad {
        let (folder, store) = filled().await;
        read_all(&store).await.unwrap();
        tamper(&folder, sql).await;
        let refused = read_all(&store).await;
        let Err(StoreError::Damaged { what }) = refused else { panic!("{sql}: {refused:?}") };
        assert_eq!(what, column, "{sql}");
    }
}

#[tokio::test]
async fn numbers_that_sqlite_cannot_hold_are_stored_as_the_largest() {
    let (_folder, store) = store().await;
    let never = storage::Reservation { expires_at: u64::MAX, ..coin(0, id(1)) };
    let mut tx = store.begin().await.unwrap();
    tx.reserve(&never).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.reservations().await.unwrap()[0].expires_at, i64::MAX.unsigned_abs());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 24, ..Default::default() })]

    /// Whatever text stands where a key or hex should: an error or the value, never a panic.
    #[test]
    fn any_text_in_a_keys_place_is_refused_or_read(text in "[0-9a-fA-F\\PC]{0,70}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (folder, store) = filled().await;
            let quoted = text.replace('\'', "''").replace('\0', "");
            for (table, column) in
                [("reservations", "escrow"), ("offers", "announcements"), ("sessions", "counterparty")]
            {
                tamper(&folder, &format!("UPDATE {table} SET {column} = '{quoted}'")).await;
            }
            if let Err(error) = read_all(&store).await {
                assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
            }
        });
    }
}
