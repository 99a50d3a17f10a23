//! One process' side of simulated time.
//!
//! The state is small: how many tokens are awake, who sleeps until when, and what the barrier
//! knows of us ([`Standing`]). It changes only under one lock, and messages are written under it
//! as well, so they leave in the order of the changes that they tell of.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::NEVER;
use crate::frame::{self, FrameError, Notice, Reader, Report, WireError};

/// How long, in real time, to wait for a welcome: whatever does not give one is no barrier.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a process has no time any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Lost {
    /// The barrier closed the connection, most likely because its process ended.
    #[error("the barrier of simulated time is gone")]
    Closed,
    /// The connection failed.
    #[error("the connection to the barrier of simulated time failed: {0}")]
    Io(io::ErrorKind),
    /// The barrier sent something that is no message.
    #[error("the barrier of simulated time spoke nonsense: {0}")]
    Frame(#[from] FrameError),
}

impl From<WireError> for Lost {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Frame(error) => Self::Frame(error),
            WireError::Io(error) => Self::Io(error.kind()),
        }
    }
}

/// A connection to the barrier with its reading task, which ends with it.
#[derive(Debug)]
pub(crate) struct Participant {
    shared: Arc<Shared>,
    reading: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    stream: Arc<TcpStream>,
    state: Mutex<State>,
    /// Rung whenever the process has become busy, for those who wait for it.
    acknowledged: Notify,
    lost: watch::Sender<Option<Lost>>,
}

/// How we stand with the barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It counts us as busy, until we say otherwise.
    Busy,
    /// We said that we are quiescent.
    Quiescent,
    /// We said so, then asked to be counted as busy again; that question has this number.
    Asking(u64),
}

#[derive(Debug)]
struct State {
    now_ms: u64,
    standing: Standing,
    asked: u64,
    /// Tokens alive and not sleeping.
    awake: usize,
    /// By wake time, then by the order of falling asleep.
    sleepers: BTreeMap<SleeperKey, Waker>,
    next_sleeper: u64,
}

type SleeperKey = (u64, u64);

impl Participant {
    pub(crate) async fn connect(addr: SocketAddr, name: &str) -> io::Result<Arc<Self>> {
        let greeting = frame::greeting(name).filter(|_| addr.ip().is_loopback());
        let greeting = greeting.ok_or(io::ErrorKind::InvalidInput)?;
        let stream = Arc::new(TcpStream::connect(addr).await?);
        stream.set_nodelay(true)?;
        stream.writable().await?;
        if stream.try_write(greeting.as_bytes())? != greeting.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let mut reader = Reader::new(Arc::clone(&stream));
        let welcomed = timeout(WELCOME_TIMEOUT, welcome(&mut reader)).await?;
        let now_ms = welcomed.map_err(io::Error::other)?;
        let shared = Arc::new(Shared {
            stream,
            state: Mutex::new(State::joined(now_ms)),
            acknowledged: Notify::new(),
            lost: watch::Sender::new(None),
        });
        let reading = tokio::spawn(listen(Arc::clone(&shared), reader)).abort_handle();
        Ok(Arc::new(Self { shared, reading }))
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.shared.lock().now_ms
    }

    /// Counts one more token, and asks the barrier where it thinks that we are quiescent.
    pub(crate) fn begin(&self) {
        let mut state = self.shared.lock();
        state.awake += 1;
        self.shared.ask_if_quiescent(&mut state);
    }

    /// Counts one token less, and tells the barrier when it was the last.
    pub(crate) fn end(&self) {
        let mut state = self.shared.lock();
        state.awake -= 1;
        self.shared.settle(&mut state);
    }

    /// Waits until the barrier counts us as busy. The caller holds a token, so once this
    /// returns it stays like that.
    pub(crate) async fn acknowledged(&self) {
        loop {
            // Made before the look, so that no ringing between the two is missed.
            let rung = self.shared.acknowledged.notified();
            if self.shared.lock().standing == Standing::Busy {
                return;
            }
            rung.await;
        }
    }

    /// Lets one token sleep. Should the future be dropped early, the token is awake again.
    pub(crate) async fn sleep(&self, wake_ms: u64) {
        let mut sleeper: Option<Sleeper<'_>> = None;
        poll_fn(|context| {
            let mut state = self.shared.lock();
            if let Some(sleeper) = &sleeper {
                let (answer, _old) = sleeper.poll(&mut state, context.waker());
                // The old waker may be the last hold on a task with tokens, whose end locks again.
                drop(state);
                return answer;
            }
            if wake_ms <= state.now_ms {
                return Poll::Ready(());
            }
            let key = state.add_sleeper(wake_ms, context.waker().clone());
            self.shared.settle(&mut state);
            drop(state);
            sleeper = Some(Sleeper { shared: &self.shared, key });
            Poll::Pending
        })
        .await;
    }

    pub(crate) async fn lost(&self) -> Lost {
        let mut lost = self.shared.lost.subscribe();
        loop {
            if let Some(lost) = *lost.borrow_and_update() {
                return lost;
            }
            // The sender lives in `self`, so this can't fail while we are here.
            if lost.changed().await.is_err() {
                return Lost::Closed;
            }
        }
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn welcome(reader: &mut Reader) -> Result<u64, Lost> {
    let bytes = reader.frame().await?.ok_or(Lost::Closed)?;
    match Notice::parse(bytes)? {
        Notice::Welcome { now_ms } => Ok(now_ms),
        Notice::Acknowledged { .. } | Notice::Advance { .. } => Err(FrameError::OutOfTurn.into()),
    }
}

/// Hears the barrier's notices until it is gone.
async fn listen(shared: Arc<Shared>, mut reader: Reader) {
    let lost = loop {
        let heard = match reader.frame().await {
            Ok(Some(bytes)) => Notice::parse(bytes).map_err(Lost::from),
            Ok(None) => Err(Lost::Closed),
            Err(error) => Err(error.into()),
        };
        match heard.and_then(|notice| shared.hear(notice)) {
            Ok(()) => {}
            Err(lost) => break lost,
        }
    };
    shared.lost.send_replace(Some(lost));
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere under this lock is impossible short of a bug here, and the state is
        // whole at every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, notice: Notice) -> Result<(), Lost> {
        let mut state = self.lock();
        let due = match notice {
            Notice::Welcome { .. } => return Err(FrameError::OutOfTurn.into()),
            Notice::Acknowledged { ask, now_ms } => {
                // An answer that an advance has overtaken says nothing new, and may be old.
                if state.standing != Standing::Asking(ask) {
                    return Ok(());
                }
                state.now_ms = now_ms;
                Vec::new()
            }
            Notice::Advance { now_ms } => {
                state.now_ms = now_ms;
                state.take_due()
            }
        };
        state.standing = Standing::Busy;
        self.settle(&mut state);
        drop(state);
        self.acknowledged.notify_waiters();
        due.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Tells the barrier that we are quiescent, if we are and it doesn't know.
    fn settle(&self, state: &mut State) {
        if state.awake == 0 && state.standing == Standing::Busy {
            state.standing = Standing::Quiescent;
            let until_ms = state.earliest();
            self.tell(Report::Quiescent { until_ms });
        }
    }

    fn ask_if_quiescent(&self, state: &mut State) {
        if state.standing == Standing::Quiescent {
            state.asked += 1;
            state.standing = Standing::Asking(state.asked);
            self.tell(Report::Busy { ask: state.asked });
        }
    }

    fn tell(&self, report: Report) {
        if let Err(error) = frame::send(&self.stream, report.bytes()) {
            self.lost.send_replace(Some(Lost::Io(error.kind())));
        }
    }
}

impl State {
    fn joined(now_ms: u64) -> Self {
        Self {
            now_ms,
            standing: Standing::Busy,
            asked: 0,
            awake: 0,
            sleepers: BTreeMap::new(),
            next_sleeper: 0,
        }
    }

    fn earliest(&self) -> u64 {
        self.sleepers.keys().next().map_or(NEVER, |key| key.0)
    }

    fn add_sleeper(&mut self, wake_ms: u64, waker: Waker) -> SleeperKey {
        let key = (wake_ms, self.next_sleeper);
        self.next_sleeper += 1;
        self.sleepers.insert(key, waker);
        self.awake -= 1;
        key
    }

    /// Takes out the sleepers that are due; their tokens are awake from here on, and not
    /// only once their tasks run, so that no quiescent moment lies between.
    fn take_due(&mut self) -> Vec<Waker> {
        let later = self.sleepers.split_off(&(self.now_ms.saturating_add(1), 0));
        let due = std::mem::replace(&mut self.sleepers, later);
        self.awake += due.len();
        due.into_values().collect()
    }
}

/// A place among the sleepers, given up when dropped.
struct Sleeper<'a> {
    shared: &'a Shared,
    key: SleeperKey,
}

impl Sleeper<'_> {
    /// Registers `waker` unless the time has come, and hands out the one it replaces.
    fn poll(&self, state: &mut State, waker: &Waker) -> (Poll<()>, Option<Waker>) {
        match state.sleepers.get_mut(&self.key) {
            Some(registered) => {
                let old = std::mem::replace(registered, waker.clone());
                (Poll::Pending, Some(old))
            }
            None => (Poll::Ready(()), None),
        }
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let waker = state.sleepers.remove(&self.key);
        if waker.is_some() {
            state.awake += 1;
            self.shared.ask_if_quiescent(&mut state);
        }
        // As in `sleep`: the waker goes after the lock.
        drop(state);
    }
}
