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

/// A relay on a loopback port of its own, in front of one address. It ends when dropped.
#[derive(Debug)]
pub(super) struct Gate {
    addr: SocketAddr,
    open: watch::Sender<bool>,
    serving: AbortHandle,
}

impl Gate {
    /// A relay that lets everything pass, until one of `words` shall pass: then it rings with the word's number, and
    /// shuts.
    pub(super) async fn before(to: SocketAddr, words: Vec<(String, usize)>, bell: Bell) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let (open, _) = watch::channel(true);
        let tripwire = Arc::new(Tripwire { open: open.clone(), words: Mutex::new(words), bell });
        let serving = tokio::spawn(serve(listener, to, tripwire)).abort_handle();
        Ok(Self { addr, open, serving })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends all connections, and every new one at once, until it is opened again.
    pub(super) fn shut(&self) {
        self.open.send_replace(false);
    }

    pub(super) fn open(&self) {
        self.open.send_replace(true);
    }
}

/// Shuts the gate when a word comes by. Each word does so once.
#[derive(Debug)]
struct Tripwire {
    open: watch::Sender<bool>,
    words: Mutex<Vec<(String, usize)>>,
    bell: Bell,
}

impl Tripwire {
    /// Whether nothing of this may pass, since it holds a word.
    async fn trips(&self, heard: &[u8]) -> bool {
        let Some(number) = self.word_in(heard) else { return false };
        // Who said it waits for an answer, and so time stands still until the bell is heard. The shutting gate ends this
        // very connection, and so comes last.
        self.bell.ring(number).await;
        self.open.send_replace(false);
        true
    }

    fn word_in(&self, heard: &[u8]) -> Option<usize> {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |word: &str| heard.windows(word.len()).any(|part| part == word.as_bytes());
        let index = words.iter().position(|(word, _)| holds(word))?;
        Some(words.remove(index).1)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Owns the connections, so that they end when it does. Both ends are processes of the replay, which are few.
async fn serve(listener: TcpListener, to: SocketAddr, tripwire: Arc<Tripwire>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let passing = tripwire.open.subscribe();
        if *passing.borrow() {
            connections.spawn(relay(near, to, passing, Arc::clone(&tripwire)));
        }
    }
}

async fn relay(near: TcpStream, to: SocketAddr, mut passing: watch::Receiver<bool>, tripwire: Arc<Tripwire>) {
    // What fails here ends the connection, which is all that either end could be told.
    let Ok(far) = TcpStream::connect(to).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let both = async {
        tokio::join!(pass(near_in, far_out, &tripwire), pass(far_in, near_out, &tripwire));
    };
    tokio::select! {
        () = both => {}
        _ = passing.wait_for(|passing| !passing) => {}
    }
}

/// Passes on what comes, until it ends or trips. A word that comes in two pieces is seen with the second.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, tripwire: &Tripwire) {
    let mut chunk = vec![0; CHUNK];
    let mut tail: Vec<u8> = Vec::new();
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        tail.extend_from_slice(&chunk[..length]);
        if tripwire.trips(&tail).await || to.write_all(&chunk[..length]).await.is_err() {
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
        let words = vec![("secret".to_owned(), 7)];
        let gate = Gate::before(echo.local_addr().unwrap(), words, bell.clone()).await.unwrap();
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
        again.read_exact(&mut heard).await.unwrap();
        again.write_all(b"ret").await.unwrap();
        while again.read(&mut heard).await.unwrap_or(0) > 0 {}
        assert_eq!(bell.take(), [7], "a word in two pieces rings and shuts it");
        let mut shut = TcpStream::connect(gate.addr()).await.unwrap();
        assert_eq!(shut.read(&mut heard).await.unwrap_or(0), 0);
    }
}
