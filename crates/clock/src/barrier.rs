//! The owner of simulated time.
//!
//! Every process of a replay connects to one barrier, which knows of each whether it is busy or
//! quiescent until some moment. When all are quiescent it moves time to the earliest of these
//! moments and tells the process that waits for it; the others learn the time when they next
//! become busy. Where several wait for the same moment they get their turns one after another,
//! each when all are quiescent again: the barrier's own process ([`Barrier::clock`]) first, so that
//! a runner's outage begins before the probe of that very second, then the others by name.
//! Without this the outcome of a replay could hang on which process the kernel ran first.
//!
//! # Why time can't move under a request
//!
//! *Claim: from the moment [`Clock::busy`] returns until its token sleeps or is dropped,
//! the barrier counts the process as busy, and so the time does not change.*
//!
//! 1. A process says "quiescent" only while none of its tokens is awake, and says nothing about
//!    itself between that and its next "busy". Both are written under the lock under which the
//!    tokens are counted, so they leave, and arrive, in that order.
//! 2. The barrier counts a process as quiescent only from its "quiescent" on, and as busy
//!    again from the first of two things: its "busy" arriving, or the barrier's own "advance" to it.
//! 3. A token that finds the process quiescent waits for one of the two answers. If it is the
//!    acknowledgement, it answers this very "busy" (they are numbered), which was sent after the
//!    last "quiescent"; so at the barrier nothing can follow it but the next "quiescent", which
//!    can't be sent while the token is awake. If it is an "advance" that crossed the "busy" on its
//!    way, the barrier counted the process as busy when it sent that, and the "busy" that arrives
//!    later changes nothing.
//! 4. A token that finds the process busy needs no answer: what keeps it busy was acknowledged,
//!    and the new token was counted before the old one was dropped.
//!
//! *Therefore* a request is answered at the time at which it was sent: the caller holds a token from
//! before sending it until the answer has come, and by the claim time stands still for that
//! long. The callee takes a token of its own before it handles the request, and so knows the
//! time, and what it starts meanwhile holds shares of that token after the caller is done.
//!
//! Outside of the claim is only a sleep that is cancelled by something no token stands behind, such
//! as a signal; its token counts from when the barrier hears of it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

use crate::Clock;
use crate::frame::{self, Notice, Reader, Report, WireError};
pub use crate::roll::Activity;
use crate::roll::{Roll, Seat};

/// Far more processes than a replay has; a bound for whoever connects by mistake.
const MAX_CONNECTIONS: usize = 256;
/// How long somebody who connected may take, in real time, to say who it is.
const GREETING_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait, in real time, when the system is out of connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The name under which the barrier's own process takes part, before all others. Nothing keeps
/// another process from using it; it would come first as well.
pub const HOST: &str = "host";

/// Holds simulated time and moves it. Dropping it ends simulated time for everybody.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use clock::{Clock, barrier::Barrier};
///
/// let barrier = Barrier::bind(1_623_110_400_000).await?;
/// let clock = Clock::connect(barrier.addr(), "sleeper").await?;
/// let mut busy = clock.busy().await;
/// busy.sleep_until_ms(clock.now_ms() + 30 * 86_400_000).await; // a month, at once
/// assert_eq!(barrier.now_ms(), 1_625_702_400_000);
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Barrier {
    addr: SocketAddr,
    hall: Arc<Hall>,
    serving: AbortHandle,
}

/// What one participant is doing; to be shown when a replay seems to stand still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendance {
    /// The name it joined under.
    pub name: String,
    /// Whether it holds the time.
    pub activity: Activity,
}

impl Barrier {
    /// Opens a barrier on a free loopback port, with time standing at `start_ms` unix milliseconds.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn bind(start_ms: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let hall = Arc::new(Hall { roll: Mutex::new(Roll::new(start_ms)), changed: Notify::new() });
        let serving = tokio::spawn(serve(listener, Arc::clone(&hall))).abort_handle();
        Ok(Self { addr, hall, serving })
    }

    /// Where participants connect to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A clock for the barrier's own process, named [`HOST`]. Among those due at one moment
    /// it comes first. As with [`Clock::connect`], time stands still until it took its first
    /// [`Busy`](crate::Busy) and let it sleep or drop; so holding one holds the replay.
    ///
    /// # Errors
    /// When the connection to the barrier fails.
    pub async fn clock(&self) -> io::Result<Clock> {
        Clock::connect(self.addr, HOST).await
    }

    /// The simulated time in unix milliseconds. It may move at any moment unless a
    /// [`Busy`](crate::Busy) is held.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.hall.roll().now_ms()
    }

    /// The clocks of participants of this name are wrong by so many milliseconds, ahead when positive, from their next
    /// joining on: one that has joined already would see its time jump.
    pub fn skew(&self, name: &str, ahead_ms: i64) {
        self.hall.roll().skew(name, ahead_ms);
    }

    /// Everybody who takes part, in the order in which they get their turns.
    #[must_use]
    pub fn attendance(&self) -> Vec<Attendance> {
        let roll = self.hall.roll();
        let seats = roll.seats();
        seats.map(|(name, activity)| Attendance { name: name.to_owned(), activity }).collect()
    }

    /// Waits until participants of all these names are there. Has no time limit of its own.
    pub async fn wait_for(&self, names: &[&str]) {
        self.hall.until(|present| names.iter().all(|name| present.contains(name))).await;
    }

    /// Waits until nobody of this name is there, so that a killed process can be started again
    /// without being taken for its predecessor. Has no time limit of its own.
    pub async fn wait_until_gone(&self, name: &str) {
        self.hall.until(|present| !present.contains(&name)).await;
    }
}

impl Drop for Barrier {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What the connections share.
#[derive(Debug)]
struct Hall {
    roll: Mutex<Roll<Arc<TcpStream>>>,
    /// Rung when somebody has joined or left.
    changed: Notify,
}

/// Accepts participants; owns the tasks that hear them, so they end when it does.
async fn serve(listener: TcpListener, hall: Arc<Hall>) {
    let mut connections = JoinSet::new();
    for number in 0.. {
        while connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(attend(Arc::clone(&hall), stream, number));
            }
            Err(error) => {
                tracing::warn!(%error, "the time barrier could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection from its greeting to its end.
async fn attend(hall: Arc<Hall>, stream: TcpStream, number: u64) {
    let stream = Arc::new(stream);
    let mut reader = Reader::new(Arc::clone(&stream));
    let joined = tokio::time::timeout(GREETING_TIMEOUT, hall.join(&mut reader, &stream, number));
    let seat = match joined.await {
        Ok(Ok(seat)) => seat,
        Ok(Err(error)) => return tracing::warn!(%error, "a connection did not join the barrier"),
        Err(_) => return tracing::warn!("a connection never said who it is"),
    };
    if let Err(error) = hall.hear_out(&seat, &mut reader).await {
        tracing::warn!(participant = seat.name, %error, "a participant is put out of the barrier");
    }
    hall.leave(&seat);
}

impl Hall {
    fn roll(&self) -> MutexGuard<'_, Roll<Arc<TcpStream>>> {
        // Nothing under this lock panics short of a bug here, and the roll is whole at every step.
        self.roll.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn join(
        &self,
        reader: &mut Reader,
        stream: &Arc<TcpStream>,
        number: u64,
    ) -> Result<Seat, WireError> {
        stream.set_nodelay(true)?;
        let name = reader.greeting().await?;
        stream.writable().await?;
        let guest = name != HOST;
        let seat = Seat { guest, name, number };
        let mut roll = self.roll();
        let now_ms = roll.shown_ms(&seat);
        frame::send(stream, Notice::Welcome { now_ms }.bytes())?;
        roll.join(seat.clone(), Arc::clone(stream));
        drop(roll);
        self.changed.notify_waiters();
        Ok(seat)
    }

    async fn hear_out(&self, seat: &Seat, reader: &mut Reader) -> Result<(), WireError> {
        while let Some(bytes) = reader.frame().await? {
            self.hear(seat, Report::parse(bytes)?)?;
        }
        Ok(())
    }

    fn hear(&self, seat: &Seat, report: Report) -> Result<(), WireError> {
        let mut roll = self.roll();
        match report {
            Report::Busy { ask } => {
                roll.set_busy(seat);
                let now_ms = roll.shown_ms(seat);
                if let Some(link) = roll.link(seat) {
                    frame::send(link, Notice::Acknowledged { ask, now_ms }.bytes())?;
                }
            }
            Report::Quiescent { until_ms } => {
                roll.set_quiescent(seat, until_ms)?;
                advance(&mut roll);
            }
        }
        Ok(())
    }

    fn leave(&self, seat: &Seat) {
        let mut roll = self.roll();
        roll.leave(seat);
        advance(&mut roll);
        drop(roll);
        self.changed.notify_waiters();
    }

    async fn until(&self, holds: impl Fn(&[&str]) -> bool) {
        loop {
            // Made before the look, so that no change between the two is missed.
            let changed = self.changed.notified();
            let met = {
                let roll = self.roll();
                holds(&roll.seats().map(|(name, _)| name).collect::<Vec<_>>())
            };
            if met {
                return;
            }
            changed.await;
        }
    }
}

/// Moves time, if it can be moved. A participant that can't be told is about to leave, and its
/// connection's own task will see to that and then come here again.
fn advance(roll: &mut Roll<Arc<TcpStream>>) {
    let Some((seat, now_ms, link)) = roll.advance() else {
        return;
    };
    if let Err(error) = frame::send(link, Notice::Advance { now_ms }.bytes()) {
        tracing::warn!(participant = seat.name, %error, "a participant can't be told the time");
    }
}
