//! One participant against a barrier that is played by the test, byte for byte: the orders of
//! messages that a real one produces only now and then.
use std::time::Duration;

use clock::{Clock, FrameError, Lost};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

struct Played(TcpStream);

impl Played {
    async fn say(&mut self, tag: u8, ask: u64, now_ms: u64) {
        let mut bytes = vec![tag];
        bytes.extend(ask.to_le_bytes());
        bytes.extend(now_ms.to_le_bytes());
        self.0.write_all(&bytes).await.unwrap();
    }

    async fn hear(&mut self) -> (u8, u64) {
        let mut bytes = [0; 17];
        self.0.read_exact(&mut bytes).await.unwrap();
        (bytes[0], u64::from_le_bytes(bytes[1..9].try_into().unwrap()))
    }
}

/// A participant that has joined at 1,000 ms, and the barrier's end of its connection.
async fn joined() -> (Clock, Played) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let clock = tokio::spawn(async move { Clock::connect(addr, "actor").await.unwrap() });
    let mut played = Played(listener.accept().await.unwrap().0);
    let mut greeting = [0; 22];
    played.0.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"earnest-clock 1 actor\n");
    played.say(b'W', 0, 1_000).await;
    (clock.await.unwrap(), played)
}

/// Whether the task is still waiting after everything that was on its way has arrived.
async fn still_waits<T>(task: &tokio::task::JoinHandle<T>) -> bool {
    tokio::time::sleep(Duration::from_millis(50)).await;
    !task.is_finished()
}

#[tokio::test]
async fn an_answer_that_an_advance_overtook_does_not_answer_the_next_question() {
    let (clock, mut barrier) = joined().await;
    let mut sleeper = clock.busy().await;
    let slept = tokio::spawn(async move { sleeper.sleep_until_ms(2_000).await });
    assert_eq!(barrier.hear().await, (b'Q', 2_000));

    // A first request comes while the barrier's advance is on its way.
    let first = tokio::spawn({
        let clock = clock.clone();
        async move { drop(clock.busy().await) }
    });
    assert_eq!(barrier.hear().await, (b'B', 1));
    barrier.say(b'T', 0, 2_000).await;
    slept.await.unwrap();
    first.await.unwrap();
    assert_eq!(barrier.hear().await, (b'Q', u64::MAX));

    // A second one asks before the answer to the first question has come.
    let second = tokio::spawn({
        let clock = clock.clone();
        async move {
            let _busy = clock.busy().await;
            clock.now_ms()
        }
    });
    assert_eq!(barrier.hear().await, (b'B', 2));
    barrier.say(b'A', 1, 2_000).await;
    assert!(still_waits(&second).await);
    barrier.say(b'A', 2, 7_000).await;
    assert_eq!(second.await.unwrap(), 7_000);
}

#[tokio::test]
async fn a_token_given_up_before_its_answer_is_reported_gone_after_it() {
    let (clock, mut barrier) = joined().await;
    drop(clock.busy().await);
    assert_eq!(barrier.hear().await, (b'Q', u64::MAX));
    let asking = tokio::spawn({
        let clock = clock.clone();
        async move { drop(clock.busy().await) }
    });
    assert_eq!(barrier.hear().await, (b'B', 1));
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    barrier.say(b'A', 1, 1_500).await;
    assert_eq!(barrier.hear().await, (b'Q', u64::MAX));
    assert_eq!(clock.now_ms(), 1_500);
}

#[tokio::test]
async fn nonsense_from_the_barrier_is_a_loss_with_its_reason_and_not_a_panic() {
    let (clock, mut barrier) = joined().await;
    barrier.say(b'?', 0, 0).await;
    assert_eq!(clock.lost().await, Lost::Frame(FrameError::UnknownTag(b'?')));

    let (clock, mut barrier) = joined().await;
    barrier.say(b'W', 0, 5_000).await;
    assert_eq!(clock.lost().await, Lost::Frame(FrameError::OutOfTurn));
    assert_eq!(clock.now_ms(), 1_000);

    let (clock, mut barrier) = joined().await;
    barrier.0.write_all(b"T00").await.unwrap();
    drop(barrier);
    assert_eq!(clock.lost().await, Lost::Frame(FrameError::Truncated(3)));

    let (clock, barrier) = joined().await;
    drop(barrier);
    assert_eq!(clock.lost().await, Lost::Closed);
}

#[tokio::test]
async fn a_loss_is_still_there_for_who_looks_later() {
    let (clock, barrier) = joined().await;
    drop(barrier);
    clock.lost().await;
    assert_eq!(clock.lost().await, Lost::Closed);
}
