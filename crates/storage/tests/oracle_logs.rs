//! Checkpoints of oracles' logs: the newest of each, and of what contradicts them the first.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common::{id, store};
use storage::{KeptCheckpoint, Store, StoredContradiction};

async fn keep(store: &Store, oracle: u8, log_key: &str, json: &str, at: u64) {
    let mut tx = store.begin().await.unwrap();
    let (oracle, log_key, json) = (id(oracle), log_key.to_owned(), json.to_owned());
    tx.keep_checkpoint(&KeptCheckpoint { oracle, log_key, json }, at).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn of_each_key_the_newest_is_kept_and_a_key_without_any_has_that_of_its_log() {
    let (_folder, store) = store().await;
    assert_eq!(store.kept_checkpoint(id(1), "log").await.unwrap(), None);
    keep(&store, 1, "log", "first", 10).await;
    keep(&store, 1, "log", "second", 20).await;
    keep(&store, 2, "log", "of another key", 15).await;
    keep(&store, 3, "other log", "elsewhere", 30).await;
    let kept = async |oracle, log: &str| store.kept_checkpoint(id(oracle), log).await.unwrap();
    assert_eq!(kept(1, "log").await.as_deref(), Some("second"));
    assert_eq!(kept(2, "log").await.as_deref(), Some("of another key"), "its own before a newer one");
    assert_eq!(kept(4, "log").await.as_deref(), Some("second"), "the newest of any key");
    assert_eq!(kept(3, "log").await.as_deref(), Some("elsewhere"), "its own, whatever log it shows now");
    assert_eq!(kept(4, "third log").await, None);
}

#[tokio::test]
async fn of_what_contradicts_a_log_the_first_of_either_sort_stays() {
    let (_folder, store) = store().await;
    for (oracle, proven, json, at) in [
        (1, false, "shrank", 10),
        (1, false, "again", 11),
        (1, true, "changed", 12),
        (1, true, "too", 13),
        (2, true, "b", 9),
    ] {
        let mut tx = store.begin().await.unwrap();
        let found = StoredContradiction { oracle: id(oracle), proven, json: json.to_owned(), at };
        tx.note_contradiction(&found).await.unwrap();
        tx.commit().await.unwrap();
    }
    let found = store.log_contradictions().await.unwrap();
    let found: Vec<_> = found.iter().map(|it| (it.oracle, it.proven, it.json.as_str(), it.at)).collect();
    assert_eq!(found, [(id(2), true, "b", 9), (id(1), false, "shrank", 10), (id(1), true, "changed", 12)]);
}
