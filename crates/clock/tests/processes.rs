//! Real processes at the barrier: this test program starts itself once more.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use clock::barrier::{Activity, Barrier};
use clock::{Clock, NEVER};

const START: u64 = 1_623_110_400_000;
const BARRIER: &str = "CLOCK_TEST_BARRIER";

/// Starts the test `role` of this program as a process of its own.
fn start(role: &str, barrier: &Barrier) -> Child {
    Command::new(std::env::current_exe().expect("tests know where they are"))
        .args(["--ignored", "--exact", &format!("processes::{role}")])
        .env(BARRIER, barrier.addr().to_string())
        .stdout(Stdio::null())
        .spawn()
        .expect("a test program can be started again")
}

/// The clock of a process so started; `None` when somebody runs all ignored tests.
async fn joined(name: &str) -> Option<Clock> {
    let addr: SocketAddr = std::env::var(BARRIER).ok()?.parse().ok()?;
    Clock::connect(addr, name).await.ok()
}

#[tokio::test]
#[ignore = "the other process of the tests below: holds the time for ever"]
async fn holder() {
    let Some(clock) = joined("holder").await else {
        return;
    };
    let _busy = clock.busy().await;
    std::future::pending::<()>().await;
}

#[tokio::test]
#[ignore = "the other process of the tests below: ends when its time is lost"]
async fn sleeper() {
    let Some(clock) = joined("sleeper").await else {
        return;
    };
    let mut busy = clock.busy().await;
    tokio::select! {
        () = busy.sleep_until_ms(NEVER) => {}
        _ = clock.lost() => {}
    }
}

#[tokio::test]
async fn a_process_killed_while_it_held_the_time_leaves_and_time_goes_on() {
    let barrier = Barrier::bind(START).await.unwrap();
    let clock = barrier.clock().await.unwrap();
    let mut busy = clock.busy().await;
    let mut holder = start("holder", &barrier);
    barrier.wait_for(&["holder"]).await;
    let sleeping = tokio::spawn(async move { busy.sleep_until_ms(START + 1_000).await });
    while barrier.attendance()[0].activity == Activity::Busy {
        tokio::task::yield_now().await;
    }
    assert_eq!(barrier.attendance()[1].activity, Activity::Busy);
    assert_eq!(barrier.now_ms(), START);
    holder.kill().unwrap();
    holder.wait().unwrap();
    sleeping.await.unwrap();
    assert_eq!(barrier.now_ms(), START + 1_000);
    barrier.wait_until_gone("holder").await;
}

#[tokio::test]
async fn a_process_ends_by_itself_when_the_barrier_goes_away() {
    let barrier = Barrier::bind(START).await.unwrap();
    let mut sleeper = start("sleeper", &barrier);
    barrier.wait_for(&["sleeper"]).await;
    drop(barrier);
    let ended = tokio::task::spawn_blocking(move || sleeper.wait());
    assert!(ended.await.unwrap().unwrap().success());
}
