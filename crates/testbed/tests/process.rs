//! Processes: shell scripts stand in for our binaries.

use std::time::Duration;

use testbed::{FailingTarget, Phase, ProcessBuilder, ProcessError, free_addr};

const LIMIT: Duration = Duration::from_secs(20);

struct Shell {
    folder: tempfile::TempDir,
}

impl Shell {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        Self { folder }
    }

    fn script(&self, text: &str) -> ProcessBuilder {
        let log = self.folder.path().join("logs/shell.log");
        ProcessBuilder::program("/bin/sh", log).args(["-c", text])
    }
}

/// A process that runs, or a zombie, still has its entry here.
fn is_there(id: u32) -> bool {
    std::path::Path::new("/proc").join(id.to_string()).exists()
}

#[tokio::test]
async fn a_process_is_ready_when_its_readyz_says_so() {
    let shell = Shell::new();
    let target = FailingTarget::start().await.unwrap();
    target.set(Phase::Status(503));
    let mut process = shell.script("exec sleep 100").spawn().unwrap();
    let impatient = process.wait_ready(target.addr(), Duration::from_millis(100));
    let error = impatient.await.unwrap_err();
    assert!(matches!(error, ProcessError::TooSlow { .. }), "{error}");
    target.set(Phase::Up);
    process.wait_ready(target.addr(), LIMIT).await.unwrap();
}

#[tokio::test]
async fn a_process_that_ends_before_it_is_ready_is_an_error_with_its_last_words() {
    let shell = Shell::new();
    let script = shell.script("echo starting; echo 'no config at all' >&2; exit 3");
    let mut process = script.called("provider").spawn().unwrap();
    let error = process.wait_ready(free_addr().unwrap(), LIMIT).await;
    let text = error.unwrap_err().to_string();
    assert!(text.starts_with("provider ended with exit status: 3"), "{text}");
    assert!(text.ends_with("starting\nno config at all"), "{text}");
}

#[tokio::test]
async fn one_that_listens_to_the_signal_ends_in_its_own_way() {
    let shell = Shell::new();
    let mut process = shell
        .script("trap 'echo bye; exit 7' TERM; echo hello; while :; do sleep 0.01; done")
        .spawn()
        .unwrap();
    while process.log() != "hello\n" {
        assert_eq!(process.ended().unwrap(), None);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let log_file = process.log_file().to_owned();
    let status = process.terminate(LIMIT).await.unwrap();
    assert_eq!(status.code(), Some(7));
    assert_eq!(std::fs::read_to_string(log_file).unwrap(), "hello\nbye\n");
}

#[tokio::test]
async fn one_that_does_not_listen_is_killed_and_named() {
    let shell = Shell::new();
    let script = shell.script("trap '' TERM; echo deaf; while :; do sleep 0.01; done");
    let mut process = script.called("buyer").spawn().unwrap();
    while process.log().is_empty() {
        assert_eq!(process.ended().unwrap(), None);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let id = process.id();
    let error = process.terminate(Duration::from_millis(100)).await.unwrap_err();
    assert!(error.to_string().starts_with("buyer did not end"), "{error}");
    assert!(!is_there(id));
}

#[tokio::test]
async fn nothing_is_left_of_a_process_that_was_killed_or_dropped() {
    let shell = Shell::new();
    let killed = shell.script("exec sleep 100").spawn().unwrap();
    let dropped = shell.script("exec sleep 100").spawn().unwrap();
    let ids = [killed.id(), dropped.id()];
    killed.kill();
    drop(dropped);
    assert!(!ids.into_iter().any(is_there));
}

#[tokio::test]
async fn started_again_it_gets_the_same_and_writes_on_in_its_log() {
    let shell = Shell::new();
    let script = shell.script("echo \"$GREETING $0\"").arg("again").env("GREETING", "hello");
    for run in 1..=2 {
        let mut process = script.spawn().unwrap();
        assert!(process.wait(LIMIT).await.unwrap().success());
        assert_eq!(process.log(), "hello again\n".repeat(run));
    }
}

#[test]
fn a_program_that_is_not_there_is_an_error_that_names_it() {
    let log = tempfile::tempdir().unwrap().path().join("log");
    let error = ProcessBuilder::program("/no/such/thing", &log).spawn();
    assert_eq!(error.unwrap_err().to_string(), "thing: can't be run");
    let error = ProcessBuilder::binary("no-such-binary", &log).unwrap_err();
    assert!(error.to_string().ends_with("cargo build --bin no-such-binary"));
}
