//! What the owner is told keeps its numbers, whatever is forgotten of it.

use storage::{FeedEnds, FeedRow, Store};
use tempfile::TempDir;

fn row(at: u64) -> FeedRow {
    FeedRow {
        id: 0,
        at,
        kind: "escrow".into(),
        subject: "00".into(),
        event: "opened".into(),
        seq: Some(0),
        detail: String::new(),
    }
}

async fn append(store: &Store, moments: &[u64]) {
    let mut tx = store.begin().await.unwrap();
    for at in moments {
        tx.append_feed(&row(*at)).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn ids(store: &Store, after: u64) -> Vec<u64> {
    store.feed().after(after, 3).await.unwrap().iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn ids_have_no_gaps_and_none_is_used_again_when_old_rows_are_forgotten() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path(), "regtest").await.unwrap();
    assert_eq!(store.feed().ends().await.unwrap(), FeedEnds { forgotten: 0, newest: 0 });
    append(&store, &[10, 20, 30, 40]).await;
    // A transaction that comes to nothing uses no id.
    let mut tx = store.begin().await.unwrap();
    tx.append_feed(&row(50)).await.unwrap();
    drop(tx);
    append(&store, &[60]).await;
    assert_eq!((ids(&store, 0).await, ids(&store, 3).await), (vec![1, 2, 3], vec![4, 5]));

    let mut tx = store.begin().await.unwrap();
    tx.prune_feed(30).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((ids(&store, 0).await, ids(&store, 5).await), (vec![3, 4, 5], vec![]));
    assert_eq!(store.feed().ends().await.unwrap(), FeedEnds { forgotten: 2, newest: 5 });

    let mut tx = store.begin().await.unwrap();
    tx.prune_feed(100).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    let store = Store::open(folder.path(), "regtest").await.unwrap();
    assert_eq!(store.feed().ends().await.unwrap(), FeedEnds { forgotten: 5, newest: 5 });
    append(&store, &[110]).await;
    assert_eq!(ids(&store, 0).await, [6]);
}
