//! A copy of a database that is in use.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common;

use common::{NETWORK, event, id, store};
use storage::{DATABASE, Store, StoreError};
use tempfile::TempDir;

#[tokio::test]
async fn a_copy_holds_what_was_committed_and_nothing_of_what_is_being_written() {
    let (folder, store) = store().await;
    let mut tx = store.begin().await.unwrap();
    tx.append_event(id(1), &event(0)).await.unwrap();
    tx.note_backed_up(id(1)).await.unwrap();
    tx.note_backed_up(id(1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut open = store.begin().await.unwrap();
    open.append_event(id(1), &event(1)).await.unwrap();

    let copied = TempDir::new().unwrap();
    Store::copy(folder.path(), &copied.path().join(DATABASE)).await.unwrap();
    open.commit().await.unwrap();
    let copy = Store::open(copied.path(), NETWORK).await.unwrap();
    assert_eq!(copy.events(id(1)).await.unwrap(), [event(0)]);
    assert_eq!(copy.backed_up().await.unwrap(), [id(1)]);
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_made_of_nothing() {
    let (folder, _store) = store().await;
    let taken = folder.path().join("taken");
    std::fs::write(&taken, b"mine").unwrap();
    assert!(Store::copy(folder.path(), &taken).await.is_err());
    assert_eq!(std::fs::read(&taken).unwrap(), b"mine");
    let empty = TempDir::new().unwrap();
    let refused = Store::copy(empty.path(), &folder.path().join("copy")).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
}
