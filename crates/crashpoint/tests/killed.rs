//! A process dies exactly where it was told to, and its log says how far it got.
#![cfg(feature = "enabled")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// Set for the test that is run as a process of its own.
const VICTIM: &str = "CRASHPOINT_VICTIM";

#[test]
fn victim() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    for round in 0..3 {
        crashpoint::here!("store.before");
        crashpoint::here!("store.after:{}", round % 2);
    }
}

fn run(log: &Path, crash_at: Option<&str>) -> (ExitStatus, Vec<String>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "victim"]).env(VICTIM, "1").env(crashpoint::CRASH_LOG, log);
    command.envs(crash_at.map(|at| (crashpoint::CRASH_AT, at)));
    let status = command.output().unwrap().status;
    (status, std::fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn every_point_is_logged_with_its_count() {
    let folder = tempfile::tempdir().unwrap();
    let (status, log) = run(&folder.path().join("log"), None);
    assert!(status.success());
    let expected = [
        "store.before#1",
        "store.after:0#1",
        "store.before#2",
        "store.after:1#1",
        "store.before#3",
        "store.after:0#2",
    ];
    assert_eq!(log, expected);
}

#[test]
fn the_process_is_killed_at_the_kth_time_and_gets_no_further() {
    let folder = tempfile::tempdir().unwrap();
    let (status, log) = run(&folder.path().join("log"), Some("store.before#2"));
    assert_eq!(status.signal(), Some(9));
    assert_eq!(log, ["store.before#1", "store.after:0#1", "store.before#2"]);
}

#[test]
fn a_point_that_is_never_reached_kills_nobody() {
    let folder = tempfile::tempdir().unwrap();
    for never in ["store.before#4", "store.before", "store", ""] {
        let log = folder.path().join(format!("log-{never}"));
        assert!(run(&log, Some(never)).0.success(), "{never:?}");
    }
}
