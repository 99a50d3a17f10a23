//! A line between two processes that can be cut: connections go through, or end at once.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::bell::Bell;

/// So much is passed on at a time, in bytes.
const CHUNK: usize = 16 * 1024;

/// No word is longer than this, in bytes.
const LONGEST_WORD: usize = 64;

/// A message that makes a gate ring.
#[derive(Clone, Debug)]
pub(super) struct Trip {
    /// The bytes by which it is known.
    pub word: String,
    /// It rings when the message has been answered, and not already when it comes by.
    pub answered: bool,
    /// The number that it rings with.
    pub number: usize,
}

/// Whether anything passes. Every change of `breaks` ends the connections of before.
#[derive(Clone, Copy, Debug)]
struct Passing {
    open: bool,
    breaks: u64,
}

/// A relay on a loopback port of its own, in front of one address. It ends when dropped.
#[derive(Debug)]
pub(super) struct Gate {
    addr: SocketAddr,
    passing: watch::Sender<Passing>,
    serving: AbortHandle,
}

impl Gate {
    /// A relay that lets everything pass until one of `trips`: then it rings, and what came last waits until the gate is
    /// shut or broken, and so never passes.
    pub(super) async fn before(to: SocketAddr, trips: Vec<Trip>, bell: Bell) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let (passing, seen) = watch::channel(Passing { open: true, breaks: 0 });
        let tripwire = Arc::new(Tripwire { trips: Mutex::new(trips), bell });
        let serving = tokio::spawn(serve(listener, to, seen, tripwire)).abort_handle();
        Ok(Self { addr, passing, serving })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends all connections, and every new one at once, until it is opened again.
    pub(super) fn shut(&self) {
        self.passing.send_modify(|passing| *passing = Passing { open: false, breaks: passing.breaks + 1 });
    }

    /// Ends all connections; new ones pass if they did.
    pub(super) fn hang_up(&self) {
        self.passing.send_modify(|passing| passing.breaks += 1);
    }

    pub(super) fn open(&self) {
        self.passing.send_modify(|passing| passing.open = true);
    }
}

/// Rings when a message comes by, or when it is answered. Each does so once.
#[derive(Debug)]
struct Tripwire {
    trips: Mutex<Vec<Trip>>,
    bell: Bell,
}

impl Tripwire {
    /// The messages in what was heard, which are looked for no longer.
    fn found_in(&self, heard: &[u8]) -> Vec<Trip> {
        let mut trips = self.trips.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |word: &str| heard.windows(word.len()).any(|part| part == word.as_bytes());
        let (found, left) = trips.drain(..).partition(|trip| holds(&trip.word));
        *trips = left;
        found
    }
}

/// What one connection waits for: the messages that have passed, and ring when they are answered.
#[derive(Debug)]
struct Wire {
    tripwire: Arc<Tripwire>,
    unanswered: Mutex<Vec<usize>>,
}

impl Wire {
    /// The numbers to ring with before what was heard last may pass.
    fn tripped(&self, heard: &[u8], way: Way) -> Vec<usize> {
        let mut unanswered = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tripped = match way {
            Way::There => Vec::new(),
            Way::Back => std::mem::take(&mut *unanswered),
        };
        for trip in self.tripwire.found_in(heard) {
            if trip.answered { unanswered.push(trip.number) } else { tripped.push(trip.number) }
        }
        tripped
    }
}

/// Which way something goes.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// To the address that the gate stands before.
    There,
    /// From it.
    Back,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Owns the connections, so that they end when it does. Both ends are processes of the replay, which are few.
async fn serve(
    listener: TcpListener,
    to: SocketAddr,
    passing: watch::Receiver<Passing>,
    tripwire: Arc<Tripwire>,
) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if passing.borrow().open {
            connections.spawn(relay(near, to, passing.clone(), Arc::clone(&tripwire)));
        }
    }
}

async fn relay(
    near: TcpStream,
    to: SocketAddr,
    mut passing: watch::Receiver<Passing>,
    tripwire: Arc<Tripwire>,
) {
    let begun = passing.borrow().breaks;
    // What fails here ends the connection, which is all that either end could be told.
    let Ok(far) = TcpStream::connect(to).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let wire = Wire { tripwire, unanswered: Mutex::default() };
    let both = async {
        tokio::join!(pass(near_in, far_out, &wire, Way::There), pass(far_in, near_out, &wire, Way::Back));
    };
    tokio::select! {
        () = both => {}
        _ = passing.wait_for(|passing| passing.breaks != begun) => {}
    }
}

/// Passes on what comes, until it ends. A word that comes in two pieces is seen with the second.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, wire: &Wire, way: Way) {
    let mut chunk = vec![0; CHUNK];
    let mut tail: Vec<u8> = Vec::new();
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        tail.extend_from_slice(&chunk[..length]);
        let tripped = wire.tripped(&tail, way);
        if !tripped.is_empty() {
            // Who said it waits for an answer, and so time stands still until the bell is heard. Whoever hears it ends
            // this connection.
            wire.tripwire.bell.ring(&tripped).await;
            return std::future::pending().await;
        }
        if to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
        tail.drain(..tail.len().saturating_sub(LONGEST_WORD));
    }
    // The other end has gone already, or hears that nothing more comes.
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use clock::Clock;

    use super::*;

    #[tokio::test]
    async fn what_is_shut_ends_and_what_is_open_passes() {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let bell = Bell::new(Clock::system());
        let trip = |word: &str, answered, number| Trip { word: word.to_owned(), answered, number };
        let trips = vec![trip("secret", false, 7), trip("secret", false, 8), trip("ping", true, 9)];
        let gate = Gate::before(echo.local_addr().unwrap(), trips, bell.clone()).await.unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        let mut heard = [0; 2];
        let mut stream = TcpStream::connect(gate.addr()).await.unwrap();
        stream.write_all(b"hi").await.unwrap();
        stream.read_exact(&mut heard).await.unwrap();
        gate.shut();
        assert_eq!(stream.read(&mut heard).await.unwrap_or(0), 0, "it has ended");
        let mut refused = TcpStream::connect(gate.addr()).await.unwrap();
        assert_eq!(refused.read(&mut heard).await.unwrap_or(0), 0, "as does a new one");
        gate.open();
        let mut again = TcpStream::connect(gate.addr()).await.unwrap();
        again.write_all(b"ho").await.unwrap();
        again.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"ho");
        again.write_all(b"my sec").await.unwrap();
        again.read_exact(&mut [0; 6]).await.unwrap();
        again.write_all(b"ret").await.unwrap();
        bell.rung().await;
        assert_eq!(bell.take(), [7, 8], "a word in two pieces rings for all who wait for it");
        gate.hang_up();
        assert_eq!(again.read(&mut heard).await.unwrap_or(0), 0, "and never arrives");
        let mut last = TcpStream::connect(gate.addr()).await.unwrap();
        last.write_all(b"my secret ping").await.unwrap();
        bell.rung().await;
        assert_eq!(bell.take(), [9], "the word is not waited for twice; the answer to another rings");
        gate.shut();
        assert_eq!(last.read(&mut heard).await.unwrap_or(0), 0, "and does not pass");
    }
}
