//! The oracle is killed (SIGKILL) at every crash point of a whole event's life, started again, and the life is lived to its
//! end: one announcement, one attestation, evidence that passes the audit, and a log that only ever grew.
//!
//! The points are compiled in with `--features crash-points` (`crates/crashpoint`); without them there is nothing to walk.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

mod life;

use std::any::Any;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use life::{Life, Mortal};

/// Lives at a time.
const AT_ONCE: usize = 3;

#[test]
#[cfg_attr(not(feature = "crash-points"), ignore = "needs the crash points: --features crash-points")]
fn killed_at_every_point_of_an_events_life_the_oracle_attests_once_and_stands_by_all_it_said() {
    let began = Instant::now();
    let points = record();
    let names: BTreeSet<&str> = points.iter().map(|point| point.split_once('#').unwrap().0).collect();
    for name in [
        "announce.prepared",
        "announce.journalled",
        "announce.published",
        "samples.before",
        "samples.written",
        "close.slices",
        "close.after",
        "sign.outcome_stored",
        "replace.drafted",
        "sign.held",
        "sign.authorised",
        "sign.signed",
        "sign.stored",
        "mark.before",
        "sign.marked",
        "commit.within",
        "commit.after",
    ] {
        assert!(names.contains(name), "{name} is not on the way: {names:?}");
    }
    let lives = walk(&points);
    nonces_are_all_different(&lives);
    // The test harness swallows what a test that passes prints, but not this.
    let _ = writeln!(
        std::io::stdout(),
        "oracle's crash walk: killed at each of {} hits of {} points, in {} s",
        points.len(),
        names.len(),
        began.elapsed().as_secs()
    );
}

/// Lives a life undisturbed. Returns every point that the oracle reached, in order, as `NAME#K`.
fn record() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("points");
    let path = log.display().to_string();
    runtime().block_on(async {
        let mut mortal = Mortal::start(&[("EARNEST_CRASH_LOG", &path)]).await;
        life::live(&mut mortal).await;
    });
    std::fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect()
}

/// Lives it once more for each point, several at a time.
fn walk(points: &[String]) -> Vec<Life> {
    let next = AtomicUsize::new(0);
    let (lives, failed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let life = catch_unwind(AssertUnwindSafe(|| runtime().block_on(die_at(point))));
                    match life {
                        Ok(life) => lives.lock().unwrap().push(life),
                        Err(why) => failed.lock().unwrap().push(format!("{point}: {}", message(&*why))),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} walks failed:\n{}", failed.len(), points.len(), failed.join("\n"));
    lives.into_inner().unwrap()
}

fn message(why: &(dyn Any + Send)) -> &str {
    let text = why.downcast_ref::<String>().map(String::as_str);
    text.or(why.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}

async fn die_at(point: &str) -> Life {
    let mut mortal = Mortal::start(&[("EARNEST_CRASH_AT", point)]).await;
    let life = life::live(&mut mortal).await;
    assert!(!mortal.is_doomed(), "the point was not reached");
    life
}

/// Over everything that was ever announced, in whichever life.
fn nonces_are_all_different(lives: &[Life]) {
    let nonces: Vec<_> =
        lives.iter().flat_map(|life| life.announcement.oracle_event.oracle_nonces.clone()).collect();
    let different: BTreeSet<[u8; 32]> = nonces.iter().map(|nonce| nonce.serialize()).collect();
    assert_eq!(different.len(), nonces.len(), "a nonce stands twice");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
