//! Requests between processes: a caller sends one over plain TCP, the handler takes a token and
//! answers with the time that it sees.
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use clock::barrier::{Barrier, HOST};
use clock::{Busy, Clock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const START: u64 = 1_623_110_400_000;

async fn join(barrier: &Barrier, name: &str) -> (Clock, Busy) {
    let clock = Clock::connect(barrier.addr(), name).await.unwrap();
    let busy = clock.busy().await;
    (clock, busy)
}

/// What handlers started; awaited at the end, so that no failure in one goes unseen.
type FollowUps = Arc<Mutex<JoinSet<()>>>;

async fn answer(clock: Clock, mut stream: TcpStream, follow_ups: FollowUps) {
    while stream.read_u8().await.is_ok() {
        let busy = clock.busy().await;
        let seen = clock.now_ms();
        let task = follow_up(clock.clone(), busy.share(), seen);
        follow_ups.lock().unwrap().spawn(task);
        if seen.is_multiple_of(3) {
            tokio::task::yield_now().await;
        }
        assert_eq!(clock.now_ms(), seen);
        stream.write_u64(seen).await.unwrap();
    }
}

/// Outlives the request, and even its caller.
async fn follow_up(clock: Clock, mut busy: Busy, seen: u64) {
    assert_eq!(clock.now_ms(), seen);
    busy.sleep_until_ms(seen + 7).await;
    assert_eq!(clock.now_ms(), seen + 7);
}

async fn serve(clock: Clock, listener: TcpListener, follow_ups: FollowUps) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        tokio::spawn(answer(clock.clone(), stream, Arc::clone(&follow_ups)));
    }
}

async fn call(clock: Clock, mut busy: Busy, seed: u64, server: SocketAddr) {
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for round in 0..300 {
        // A wish that differs by caller and round, and often coincides with another's.
        busy.sleep_until_ms(clock.now_ms() + 1 + (seed * 31 + round * 17) % 5).await;
        let sent_at = clock.now_ms();
        stream.write_u8(1).await.unwrap();
        let seen = stream.read_u64().await.unwrap();
        assert_eq!(seen, sent_at, "time moved under a request");
        assert_eq!(clock.now_ms(), sent_at);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_is_handled_at_the_time_at_which_it_was_sent() {
    let barrier = Barrier::bind(START).await.unwrap();
    let (_host, hold) = join(&barrier, HOST).await;
    let follow_ups = FollowUps::default();
    let mut servers = Vec::new();
    for name in ["server-a", "server-b"] {
        let (clock, busy) = join(&barrier, name).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        servers.push(listener.local_addr().unwrap());
        tokio::spawn(serve(clock, listener, Arc::clone(&follow_ups)));
        drop(busy);
    }
    let mut callers = Vec::new();
    for seed in 0..6 {
        let (clock, busy) = join(&barrier, &format!("caller-{seed}")).await;
        // Two tasks of one process, each with its own connection and server.
        for server in &servers {
            let task = call(clock.clone(), busy.share(), seed, *server);
            callers.push(tokio::spawn(task));
        }
    }
    drop(hold);
    for caller in callers {
        caller.await.unwrap();
    }
    let mut handled = std::mem::take(&mut *follow_ups.lock().unwrap());
    assert_eq!(handled.len(), 6 * 2 * 300);
    while let Some(done) = handled.join_next().await {
        done.unwrap();
    }
}
