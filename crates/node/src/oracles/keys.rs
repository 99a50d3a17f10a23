//! The keys that oracles are held to, when an oracle has taken another one.
//!
//! Both keys sign a rotation, so that a node can tell it from somebody else's server. It follows nobody by itself: whom a
//! node counts on is its owner's word, and stands in the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use contract::announcements::read_announcement;
use protocol::oracle::KeyStanding;
use protocol::owner::{OracleKeyState, OracleView};
use terms::{EventId, Hex32, UnixSeconds};
use tokio::task::JoinSet;

use super::logs::{LOOK_EVERY_S, LOOK_LIMIT};
use super::trouble::KeyTrouble;
use crate::config::OracleConfig;
use crate::core::Core;
use crate::error::NodeError;
use crate::node::{Node, joined};

/// How the keys of the configuration stand, by key, as last learned. In memory alone.
pub(crate) type KnownKeys = BTreeMap<Hex32, KnownKey>;

/// How one key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownKey {
    standing: KeyStanding,
    /// What the oracle's server says that its key is.
    present: Hex32,
    at: u64,
}

impl KnownKey {
    /// What keeps this key, of the oracle at `url`, from being counted on.
    fn trouble(&self, key: Hex32, url: &str) -> Option<KeyTrouble> {
        let url = url.to_owned();
        match &self.standing {
            KeyStanding::Current => None,
            KeyStanding::Foreign => Some(KeyTrouble::Foreign { key, shown: self.present, url }),
            KeyStanding::Succeeded(successors) => {
                let since = successors.first()?.rotation.since;
                Some(KeyTrouble::Succeeded { key, successor: self.present, since, url })
            }
        }
    }

    fn leads_to(&self, key: Hex32) -> bool {
        matches!(&self.standing, KeyStanding::Succeeded(successors) if successors.iter().any(|it| it.to == key))
    }
}

impl Node {
    /// Asks all oracles of the configuration now and then how their keys stand, and the first time also looks whether live
    /// escrows count on any other.
    pub(crate) async fn look_at_keys(self: &Arc<Self>) {
        let now = self.now();
        {
            let mut core = self.core.lock().await;
            if !core.pace.are_keys_due(now, LOOK_EVERY_S) {
                return;
            }
            for key in core.unasked_oracles() {
                tracing::warn!(oracle = %key, "live escrows count on this oracle, and the configuration does not have it");
            }
        }
        self.learn_all_keys().await;
    }

    async fn learn_all_keys(self: &Arc<Self>) {
        let mut asking = JoinSet::new();
        for oracle in self.config.oracles.clone() {
            let node = Arc::clone(self);
            asking.spawn(async move {
                if let Err(error) = node.learn_key(&oracle).await {
                    tracing::info!(oracle = %oracle.key, %error, "the oracle did not tell how its key stands");
                }
                false
            });
        }
        while !asking.is_empty() {
            joined(asking.join_next().await);
        }
    }

    /// Asks an oracle how its key stands; `None` where its server tells nothing about itself.
    async fn learn_key(&self, oracle: &OracleConfig) -> Result<Option<KnownKey>, NodeError> {
        let client = self.oracle(oracle.key)?;
        let told = tokio::time::timeout(LOOK_LIMIT, client.info_if_any()).await;
        let Some(info) = told.map_err(|_| NodeError::Silent)?? else { return Ok(None) };
        let standing = info.standing_of(oracle.key);
        let known = KnownKey { standing, present: info.pubkey, at: self.now() };
        let before = self.known_keys_mut(|keys| keys.insert(oracle.key, known.clone()));
        let is_news = before.is_none_or(|before| before.present != known.present);
        if let Some(trouble) = known.trouble(oracle.key, &oracle.url).filter(|_| is_news) {
            tracing::warn!("{trouble}");
        }
        Ok(Some(known))
    }

    fn known_keys_mut<T>(&self, work: impl FnOnce(&mut KnownKeys) -> T) -> T {
        work(&mut self.oracle_keys.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether an oracle announces new events with this key of the configuration. If not, what it announced with it before
    /// still counts, so the event's announcement, where there is one by this key.
    ///
    /// # Errors
    /// Says how the key stands, and what its owner can do.
    pub(crate) async fn announced_before(
        &self,
        key: Hex32,
        event: &EventId,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let oracle = self.pinned(key)?;
        // One that does not tell is found out by its announcement.
        let known = self.learn_key(oracle).await.ok().flatten();
        let Some(trouble) = known.and_then(|known| known.trouble(key, &oracle.url)) else { return Ok(None) };
        let announcement = self.oracle(key)?.announcement(event).await?;
        let by_this_key = |bytes: &Vec<u8>| {
            read_announcement(0, bytes).is_ok_and(|it| it.oracle_public_key.serialize() == key.0)
        };
        match announcement.filter(by_this_key) {
            Some(announcement) => Ok(Some(announcement)),
            None => Err(trouble.into()),
        }
    }

    /// Refuses oracles that the configuration does not have, and says so where one that it has took that key.
    ///
    /// # Errors
    /// Names the key.
    pub(crate) async fn know_oracles(&self, keys: &[Hex32]) -> Result<(), NodeError> {
        let Some(key) = keys.iter().copied().find(|key| self.pinned(*key).is_err()) else { return Ok(()) };
        // Oracles that do not answer in time are none of which this can be said.
        let former = tokio::time::timeout(LOOK_LIMIT, self.former_key_of(key)).await;
        Err(match former.ok().flatten() {
            Some(oracle) => KeyTrouble::NotPinned { key, pinned: oracle.key, url: oracle.url.clone() }.into(),
            None => NodeError::UnknownOracle { key },
        })
    }

    /// The oracle of the configuration whose key this one has followed.
    async fn former_key_of(&self, key: Hex32) -> Option<&OracleConfig> {
        for oracle in &self.config.oracles {
            let known = self.learn_key(oracle).await.ok().flatten();
            if known.is_some_and(|known| known.leads_to(key)) {
                return Some(oracle);
            }
        }
        None
    }

    /// What an event's oracle says where it has not announced the event with this key.
    pub(crate) async fn not_announced(&self, key: Hex32) -> NodeError {
        let oracle = match self.pinned(key) {
            Ok(oracle) => oracle,
            Err(unknown) => return unknown,
        };
        let known = self.learn_key(oracle).await.ok().flatten();
        let trouble = known.and_then(|known| known.trouble(key, &oracle.url));
        trouble.map_or(NodeError::NotFound { what: "announcement" }, NodeError::from)
    }

    fn pinned(&self, key: Hex32) -> Result<&OracleConfig, NodeError> {
        let oracle = self.config.oracles.iter().find(|oracle| oracle.key == key);
        oracle.ok_or(NodeError::UnknownOracle { key })
    }

    /// The oracles of the configuration, for the owner.
    pub(crate) async fn oracle_views(&self) -> Vec<OracleView> {
        let core = self.core.lock().await;
        let known = self.known_keys_mut(|keys| keys.clone());
        let view = |oracle: &OracleConfig| view(oracle, known.get(&oracle.key), core.counting_on(oracle.key));
        self.config.oracles.iter().map(view).collect()
    }
}

impl Core {
    /// The oracles of live escrows that the configuration does not have: nobody asks them.
    fn unasked_oracles(&self) -> BTreeSet<Hex32> {
        let live = self.escrows.values().filter(|escrow| !escrow.noted.is_final());
        let keys = live.flat_map(|escrow| escrow.agreement().oracles.keys.iter().copied());
        keys.filter(|key| self.config.oracles.iter().all(|oracle| oracle.key != *key)).collect()
    }

    /// How many live escrows count on an oracle.
    fn counting_on(&self, key: Hex32) -> usize {
        let live = self.escrows.values().filter(|escrow| !escrow.noted.is_final());
        live.filter(|escrow| escrow.agreement().oracles.keys.contains(&key)).count()
    }
}

fn view(oracle: &OracleConfig, known: Option<&KnownKey>, live_escrows: usize) -> OracleView {
    let mut view = OracleView {
        url: oracle.url.clone(),
        key: oracle.key,
        state: OracleKeyState::Unknown,
        asked_at: known.map(|known| UnixSeconds(known.at)),
        successors: Vec::new(),
        foreign_key: None,
        live_escrows,
    };
    match known.map(|known| (&known.standing, known.present)) {
        None => {}
        Some((KeyStanding::Current, _)) => view.state = OracleKeyState::Current,
        Some((KeyStanding::Succeeded(successors), _)) => {
            view.state = OracleKeyState::Succeeded;
            view.successors = successors.clone();
        }
        Some((KeyStanding::Foreign, present)) => {
            view.state = OracleKeyState::Foreign;
            view.foreign_key = Some(present);
        }
    }
    view
}
