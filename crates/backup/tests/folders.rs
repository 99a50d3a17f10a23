//! The folder that keeps the records.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt as _;

use backup::{BackupError, Folder};
use tempfile::TempDir;

#[test]
fn a_folder_that_was_never_prepared_is_not_written_to() {
    let home = TempDir::new().unwrap();
    let folder = Folder::new(home.path());
    for refused in [folder.put("a", b"1"), folder.get("a").map(|_| ()), folder.list().map(|_| ())] {
        assert!(matches!(refused, Err(BackupError::NotATarget { .. })), "{refused:?}");
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "the mount point stays empty");
}

#[test]
fn what_is_kept_replaces_what_was_kept() {
    let home = TempDir::new().unwrap();
    let folder = Folder::new(&home.path().join("new"));
    folder.prepare().unwrap();
    folder.put("a", b"first").unwrap();
    folder.put("a", b"second").unwrap();
    folder.prepare().unwrap();
    assert_eq!(folder.get("a").unwrap().as_deref(), Some(&b"second"[..]));
    assert_eq!(folder.get("b").unwrap(), None);
    assert_eq!(folder.list().unwrap(), ["a", "earnest-backup-target"], "and no half-written file");
    let mode = std::fs::metadata(folder.path().join("a")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_write_that_fails_leaves_what_was_there() {
    let home = TempDir::new().unwrap();
    let folder = Folder::new(home.path());
    folder.prepare().unwrap();
    folder.put("a", b"first").unwrap();
    std::fs::create_dir(home.path().join("a.part")).unwrap();
    let refused = folder.put("a", b"second");
    assert!(matches!(&refused, Err(BackupError::Io { path, .. }) if path.ends_with("a.part")), "{refused:?}");
    assert_eq!(folder.get("a").unwrap().as_deref(), Some(&b"first"[..]));
}
