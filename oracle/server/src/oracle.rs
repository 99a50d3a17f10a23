//! What the oracle's parts share: key, journal, database, prober and clock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use clock::{Busy, Clock, Wake};
use crashpoint::here;
use rates::Rates;
use signer::{Journal, OracleKey};
use terms::EventId;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::asking::requester::{Allowance, Requester};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::operating::keyring::Keyring;
use crate::overview::Snapshot;
use crate::probe::{Prober, ProberError};
use crate::public_log::PublicLog;
use crate::store::Store;

/// How often the journal learns, while nothing is signed, how far the database has come.
const MARK_EVERY_MS: u64 = 3_600_000;
/// Samples are written at least this often in system time ...
const FLUSH_EVERY_MS: u64 = 5_000;
/// ... and in simulated time, where seconds pass in a moment.
const SIMULATED_FLUSH_EVERY_MS: u64 = 300_000;
/// Answers that take much memory or computing: so many at once.
const HEAVY_ANSWERS: usize = 2;
/// Windows that are closed at once: each takes its samples into memory, and a thousand that end at the same moment must
/// not keep the others' samples waiting.
const CLOSING: usize = 2;

/// The oracle's parts. There is one for a process, shared by its tasks.
#[derive(Debug)]
pub struct Oracle {
    /// System or simulated time.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// Signs announcements and attestations.
    pub key: Arc<OracleKey>,
    /// All its keys.
    pub keys: Keyring,
    /// What it said, for everybody to keep.
    pub log: PublicLog,
    /// Samples are written at least this often.
    pub flush_every_ms: u64,
    /// When this process began, in unix milliseconds.
    pub started_ms: u64,
    /// Followers of events; awaited when the process ends.
    pub tasks: TaskTracker,
    /// Cancelled when the process is to end.
    pub stop: CancellationToken,
    /// Announcing goes one at a time, so that no event gets two sets of nonces.
    pub announcing: tokio::sync::Mutex<()>,
    /// Signing goes one at a time.
    pub signing: tokio::sync::Mutex<()>,
    /// Shared by the beats that are being written down; taken alone by whoever judges silence.
    pub hearing: tokio::sync::RwLock<()>,
    /// Places for answers that take much memory or computing.
    pub heavy: Semaphore,
    /// Places for windows that are being closed.
    pub closing: Semaphore,
    /// Places for readers of the stream.
    pub listeners: Arc<Semaphore>,
    /// What it counts about itself.
    pub metrics: Metrics,
    /// How fast requests may come.
    pub rates: Rates,
    settings: RwLock<Arc<Settings>>,
    /// What the pages show of all services, read every few seconds.
    pub overview: Snapshot,
    journal: Arc<Mutex<Journal>>,
    marked_ms: AtomicU64,
    deaf_ms: AtomicU64,
    /// Rung when the configured services may be others.
    pub services_changed: Wake,
    troubles: Mutex<BTreeMap<EventId, Trouble>>,
    service_troubles: Mutex<BTreeMap<String, String>>,
}

/// What the operator set, and what was made of it. Replaced as a whole when the configuration is read again.
#[derive(Debug)]
pub struct Settings {
    /// What the operator set.
    pub config: Config,
    /// Probes targets.
    pub prober: Arc<Prober>,
    /// The token of requesters, where the policy asks for one.
    pub token: Option<String>,
}

/// Why an event does not get on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It waits for the operator. What went wrong.
    Stuck(String),
    /// It is tried again, as when the disk is full. What went wrong.
    Waiting(String),
}

impl Trouble {
    /// Does it wait for the operator?
    pub fn is_stuck(&self) -> bool {
        matches!(self, Self::Stuck(_))
    }
}

/// Why a part of the oracle could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum OracleError {
    /// Work on the journal panicked, which is a bug.
    #[error("work on the signing journal broke down")]
    Journal,
}

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slept {
    /// The time came.
    Due,
    /// The process is to stop.
    Stopped,
}

impl Slept {
    /// Is the process to stop?
    pub fn is_stopped(self) -> bool {
        self == Self::Stopped
    }
}

/// What an oracle is made of.
#[derive(Debug)]
pub struct Parts {
    /// What the operator set.
    pub config: Config,
    /// System or simulated time.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// The signing keys.
    pub keys: Keyring,
    /// The signing journal.
    pub journal: Journal,
    /// The public log.
    pub log: PublicLog,
    /// The token of requesters, where the policy asks for one.
    pub token: Option<String>,
}

/// How often samples are written at least.
pub(crate) fn flush_every_ms(config: &Config, simulated: bool) -> u64 {
    let usual_ms = if simulated { SIMULATED_FLUSH_EVERY_MS } else { FLUSH_EVERY_MS };
    config.probe.flush_every_s.map_or(usual_ms, |s| s.saturating_mul(1000))
}

impl Oracle {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When targets can't be probed, because roots that the configuration names or needs can't be had.
    pub fn new(parts: Parts) -> Result<Arc<Self>, ProberError> {
        let Parts { config, clock, store, keys, journal, log, token } = parts;
        let prober = Arc::new(Prober::new(&config, &clock)?);
        Ok(Arc::new(Self {
            started_ms: clock.now_ms(),
            flush_every_ms: flush_every_ms(&config, clock.is_simulated()),
            clock,
            store,
            key: Arc::clone(keys.current()),
            keys,
            log,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            announcing: tokio::sync::Mutex::new(()),
            signing: tokio::sync::Mutex::new(()),
            hearing: tokio::sync::RwLock::new(()),
            heavy: Semaphore::new(HEAVY_ANSWERS),
            closing: Semaphore::new(CLOSING),
            listeners: Arc::new(Semaphore::new(config.limits.stream_readers)),
            metrics: Metrics::default(),
            rates: Rates::new(&config.rate.quotas()),
            settings: RwLock::new(Arc::new(Settings { config, prober, token })),
            overview: Snapshot::default(),
            journal: Arc::new(Mutex::new(journal)),
            marked_ms: AtomicU64::new(0),
            deaf_ms: AtomicU64::new(0),
            services_changed: Wake::new(),
            troubles: Mutex::new(BTreeMap::new()),
            service_troubles: Mutex::new(BTreeMap::new()),
        }))
    }

    /// What a requester may have, by the configuration.
    pub fn allowance(&self, requester: &Requester) -> Allowance {
        match requester {
            Requester::Address(address) => Allowance::of_address(*address, &self.settings().config.rate),
            Requester::TokenHolder | Requester::Operator => Allowance::default(),
            Requester::Key(key) => {
                self.settings().config.requester(*key).map_or_else(Allowance::nothing, Allowance::from)
            }
        }
    }

    /// What the operator set, as it is now. Whoever needs several things of it that belong together asks once.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on this is what the operator set. What is under way goes on with what it began with.
    pub fn change_settings(&self, settings: Settings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// Sleeps until the clock shows `wake_ms`, or until the process is to stop.
    pub async fn sleep_or_stop(&self, busy: &mut Busy, wake_ms: u64) -> Slept {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Slept::Stopped,
            () = busy.sleep_until_ms(wake_ms) => Slept::Due,
        }
    }

    /// Works on the journal, on a thread that may wait for the disk.
    ///
    /// # Errors
    /// When the work panicked.
    pub async fn with_journal<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Journal) -> T + Send + 'static,
    ) -> Result<T, OracleError> {
        let journal = Arc::clone(&self.journal);
        let work = move || work(&mut journal.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(work).await.map_err(|_| OracleError::Journal)
    }

    /// Tells the journal, once an hour, how far the database has come.
    pub async fn mark(&self, mark: u64) {
        let now_ms = self.clock.now_ms();
        let marked_ms = self.marked_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(marked_ms) >= MARK_EVERY_MS {
            self.mark_now(mark).await;
        }
    }

    /// Tells the journal how far the database has come. The database was written first, so that a
    /// journal that could not be written only knows less.
    pub async fn mark_now(&self, mark: u64) {
        self.marked_ms.store(self.clock.now_ms(), Ordering::Relaxed);
        here!("mark.before");
        match self.with_journal(move |journal| journal.mark(mark)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the signing journal could not be written"),
            Err(error) => tracing::error!(%error, "the signing journal could not be written"),
        }
    }

    /// When a beat last came that could not be written down, in unix milliseconds; 0 for never.
    pub fn deaf_ms(&self) -> u64 {
        self.deaf_ms.load(Ordering::Relaxed)
    }

    /// Notes that a beat came that could not be written down: whose slot it would have been nobody will know.
    pub fn note_deaf(&self, now_ms: u64) {
        self.deaf_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    /// Notes that an event does not get on.
    pub fn note_trouble(&self, id: &EventId, trouble: Trouble) {
        self.all_troubles().insert(id.clone(), trouble);
    }

    /// Notes that an event gets on.
    pub fn note_well(&self, id: &EventId) {
        self.all_troubles().remove(id);
    }

    /// Events that wait for the operator, who has just done something: they don't any more.
    pub fn take_stuck(&self) -> Vec<EventId> {
        let mut troubles = self.all_troubles();
        let (stuck, others) = std::mem::take(&mut *troubles).into_iter().partition(|(_, it)| it.is_stuck());
        *troubles = others;
        BTreeMap::into_keys(stuck).collect()
    }

    /// Events that do not get on, and why.
    pub fn troubles(&self) -> BTreeMap<EventId, Trouble> {
        self.all_troubles().clone()
    }

    /// Notes which configured services have windows that could not be announced, and why.
    pub fn note_service_troubles(&self, troubles: BTreeMap<String, String>) {
        *self.service_troubles.lock().unwrap_or_else(PoisonError::into_inner) = troubles;
    }

    /// Configured services with windows that could not be announced, and why.
    pub fn service_troubles(&self) -> BTreeMap<String, String> {
        self.service_troubles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn all_troubles(&self) -> MutexGuard<'_, BTreeMap<EventId, Trouble>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
