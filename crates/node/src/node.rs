//! The running node: its state behind one lock, and the task that drives it.

use std::sync::{Arc, RwLock};

use client::PeerClient;
use clock::{Busy, Clock, Wake};
use crashpoint::here;
use protocol::{Body, Envelope};
use storage::{Feed, StoredEnvelope};
use terms::Hex32;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use wallet::Bitcoind;

use crate::config::Config;
use crate::core::Core;
use crate::error::NodeError;
use crate::oracles::attestations::{Ask, Asked};
use crate::oracles::keys::KnownKeys;
use crate::peers::card::Cards;
use crate::rotate::OwnKeys;
use crate::ticket::Turns;
use crate::visitors::{Doors, Visitor, Visitors};

/// How often one round may lead to another at once, when messages arrived in it.
const ROUNDS: usize = 64;
/// While an attestation is due, the oracles are asked this often at least.
const ATTESTATION_POLL_S: u64 = 60;
/// How many peers or oracles are asked at the same time.
pub(crate) const SENT_AT_ONCE: usize = 16;
/// How many readers may listen to the stream of events.
const LISTENERS: usize = 32;

/// A running node.
pub struct Node {
    pub(crate) config: Config,
    pub(crate) core: Mutex<Core>,
    /// The Bitcoin node, which is asked without the lock whether it answers.
    pub(crate) chain: Bitcoind,
    pub(crate) clock: Clock,
    /// The owner's token; replaced when it is rotated.
    pub(crate) token: RwLock<String>,
    /// The identity keys, which change only when they are rotated.
    pub(crate) own_keys: RwLock<OwnKeys>,
    /// How the keys of the configuration's oracles stand.
    pub(crate) oracle_keys: RwLock<KnownKeys>,
    /// The owner's requests take turns under each Idempotency-Key.
    pub(crate) turns: Turns,
    /// The cards that were made last,
    pub(crate) cards: Cards,
    /// as long as no more offers are published than these.
    pub(crate) published: watch::Receiver<u64>,
    /// Envelopes that are read or answered at the same time.
    pub(crate) doors: Doors,
    /// How fast strangers may ask.
    pub(crate) visitors: Visitors,
    /// The backup target is written to by one at a time,
    pub(crate) backing_up: Mutex<()>,
    /// on one thread at a time.
    pub(crate) target_thread: Arc<Semaphore>,
    /// What the owner is told as it happens; it is read without the lock of the core,
    pub(crate) feed: Feed,
    /// changes whenever there is more,
    pub(crate) news: watch::Receiver<u64>,
    /// by so many at a time.
    pub(crate) listeners: Arc<Semaphore>,
    /// Becomes true when the node stops: whoever listens is let go.
    pub(crate) stopping: watch::Sender<bool>,
    /// Wakes the driving task when there is something new to do.
    pub(crate) wake: Wake,
}

impl Node {
    /// Opens the data folder.
    ///
    /// # Errors
    /// When seed, database or Bitcoin node cannot be used, and when the owner's token cannot be read.
    pub async fn open(config: Config, clock: Clock) -> Result<Arc<Self>, NodeError> {
        let token = crate::keys::load_token(&config.data_dir)?;
        let core = Core::open(config.clone(), clock.now_s()).await?;
        Ok(Arc::new(Self {
            visitors: Visitors::new(&config.limits),
            config,
            own_keys: RwLock::new(core.own_keys()),
            feed: core.store.feed(),
            news: core.news.subscribe(),
            cards: Cards::default(),
            published: core.published.subscribe(),
            listeners: Arc::new(Semaphore::new(LISTENERS)),
            stopping: watch::Sender::default(),
            chain: core.chain.clone(),
            core: Mutex::new(core),
            clock,
            token: RwLock::new(token),
            oracle_keys: RwLock::default(),
            turns: Turns::default(),
            doors: Doors::default(),
            backing_up: Mutex::new(()),
            target_thread: Arc::new(Semaphore::new(1)),
            wake: Wake::new(),
        }))
    }

    /// The node's time in unix seconds.
    pub fn now(&self) -> u64 {
        self.clock.now_s()
    }

    /// Drives the node for ever: the chain, the escrows, the peers, the oracles.
    pub async fn drive(self: Arc<Self>, mut busy: Busy) {
        loop {
            let waiting = self.rounds().await;
            let pause_s = match waiting {
                true => self.config.poll_every_s.min(ATTESTATION_POLL_S),
                false => self.config.poll_every_s,
            };
            let next = self.next_moment(pause_s).await;
            busy.sleep_until_or(next, &self.wake).await;
        }
    }

    /// One round after another, as long as the backup, messages or attestations bring something new. Returns whether an
    /// attestation is due.
    async fn rounds(self: &Arc<Self>) -> bool {
        let mut asked = Asked::new();
        for round in 0..ROUNDS {
            asked = self.look().await;
            let mut news = self.back_up().await | self.deliver().await | self.ask_around(&asked).await;
            if round == 0 {
                news |= self.ask_providers().await | self.tend_standing().await;
            }
            if !news {
                break;
            }
        }
        self.look_at_keys().await;
        self.look_at_logs().await;
        self.renew_listings().await;
        asked.values().any(|ask| *ask == Ask::Missing)
    }

    /// Looks at the chain and does what is due. Returns the escrows whose oracles are to be asked.
    pub(crate) async fn look(&self) -> Asked {
        // A Bitcoin node that hangs keeps this waiting, and nobody who wants the lock.
        if let Err(error) = self.chain.run(Bitcoind::probe).await {
            tracing::warn!(%error, "the chain cannot be followed; trying again");
            return Asked::new();
        }
        let now = self.now();
        let mut core = self.core.lock().await;
        here!("look");
        if let Err(error) = core.sync(now).await {
            tracing::warn!(%error, "the chain cannot be followed; trying again");
            return Asked::new();
        }
        let ids: Vec<Hex32> =
            core.escrows.keys().filter(|id| !core.archived.contains(*id)).copied().collect();
        let mut asked = Asked::new();
        for id in ids {
            match core.tend(id, now).await {
                Ok(Some(ask)) => {
                    asked.insert(id, ask);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(escrow = %id, %error, "a step failed; trying again"),
            }
        }
        core.tend_money(now).await;
        asked
    }

    /// Sends what waits to be sent, to several peers at a time: one that is slow or silent holds up nobody else. Returns
    /// whether any answer came.
    async fn deliver(self: &Arc<Self>) -> bool {
        let waiting = match self.core.lock().await.to_send().await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::error!(%error, "the database cannot be read");
                return false;
            }
        };
        let mut news = false;
        let mut sending = JoinSet::new();
        for stored in waiting {
            if sending.len() >= SENT_AT_ONCE {
                news |= joined(sending.join_next().await);
            }
            let node = Arc::clone(self);
            sending.spawn(async move { node.try_to_send(&stored).await });
        }
        while !sending.is_empty() {
            news |= joined(sending.join_next().await);
        }
        news
    }

    async fn try_to_send(&self, stored: &StoredEnvelope) -> bool {
        match self.send(stored).await {
            Ok(answered) => answered,
            Err(error) => {
                tracing::warn!(session = %stored.session, %error, "a message was not answered well; trying again");
                false
            }
        }
    }

    /// Sends one envelope, and takes its answer.
    async fn send(&self, stored: &StoredEnvelope) -> Result<bool, NodeError> {
        let envelope = Envelope::verify(&stored.bytes)?;
        let now = self.now();
        if envelope.expires().0 <= now {
            self.core.lock().await.refused(&envelope, "no answer in time", now).await?;
            return Ok(true);
        }
        let session = self.core.lock().await.store.session(stored.session).await?;
        let url = session.and_then(|session| session.peer_url);
        let peer = PeerClient::new(&url.ok_or(NodeError::NotFound { what: "peer" })?)?;
        here!("send.before:{}", envelope.body().kind());
        let sent = peer.post(&envelope, now).await;
        here!("send.after:{}", envelope.body().kind());
        match sent {
            Ok(answer) => {
                let now = self.now();
                let mut core = self.core.lock().await;
                match core.answered(&envelope, answer.as_ref(), now).await {
                    Err(error) if !error.may_pass() => {
                        core.refused(&envelope, &error.to_string(), now).await?;
                    }
                    taken => core.asking(taken, None, now).await?,
                }
                Ok(true)
            }
            Err(error) if error.may_pass() => Err(error.into()),
            Err(error) => {
                tracing::warn!(session = %stored.session, %error, "the peer refused a message");
                let crossed = error.status() == Some(409);
                let (why, now) = (error.to_string(), self.now());
                self.core.lock().await.turned_away(&envelope, &why, crossed, now).await?;
                Ok(true)
            }
        }
    }

    /// Takes a peer's envelope, and gives its answer; one with our signature over the funding only once the backup
    /// target has acknowledged it. Until then the peer gets none, and the stored one when it repeats itself.
    pub(crate) async fn answer(
        &self,
        envelope: &Envelope,
        from: Visitor,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        if let Body::Renew { escrow } = envelope.body() {
            // The oracles are asked first, and without the lock.
            let answer = self.receive_renewal(envelope, *escrow, from).await;
            return self.core.lock().await.asking(answer, None, self.now()).await;
        }
        let id = envelope.session();
        let mut core = self.core.lock().await;
        let now = self.now();
        let answer = core.receive(envelope, from, now).await;
        let answer = core.asking(answer, None, now).await?;
        if answer.is_none() || !core.held(id) {
            return Ok(answer);
        }
        drop(core);
        self.back_up().await;
        if self.core.lock().await.held(id) { Err(NodeError::NotBackedUp) } else { Ok(answer) }
    }

    /// Asks the providers of our escrows and negotiations whether something waits for us, several at a time. Returns whether anything did.
    async fn ask_providers(self: &Arc<Self>) -> bool {
        let ids = {
            let mut core = self.core.lock().await;
            let talks = core.open_talks(self.now()).await.unwrap_or_else(|error| {
                tracing::error!(%error, "the database cannot be read");
                Vec::new()
            });
            [core.closable_purchases(), talks].concat()
        };
        let mut news = false;
        let mut asking = JoinSet::new();
        for id in ids {
            if asking.len() >= SENT_AT_ONCE {
                news |= joined(asking.join_next().await);
            }
            let node = Arc::clone(self);
            asking.spawn(async move {
                node.ask_provider(id).await.unwrap_or_else(|error| {
                    tracing::debug!(escrow = %id, %error, "the provider does not tell whether something waits");
                    false
                })
            });
        }
        while !asking.is_empty() {
            news |= joined(asking.join_next().await);
        }
        news
    }

    async fn ask_provider(&self, id: Hex32) -> Result<bool, NodeError> {
        let (session, own) = {
            let core = self.core.lock().await;
            let own = match core.talk(id).await? {
                Some(talk) => talk.session.opener(),
                None => protocol::public_key(core.identity_in(id)?),
            };
            (core.store.session(id).await?, own)
        };
        let Some(url) = session.and_then(|session| session.peer_url) else { return Ok(false) };
        let waiting = PeerClient::new(&url)?.waiting(id, own, self.now()).await?;
        let mut news = false;
        for envelope in waiting {
            here!("waiting.found:{}", envelope.body().kind());
            match self.core.lock().await.take_waiting(id, &envelope, &url, self.now()).await {
                Ok(new) => news |= new,
                Err(error) => tracing::warn!(escrow = %id, %error, "what waits at the provider will not do"),
            }
        }
        Ok(news)
    }

    /// When to look again: after the pause, or when the next deadline passes or event matures.
    async fn next_moment(&self, pause_s: u64) -> u64 {
        let now = self.now();
        let core = self.core.lock().await;
        let listing = core.next_listing(now).await;
        let live = core.escrows.values().filter(|escrow| !escrow.noted.is_final());
        let moments = live.flat_map(|escrow| {
            let maturities = [escrow.first_maturity(), escrow.opened.maturity].map(|at| at.saturating_add(1));
            [escrow.given_up_at()].into_iter().chain(maturities)
        });
        let moments = moments
            .chain(core.next_sweep(now))
            .chain(core.next_batch())
            .chain(listing)
            .chain(core.standing_moments());
        let next = moments.filter(|at| *at > now).fold(now + pause_s, u64::min);
        next.saturating_mul(1_000)
    }
}

/// What a finished task found; one that panicked found nothing.
pub(crate) fn joined(ended: Option<Result<bool, JoinError>>) -> bool {
    match ended {
        Some(Ok(news)) => news,
        Some(Err(error)) => {
            tracing::error!(%error, "a task failed");
            false
        }
        None => false,
    }
}
