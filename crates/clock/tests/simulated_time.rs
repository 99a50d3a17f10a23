//! Simulated time seen from several participants in one process.
use std::sync::Arc;

use clock::barrier::{Activity, Barrier, HOST};
use clock::{Busy, Clock, NEVER, Roused, Wake};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

const START: u64 = 1_623_110_400_000;
const DAY: u64 = 86_400_000;

async fn barrier() -> Barrier {
    Barrier::bind(START).await.unwrap()
}

async fn join(barrier: &Barrier, name: &str) -> (Clock, Busy) {
    let clock = Clock::connect(barrier.addr(), name).await.unwrap();
    let busy = clock.busy().await;
    (clock, busy)
}

/// Lets everything that can happen without time moving happen.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}

#[tokio::test]
async fn a_year_passes_at_once_when_nobody_has_anything_to_do() {
    let barrier = barrier().await;
    let (clock, mut busy) = join(&barrier, "sleeper").await;
    for day in 1..=365 {
        busy.sleep_until_ms(START + day * DAY).await;
        assert_eq!(clock.now_ms(), START + day * DAY);
    }
    assert_eq!(clock.now_s(), START / 1000 + 365 * 86_400);
}

#[tokio::test]
async fn a_time_that_is_past_is_not_slept_for() {
    let barrier = barrier().await;
    let (clock, mut busy) = join(&barrier, "sleeper").await;
    busy.sleep_until_ms(START).await;
    busy.sleep_until_ms(0).await;
    assert_eq!(clock.now_ms(), START);
    assert_eq!(barrier.attendance()[0].activity, Activity::Busy);
}

#[tokio::test]
async fn time_waits_for_a_participant_until_it_took_and_gave_back_its_first_token() {
    let barrier = barrier().await;
    let (_, mut busy) = join(&barrier, "early").await;
    let late = Clock::connect(barrier.addr(), "late").await.unwrap();
    let sleeper = tokio::spawn(async move { busy.sleep_until_ms(START + DAY).await });
    settle().await;
    assert_eq!(barrier.now_ms(), START);
    drop(late.busy().await);
    sleeper.await.unwrap();
    assert_eq!(barrier.now_ms(), START + DAY);
}

#[tokio::test]
async fn time_goes_to_the_earliest_wish_and_each_sleeper_wakes_at_its_own() {
    let barrier = barrier().await;
    let (host, hold) = {
        let clock = barrier.clock().await.unwrap();
        let busy = clock.busy().await;
        (clock, busy)
    };
    let (sender, mut woken) = mpsc::unbounded_channel();
    for (name, wishes) in [("a", [30, 70, 90]), ("b", [10, 70, 80]), ("c", [20, 40, 60])] {
        let (clock, mut busy) = join(&barrier, name).await;
        let sender = sender.clone();
        tokio::spawn(async move {
            for wish in wishes {
                busy.sleep_until_ms(START + wish).await;
                sender.send((clock.now_ms() - START, wish, name)).unwrap();
            }
        });
    }
    drop((sender, hold, host));
    let mut story = Vec::new();
    while let Some((now, wish, name)) = woken.recv().await {
        assert_eq!(now, wish);
        story.push((now, name));
    }
    let by_time =
        [(10, "b"), (20, "c"), (30, "a"), (40, "c"), (60, "c"), (70, "a"), (70, "b"), (80, "b"), (90, "a")];
    assert_eq!(story, by_time);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_due_together_always_take_turns_in_the_same_order() {
    let barrier = barrier().await;
    let names = ["oracle", HOST, "buyer", "provider"];
    let mut holds = Vec::new();
    let (sender, mut turns) = mpsc::unbounded_channel();
    for name in names {
        let (clock, mut busy) = join(&barrier, name).await;
        holds.push(busy.share());
        let sender = sender.clone();
        tokio::spawn(async move {
            for second in 1..=50 {
                busy.sleep_until_ms(START + second * 1000).await;
                sender.send((clock.now_s(), name)).unwrap();
            }
        });
    }
    drop((sender, holds));
    for second in 1..=50 {
        for name in [HOST, "buyer", "oracle", "provider"] {
            let turn = turns.recv().await.unwrap();
            assert_eq!(turn, (START / 1000 + second, name));
        }
    }
}

#[tokio::test]
async fn a_killed_participant_no_longer_holds_the_time() {
    let barrier = barrier().await;
    let (_, mut busy) = join(&barrier, "survivor").await;
    let (victim, held) = join(&barrier, "victim").await;
    barrier.wait_for(&["survivor", "victim"]).await;
    let sleeper = tokio::spawn(async move { busy.sleep_until_ms(START + DAY).await });
    settle().await;
    assert_eq!(barrier.now_ms(), START);
    drop((victim, held));
    barrier.wait_until_gone("victim").await;
    sleeper.await.unwrap();
    assert_eq!(barrier.now_ms(), START + DAY);
}

#[tokio::test]
async fn one_that_joins_late_learns_the_time_that_has_come_meanwhile() {
    let barrier = barrier().await;
    let (_, mut busy) = join(&barrier, "first").await;
    busy.sleep_until_ms(START + DAY).await;
    let (late, _busy) = join(&barrier, "second").await;
    assert_eq!(late.now_ms(), START + DAY);
}

#[tokio::test]
async fn becoming_busy_again_brings_the_time_that_passed_without_us() {
    let barrier = barrier().await;
    let (idle, token) = join(&barrier, "idle").await;
    let (_, mut busy) = join(&barrier, "worker").await;
    drop(token);
    for step in 1..=100 {
        busy.sleep_until_ms(START + step).await;
        let _request = idle.busy().await;
        assert_eq!(idle.now_ms(), START + step);
    }
}

#[tokio::test]
async fn nobody_moves_time_when_nobody_waits_for_any() {
    let barrier = barrier().await;
    let (clock, busy) = join(&barrier, "idle").await;
    drop(busy);
    settle().await;
    assert_eq!(barrier.now_ms(), START);
    assert_eq!(barrier.attendance()[0].activity, Activity::QuiescentUntil(NEVER));
    let _busy = clock.busy().await;
    assert_eq!(barrier.attendance()[0].activity, Activity::Busy);
}

#[tokio::test]
async fn a_cancelled_sleep_leaves_no_wish_behind() {
    let barrier = barrier().await;
    let (clock, mut busy) = join(&barrier, "fickle").await;
    let (_, hold) = join(&barrier, "other").await;
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        tokio::select! {
            () = busy.sleep_until_ms(START + 1) => panic!("time moved"),
            _ = stopped => {}
        }
        busy.sleep_until_ms(START + DAY).await;
        clock.now_ms()
    });
    settle().await;
    stop.send(()).unwrap();
    settle().await;
    drop(hold);
    assert_eq!(task.await.unwrap(), START + DAY);
}

#[tokio::test]
async fn an_aborted_sleeper_gives_its_token_back() {
    let barrier = barrier().await;
    let (_, mut sleeping) = join(&barrier, "aborted").await;
    let (_, mut busy) = join(&barrier, "other").await;
    let task = tokio::spawn(async move { sleeping.sleep_until_ms(START + 5).await });
    settle().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    busy.sleep_until_ms(START + DAY).await;
    assert_eq!(barrier.now_ms(), START + DAY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giving_up_on_becoming_busy_leaves_the_process_quiescent() {
    let barrier = barrier().await;
    let (idle, token) = join(&barrier, "idle").await;
    let (_, mut busy) = join(&barrier, "worker").await;
    drop(token);
    for step in 1..=500 {
        tokio::select! {
            biased;
            _token = idle.busy() => {}
            () = tokio::task::yield_now() => {}
        }
        busy.sleep_until_ms(START + step).await;
    }
    assert_eq!(barrier.now_ms(), START + 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_woken_task_runs_at_the_time_of_its_caller() {
    let barrier = barrier().await;
    let (clock, mut caller) = join(&barrier, "process").await;
    let (_, mut other) = join(&barrier, "metronome").await;
    let wake = Arc::new(Wake::new());
    let (sender, mut heard) = mpsc::unbounded_channel();
    let mut sleeper = caller.share();
    let metronome = tokio::spawn(async move {
        for tick in 1..=4_000 {
            other.sleep_until_ms(START + tick).await;
        }
    });
    let listener = tokio::spawn({
        let (clock, wake) = (clock.clone(), Arc::clone(&wake));
        async move {
            for _ in 0..1_000 {
                sleeper.sleep_until_woken(&wake).await;
                sender.send(clock.now_ms()).unwrap();
            }
        }
    });
    for call in 1..=1_000 {
        caller.sleep_until_ms(START + call * 3).await;
        wake.wake(&caller);
        // From here on only the carried token holds the time; the caller sleeps on.
    }
    drop(caller);
    for call in 1..=1_000 {
        assert_eq!(heard.recv().await.unwrap(), START + call * 3);
    }
    listener.await.unwrap();
    metronome.await.unwrap();
}

#[tokio::test]
async fn a_wake_that_came_before_the_sleep_is_not_lost_and_counts_once() {
    let barrier = barrier().await;
    let (clock, mut busy) = join(&barrier, "process").await;
    let wake = Wake::new();
    wake.wake(&busy);
    wake.wake(&busy);
    assert_eq!(busy.sleep_until_or(START + 10, &wake).await, Roused::Woken);
    assert_eq!(clock.now_ms(), START);
    assert_eq!(busy.sleep_until_or(START + 10, &wake).await, Roused::Due);
    assert_eq!(clock.now_ms(), START + 10);
}

#[tokio::test]
async fn without_its_barrier_a_process_is_told_and_its_sleepers_wait_for_ever() {
    let barrier = barrier().await;
    let (clock, mut busy) = join(&barrier, "orphan").await;
    let (_, _hold) = join(&barrier, "other").await;
    let sleeper = tokio::spawn(async move { busy.sleep_until_ms(START + 1).await });
    settle().await;
    drop(barrier);
    clock.lost().await;
    settle().await;
    assert!(!sleeper.is_finished());
    sleeper.abort();
}

#[tokio::test]
async fn what_speaks_nonsense_is_put_out_and_time_goes_on() {
    let barrier = barrier().await;
    let (_, mut busy) = join(&barrier, "proper").await;
    let nonsense: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"earnest-clock 1 two words\n",
        b"earnest-clock 1 rude\nZZZZZZZZZZZZZZZZZ",
        b"earnest-clock 1 twice\nQ0000000000000000Q0000000000000000",
        &[b'x'; 5_000],
    ];
    for bytes in nonsense {
        let mut stream = TcpStream::connect(barrier.addr()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        // Ends by a close or a reset: either way it is out.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    for name in ["rude", "twice"] {
        barrier.wait_until_gone(name).await;
    }
    busy.sleep_until_ms(START + DAY).await;
    assert!(barrier.now_ms() >= START + DAY);
}

#[tokio::test]
async fn a_half_message_is_an_end_and_not_a_panic() {
    let barrier = barrier().await;
    let mut stream = TcpStream::connect(barrier.addr()).await.unwrap();
    stream.write_all(b"earnest-clock 1 half\nQ00").await.unwrap();
    barrier.wait_for(&["half"]).await;
    drop(stream);
    barrier.wait_until_gone("half").await;
}

#[tokio::test]
async fn simulated_time_is_only_taken_from_this_machine_and_under_a_proper_name() {
    let barrier = barrier().await;
    for (addr, name) in
        [("192.0.2.1:1".parse().unwrap(), "process"), (barrier.addr(), "two words"), (barrier.addr(), "")]
    {
        let error = Clock::connect(addr, name).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}
