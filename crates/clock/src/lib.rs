//! System and simulated time, behind one port.
//!
//! A process asks a [`Clock`] for the time and sleeps through a [`Busy`] token. With
//! [`Clock::system`] that is the machine's clock and nothing else happens. With
//! [`Clock::connect`] the time is simulated: a [`barrier::Barrier`] owns it, and moves it to the
//! earliest moment anybody waits for, but only when *every* process of the replay is
//! quiescent. A month then passes in seconds, and no result depends on how fast the machine is.
//!
//! The rules for a program that uses this crate are few:
//!
//! - hold a [`Busy`] while you do anything: take one per HTTP request before handling it, give a
//!   spawned task its own with [`Busy::share`];
//! - sleep only through the token ([`Busy::sleep_until_ms`], [`Busy::sleep_until_or`]), which is
//!   quiescent meanwhile; never through `tokio::time`;
//! - when one task shall rouse another, use a [`Wake`], which carries a token across, so that
//!   time can't move between the call and the awakening;
//! - let `main` select on [`Clock::lost`] and exit when it comes.
//!
//! This crate deliberately knows nothing of scenarios, of HTTP, of bitcoind's mock time, nor of
//! what the processes do when they wake. Start reading at [`Clock`], then [`Busy`]; why time
//! can't move under a request is shown in [`barrier`].

pub mod barrier;
mod busy;
mod frame;
mod participant;
mod roll;
mod wake;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub use busy::Busy;
pub use frame::FrameError;
pub use participant::Lost;
use participant::Participant;
pub use wake::{Roused, Wake};

/// A wake time that never comes.
pub const NEVER: u64 = u64::MAX;

/// The time of this process: the machine's, or a replay's.
///
/// Clones are the same clock. A simulated clock is one participant of its barrier, and leaves it
/// when the last clone and the last [`Busy`] are gone.
#[derive(Clone, Debug)]
pub struct Clock(Option<Arc<Participant>>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// Joins the barrier at `addr` as the participant `name` (1 to 64 visible ASCII characters).
    ///
    /// The process counts as busy from the start, until the first [`Busy`] it takes is gone. So
    /// `main` takes one at once, starts its tasks, and drops it when they all run; a process
    /// that never takes one holds the time still for good.
    ///
    /// # Errors
    /// The connection's own errors, and [`io::ErrorKind::InvalidInput`] for a name that
    /// is not allowed or an address that is not a loopback one: simulated time is only taken from
    /// the machine itself.
    pub async fn connect(addr: SocketAddr, name: &str) -> io::Result<Self> {
        Ok(Self(Some(Participant::connect(addr, name).await?)))
    }

    /// The simulated clock of the barrier at `barrier` where one is given, else the machine's.
    ///
    /// # Errors
    /// As [`Clock::connect`].
    pub async fn open(barrier: Option<SocketAddr>, name: &str) -> io::Result<Self> {
        match barrier {
            Some(addr) => Self::connect(addr, name).await,
            None => Ok(Self::system()),
        }
    }

    /// Is this a replay's time?
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.0.is_some()
    }

    /// Milliseconds since the Unix epoch.
    ///
    /// Simulated time is current while a [`Busy`] is held; without one it is the last that was
    /// heard.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        match &self.0 {
            Some(participant) => participant.now_ms(),
            None => system_now_ms(),
        }
    }

    /// Seconds since the Unix epoch, rounded down. See [`Clock::now_ms`].
    #[must_use]
    pub fn now_s(&self) -> u64 {
        self.now_ms() / 1000
    }

    /// Makes the process busy, and keeps it so while the token lives.
    ///
    /// Where the process was quiescent this waits until the barrier has acknowledged, so that
    /// when it returns [`Clock::now_ms`] is right and stays so. If the barrier is
    /// [lost](Clock::lost) this waits for ever: without a time nothing may act.
    pub async fn busy(&self) -> Busy {
        Busy::enter(self.0.clone()).await
    }

    /// Runs `work` while the process is busy. All that a server's middleware needs:
    ///
    /// ```ignore
    /// async fn hold_time(State(clock): State<Clock>, request: Request, next: Next) -> Response {
    ///     clock.while_busy(next.run(request)).await
    /// }
    /// ```
    pub async fn while_busy<F: Future>(&self, work: F) -> F::Output {
        let _busy = self.busy().await;
        work.await
    }

    /// Comes when the barrier is gone or spoke nonsense, and never on the system clock.
    ///
    /// From then on the process' time stands still and nobody who waits for it is woken, so
    /// `main` selects on this and exits.
    pub async fn lost(&self) -> Lost {
        match &self.0 {
            Some(participant) => participant.lost().await,
            None => std::future::pending().await,
        }
    }
}

fn system_now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(NEVER)
}
