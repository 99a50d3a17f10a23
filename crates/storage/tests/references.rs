//! References: what is presented, page by page, and what was verified of others.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common::{id, store};
use storage::{Presented, Store, VerifiedReference};

async fn present(store: &Store, escrow: u8, hash: u8, file: &[u8]) {
    let mut tx = store.begin().await.unwrap();
    tx.present(&Presented { hash: id(hash), escrow: id(escrow) }, file).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_presented_comes_page_by_page_and_of_an_escrow_the_newest_alone() {
    let (_folder, store) = store().await;
    for escrow in 1..=5 {
        present(&store, escrow, escrow * 16, &[escrow]).await;
    }
    let hashes = async |after, most| -> Vec<_> {
        store.presented(after, most).await.unwrap().into_iter().map(|one| one.hash).collect()
    };
    assert_eq!(hashes(None, 2).await, [id(16), id(32)]);
    assert_eq!(hashes(Some(id(32)), 2).await, [id(48), id(64)]);
    assert_eq!(hashes(Some(id(64)), 2).await, [id(80)]);
    present(&store, 2, 200, b"again").await;
    assert_eq!(store.presented_file(id(32)).await.unwrap(), None, "the older one is gone");
    assert_eq!(store.presented_file(id(200)).await.unwrap().as_deref(), Some(b"again".as_slice()));
    let mut tx = store.begin().await.unwrap();
    tx.withhold(id(2)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(hashes(None, 9).await, [id(16), id(48), id(64), id(80)]);
}

#[tokio::test]
async fn of_each_escrow_of_a_provider_what_was_verified_last_is_kept() {
    let (_folder, store) = store().await;
    let kept = |provider, funding, block| VerifiedReference {
        provider: id(provider),
        funding_txid: id(funding),
        hash: id(block),
        funding_block: id(block),
        closing_block: id(block),
        json: "{}".to_owned(),
    };
    let rows = [kept(1, 7, 1), kept(1, 8, 1), kept(2, 7, 1), kept(1, 7, 2)];
    for row in &rows {
        let mut tx = store.begin().await.unwrap();
        tx.keep_reference(row, 10).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(store.verified_references(id(1)).await.unwrap(), [rows[3].clone(), rows[1].clone()]);
    assert_eq!(store.verified_references(id(2)).await.unwrap(), [rows[2].clone()]);
    assert_eq!(store.verified_references(id(3)).await.unwrap(), []);
}
