//! One process, one network, one sound file: what a data folder must be.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common;

use std::process::Command;

use common::{NETWORK, event, id, store};
use storage::{Store, StoreError};
use tempfile::TempDir;

#[tokio::test]
async fn a_folder_is_open_once_at_a_time() {
    let (folder, store) = store().await;
    let second = Store::open(folder.path(), NETWORK).await;
    let Err(StoreError::InUse { path }) = second else { panic!("{second:?}") };
    assert!(path.ends_with("earnest.lock"));
    drop(store);
    Store::open(folder.path(), NETWORK).await.unwrap();
}

/// The lock is the system's, so that a killed process leaves none behind.
#[tokio::test]
async fn another_process_is_refused_too() {
    let Ok(folder) = std::env::var("STORE_OF_ANOTHER_PROCESS") else {
        return ask_another_process().await;
    };
    let refused = Store::open(folder.as_ref(), NETWORK).await;
    assert!(matches!(refused, Err(StoreError::InUse { .. })), "{refused:?}");
    println!("was refused");
}

async fn ask_another_process() {
    let (folder, _store) = store().await;
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "folders::another_process_is_refused_too", "--nocapture"])
        .env("STORE_OF_ANOTHER_PROCESS", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("was refused"), "{said}");
}

#[tokio::test]
async fn a_folder_of_another_network_is_refused() {
    let (folder, store) = store().await;
    drop(store);
    let refused = Store::open(folder.path(), "mainnet").await;
    let Err(StoreError::OtherNetwork { stored, asked }) = refused else { panic!("{refused:?}") };
    assert_eq!((stored.as_str(), asked.as_str()), ("regtest", "mainnet"));
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let folder = TempDir::new().unwrap();
    let refused = Store::open(&folder.path().join("missing"), NETWORK).await;
    let Err(StoreError::Folder { path, .. }) = refused else { panic!("{refused:?}") };
    assert!(path.starts_with(folder.path().join("missing")));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_called_damaged() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("earnest.sqlite"), [0xa5; 8_192]).unwrap();
    let refused = Store::open(folder.path(), NETWORK).await;
    assert!(matches!(refused, Err(StoreError::Damaged { what: "database file" })), "{refused:?}");
}

/// A database in which something is written on every page, closed.
async fn filled() -> (TempDir, Vec<u8>) {
    let (folder, store) = store().await;
    let mut tx = store.begin().await.unwrap();
    for seq in 0..200 {
        let event = storage::StoredEvent { json: "x".repeat(500), ..event(seq) };
        tx.append_event(id(1), &event).await.unwrap();
    }
    tx.commit().await.unwrap();
    store.close().await;
    let bytes = std::fs::read(folder.path().join("earnest.sqlite")).unwrap();
    assert!(!folder.path().join("earnest.sqlite-wal").exists(), "all of it is in one file");
    (folder, bytes)
}

#[tokio::test]
async fn a_torn_file_is_found_when_it_is_opened() {
    let (folder, bytes) = filled().await;
    for keep in [100, 4_096, bytes.len() / 2, bytes.len() - 4_096] {
        std::fs::write(folder.path().join("earnest.sqlite"), &bytes[..keep]).unwrap();
        let refused = Store::open(folder.path(), NETWORK).await;
        let damaged = matches!(refused, Err(StoreError::Damaged { what: "database file" }));
        assert!(damaged, "{keep} of {} bytes: {refused:?}", bytes.len());
    }
}

#[tokio::test]
async fn garbage_on_any_page_is_an_error_or_harmless_and_never_a_panic() {
    let (folder, bytes) = filled().await;
    let mut found = 0;
    for page in 0..bytes.len() / 4_096 {
        let mut garbled = bytes.clone();
        let start = page * 4_096;
        garbled[start..start + 512].fill(0x5a);
        std::fs::write(folder.path().join("earnest.sqlite"), &garbled).unwrap();
        match Store::open(folder.path(), NETWORK).await {
            Ok(store) => store.close().await,
            Err(StoreError::Damaged { .. }) => found += 1,
            Err(other) => panic!("page {page}: {other:?}"),
        }
    }
    assert!(found > 20, "only {found} damaged pages were found");
}
