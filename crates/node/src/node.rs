//! The running node: its state behind one lock, and the task that drives it.

use std::collections::BTreeSet;
use std::sync::Arc;

use client::PeerClient;
use clock::{Busy, Clock, Wake};
use protocol::Envelope;
use storage::StoredEnvelope;
use terms::Hex32;
use tokio::sync::Mutex;

use crate::config::Config;
use crate::core::Core;
use crate::error::NodeError;

/// How often one round may lead to another at once, when messages arrived in it.
const ROUNDS: usize = 8;
/// While an attestation is due, the oracles are asked this often at least.
const ATTESTATION_POLL_S: u64 = 60;

/// A running node.
pub struct Node {
    pub(crate) config: Config,
    pub(crate) core: Mutex<Core>,
    pub(crate) clock: Clock,
    pub(crate) token: String,
    /// Wakes the driving task when there is something new to do.
    pub(crate) wake: Wake,
}

impl Node {
    /// Opens the data folder.
    ///
    /// # Errors
    /// As [`Core::open`], and when the owner's token cannot be read.
    pub async fn open(config: Config, clock: Clock) -> Result<Arc<Self>, NodeError> {
        let token = crate::keys::load_token(&config.data_dir)?;
        let core = Core::open(config.clone(), clock.now_s()).await?;
        Ok(Arc::new(Self { config, core: Mutex::new(core), clock, token, wake: Wake::new() }))
    }

    /// The node's time in unix seconds.
    pub fn now(&self) -> u64 {
        self.clock.now_s()
    }

    /// Drives the node for ever: the chain, the escrows, the peers, the oracles.
    pub async fn drive(&self, mut busy: Busy) {
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

    /// One round after another, as long as messages or attestations bring something new. Returns whether an
    /// attestation is due.
    async fn rounds(&self) -> bool {
        let mut asked = BTreeSet::new();
        for _ in 0..ROUNDS {
            asked = self.look().await;
            let news = self.deliver().await | self.ask_oracles(&asked).await;
            if !news {
                break;
            }
        }
        !asked.is_empty()
    }

    /// Looks at the chain and does what is due. Returns the escrows whose oracles are to be asked.
    async fn look(&self) -> BTreeSet<Hex32> {
        let now = self.now();
        let mut core = self.core.lock().await;
        if let Err(error) = core.sync(now).await {
            tracing::warn!(%error, "the chain cannot be followed; trying again");
            return BTreeSet::new();
        }
        let ids: Vec<Hex32> = core.escrows.keys().copied().collect();
        let mut asked = BTreeSet::new();
        for id in ids {
            match core.tend(id, now).await {
                Ok(true) => {
                    asked.insert(id);
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(escrow = %id, %error, "a step failed; trying again"),
            }
        }
        asked
    }

    /// Sends what waits to be sent. Returns whether any answer came.
    async fn deliver(&self) -> bool {
        let waiting = match self.core.lock().await.store.undelivered().await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::error!(%error, "the database cannot be read");
                return false;
            }
        };
        let mut news = false;
        for stored in waiting {
            match self.send(&stored).await {
                Ok(answered) => news |= answered,
                Err(error) => {
                    tracing::warn!(session = %stored.session, %error, "a message was not answered well; trying again");
                }
            }
        }
        news
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
        match peer.post(&envelope, now).await {
            Ok(answer) => {
                let now = self.now();
                let mut core = self.core.lock().await;
                core.answered(&envelope, answer.as_ref(), now).await?;
                Ok(true)
            }
            Err(error) if error.may_pass() => Err(error.into()),
            Err(error) => {
                tracing::warn!(session = %stored.session, %error, "the peer refused a message");
                self.core.lock().await.refused(&envelope, &error.to_string(), self.now()).await?;
                Ok(true)
            }
        }
    }

    /// Asks the oracles of some escrows for attestations. Returns whether any came.
    async fn ask_oracles(&self, escrows: &BTreeSet<Hex32>) -> bool {
        let mut news = false;
        for id in escrows {
            match self.attestations(*id).await {
                Ok(came) => news |= came,
                Err(error) => tracing::warn!(escrow = %id, %error, "no attestation yet"),
            }
        }
        news
    }

    async fn attestations(&self, id: Hex32) -> Result<bool, NodeError> {
        let (event, missing) = self.core.lock().await.missing_attestations(id)?;
        let mut came = false;
        for (oracle, key) in missing {
            if let Some(bytes) = self.oracle(key)?.attestation(&event).await? {
                let now = self.now();
                came |= self.core.lock().await.take_attestation(id, oracle, &bytes, now).await?;
            }
        }
        Ok(came)
    }

    /// When to look again: after the pause, or when the next event matures.
    async fn next_moment(&self, pause_s: u64) -> u64 {
        let now = self.now();
        let core = self.core.lock().await;
        let live = core.escrows.values().filter(|escrow| !escrow.noted.is_final());
        let maturity = live.map(|escrow| escrow.opened.maturity + 1).filter(|at| *at > now).min();
        let next = maturity.map_or(now + pause_s, |at| at.min(now + pause_s));
        next.saturating_mul(1_000)
    }
}
