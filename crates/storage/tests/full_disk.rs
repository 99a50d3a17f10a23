//! A full disk refuses a write, loses nothing, and the same write goes through when there is space again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common;

use std::path::Path;
use std::process::Command;

use common::{NETWORK, coin, event, id};
use storage::{Store, StoreError, StoredEvent};
use tempfile::TempDir;

/// Appends large events until the disk is full. Returns how many were written.
async fn fill(store: &Store) -> u64 {
    for seq in 0..10_000 {
        match append(store, seq).await {
            Ok(()) => {}
            Err(StoreError::DiskFull) => return seq,
            Err(other) => panic!("event {seq}: {other:?}"),
        }
    }
    panic!("the disk never fills");
}

async fn append(store: &Store, seq: u64) -> Result<(), StoreError> {
    let event = StoredEvent { json: "x".repeat(20_000), ..event(seq) };
    let mut tx = store.begin().await?;
    tx.reserve(&coin(u32::try_from(seq).unwrap(), id(1))).await?;
    tx.append_event(id(1), &event).await?;
    tx.commit().await
}

/// Insists on what is on the disk, whatever the connections of the store itself may see.
async fn on_disk(folder: &TempDir, events: u64) {
    let copy = TempDir::new().unwrap();
    for file in ["earnest.sqlite", "earnest.sqlite-wal"] {
        std::fs::copy(folder.path().join(file), copy.path().join(file)).unwrap();
    }
    let store = Store::open(copy.path(), NETWORK).await.unwrap();
    holds(&store, events).await;
    store.close().await;
}

async fn holds(store: &Store, events: u64) {
    assert_eq!(store.events(id(1)).await.unwrap().len() as u64, events);
    assert_eq!(store.reservations().await.unwrap().len() as u64, events, "nothing was stored half");
}

#[tokio::test]
async fn a_database_that_may_not_grow_refuses_and_continues_when_something_was_deleted() {
    let folder = TempDir::new().unwrap();
    let store = Store::open_within(folder.path(), NETWORK, 200).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    for _ in 0..10 {
        tx.append_wallet_change(&"w".repeat(20_000)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let written = fill(&store).await;
    assert!(written > 3, "{written}");
    holds(&store, written).await;
    assert!(matches!(append(&store, written).await, Err(StoreError::DiskFull)), "still full");

    let mut tx = store.begin().await.unwrap();
    tx.replace_wallet_changes("{}").await.unwrap();
    tx.commit().await.unwrap();
    append(&store, written).await.unwrap();
    holds(&store, written + 1).await;
}

/// SQLite may end a transaction by itself when the disk is full. A connection that goes on as if it were still inside
/// commits nothing afterwards, and keeps all others from writing.
#[tokio::test]
async fn however_often_the_disk_was_full_a_commit_is_on_the_disk_afterwards() {
    let folder = TempDir::new().unwrap();
    let store = Store::open_within(folder.path(), NETWORK, 200).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    for _ in 0..10 {
        tx.append_wallet_change(&"w".repeat(20_000)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let written = fill(&store).await;
    for _ in 0..6 {
        assert!(matches!(append(&store, written).await, Err(StoreError::DiskFull)), "still full");
    }
    on_disk(&folder, written).await;
    let mut tx = store.begin().await.unwrap();
    tx.replace_wallet_changes("{}").await.unwrap();
    tx.commit().await.unwrap();
    for more in 0..3 {
        append(&store, written + more).await.unwrap();
        on_disk(&folder, written + more + 1).await;
    }
}

#[tokio::test]
async fn what_was_stored_before_the_disk_was_full_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let store = Store::open_within(folder.path(), NETWORK, 100).await.unwrap();
    let written = fill(&store).await;
    drop(store);
    let store = Store::open(folder.path(), NETWORK).await.unwrap();
    holds(&store, written).await;
    append(&store, written).await.unwrap();
    holds(&store, written + 1).await;
}

/// The same on a real file system. Only root may mount one; elsewhere this test says so and ends.
#[tokio::test]
async fn a_real_full_file_system_refuses_and_continues_when_there_is_space_again() {
    let folder = TempDir::new().unwrap();
    let Some(_mounted) = Mounted::tmpfs(folder.path()) else {
        println!("not run: this user cannot mount a tmpfs");
        return;
    };
    let store = Store::open(folder.path(), NETWORK).await.unwrap();
    let ballast = folder.path().join("ballast");
    std::fs::write(&ballast, vec![0; 512 * 1_024]).unwrap();
    let written = fill(&store).await;
    holds(&store, written).await;
    for _ in 0..6 {
        assert!(matches!(append(&store, written).await, Err(StoreError::DiskFull)), "still full");
    }
    on_disk(&folder, written).await;
    std::fs::remove_file(ballast).unwrap();
    append(&store, written).await.unwrap();
    on_disk(&folder, written + 1).await;
    holds(&store, written + 1).await;
    store.close().await;
}

/// A file system of two megabytes, gone with this value.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn tmpfs(at: &'a Path) -> Option<Self> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2M", "tmpfs"]).arg(at).output();
        mount.ok()?.status.success().then_some(Self(at))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // Lazily, should a connection still be closing.
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}
