//! Asking for attestations: the oracles first, then the peer, who may have what an oracle's server does not give us.
//!
//! An attestation proves itself, so it does not matter who brings it. The buyer's node is always the one that calls; what it
//! has goes with the question, so one call serves both.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use client::PeerClient;
use crashpoint::here;
use protocol::HexBytes;
use protocol::attestations::{AttestationAnswer, AttestationExchange};
use terms::Hex32;
use tokio::task::JoinSet;

use crate::core::Core;
use crate::error::NodeError;
use crate::node::{Node, SENT_AT_ONCE, joined};
use crate::oracles::attest::Question;

/// Once an attestation is here, the oracles are asked again this often, until the end is final.
const RECHECK_EVERY_S: u64 = 180;
/// A peer may exchange attestations of one escrow so often in a minute.
const EXCHANGES_A_MINUTE: u32 = 30;
/// How long the peer may take to answer. It answers from memory.
const PEER_LIMIT: Duration = Duration::from_secs(10);

/// Which of an escrow's oracles are to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Those whose attestations are not here.
    Missing,
    /// All, for what contradicts their first words.
    All,
}

/// The escrows whose oracles are to be asked.
pub(crate) type Asked = BTreeMap<Hex32, Ask>;

/// When whom was asked. Kept in memory: after a restart everybody may be asked at once.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    asked_at: BTreeMap<Hex32, u64>,
    /// How many attestations the peer is known to have.
    shared: BTreeMap<Hex32, usize>,
    /// When each oracle's log was last looked at.
    logs: BTreeMap<Hex32, u64>,
    /// When oracles were last asked for their keys.
    keys: Option<u64>,
    /// The minute in which a peer last asked, and how often.
    served: BTreeMap<Hex32, (u64, u32)>,
}

impl Pace {
    /// Whether it is time to ask an escrow's oracles again.
    pub(crate) fn is_recheck_due(&self, id: Hex32, now: u64) -> bool {
        self.asked_at.get(&id).is_none_or(|at| at.saturating_add(RECHECK_EVERY_S) <= now)
    }

    /// Whether it is time to look at an oracle's log again; if so, that is noted.
    pub(crate) fn is_log_due(&mut self, oracle: Hex32, now: u64, every_s: u64) -> bool {
        let due = self.logs.get(&oracle).is_none_or(|at| at.saturating_add(every_s) <= now);
        if due {
            self.logs.insert(oracle, now);
        }
        due
    }

    /// An oracle has said something new: its log must have it as well, and the sooner it is looked at the better.
    pub(crate) fn look_again(&mut self, oracles: &[Hex32]) {
        self.logs.retain(|oracle, _| !oracles.contains(oracle));
    }

    /// Whether it is time to ask oracles for their keys again; if so, that is noted.
    pub(crate) fn are_keys_due(&mut self, now: u64, every_s: u64) -> bool {
        let due = self.keys.is_none_or(|at| at.saturating_add(every_s) <= now);
        if due {
            self.keys = Some(now);
        }
        due
    }

    /// Counts an exchange that a peer asks for; false when there were too many.
    fn serve(&mut self, id: Hex32, now: u64) -> bool {
        let minute = now / 60;
        let (last, count) = self.served.entry(id).or_default();
        if *last != minute {
            (*last, *count) = (minute, 0);
        }
        *count += 1;
        *count <= EXCHANGES_A_MINUTE
    }
}

impl Node {
    /// Asks for the attestations of some escrows. Returns whether any came that was new.
    pub(crate) async fn ask_around(self: &Arc<Self>, asked: &Asked) -> bool {
        self.ask_oracles(asked).await | self.ask_peers(asked).await
    }

    /// Asks the oracles, several at a time.
    async fn ask_oracles(self: &Arc<Self>, asked: &Asked) -> bool {
        let mut questions = Vec::new();
        {
            let now = self.now();
            let mut core = self.core.lock().await;
            for (id, ask) in asked {
                core.pace.asked_at.insert(*id, now);
                match core.questions(*id, *ask == Ask::All) {
                    Ok(of_it) => questions.extend(of_it),
                    Err(error) => tracing::warn!(escrow = %id, %error, "its oracles are not known"),
                }
            }
        }
        let mut news = false;
        let mut asking = JoinSet::new();
        for question in questions {
            if asking.len() >= SENT_AT_ONCE {
                news |= joined(asking.join_next().await);
            }
            let node = Arc::clone(self);
            asking.spawn(async move {
                node.ask_oracle(&question).await.unwrap_or_else(|error| {
                    let Question { escrow, oracle, .. } = question;
                    tracing::warn!(%escrow, oracle, %error, "no attestation yet");
                    false
                })
            });
        }
        while !asking.is_empty() {
            news |= joined(asking.join_next().await);
        }
        news
    }

    /// One oracle's failure must not keep the others from being asked: a threshold of them suffices.
    async fn ask_oracle(&self, question: &Question) -> Result<bool, NodeError> {
        let words = self.oracle(question.key)?.words(&question.event).await?;
        let Some(words) = words else { return Ok(false) };
        here!("attestation.received");
        let now = self.now();
        self.core.lock().await.hear(question, &words, now).await
    }

    /// Exchanges attestations with the providers of the escrows that we bought.
    async fn ask_peers(self: &Arc<Self>, asked: &Asked) -> bool {
        let mut news = false;
        let mut asking = JoinSet::new();
        for id in asked.keys().copied() {
            if asking.len() >= SENT_AT_ONCE {
                news |= joined(asking.join_next().await);
            }
            let node = Arc::clone(self);
            asking.spawn(async move {
                node.ask_peer(id).await.unwrap_or_else(|error| {
                    tracing::info!(escrow = %id, %error, "the peer exchanged no attestations");
                    false
                })
            });
        }
        while !asking.is_empty() {
            news |= joined(asking.join_next().await);
        }
        news
    }

    async fn ask_peer(&self, id: Hex32) -> Result<bool, NodeError> {
        let Some((url, ours)) = self.core.lock().await.to_share(id).await? else { return Ok(false) };
        let peer = PeerClient::new(&url)?;
        let Ok(answer) = tokio::time::timeout(PEER_LIMIT, peer.exchange_attestations(&ours)).await else {
            return Err(NodeError::Silent);
        };
        let answer = answer?;
        here!("attestations.exchanged");
        let now = self.now();
        self.core.lock().await.take_shared(id, &answer, now).await
    }
}

impl Core {
    /// What an exchange with the peer says, and where to: `None` where the peer is the one that calls, or neither side can
    /// have anything for the other.
    async fn to_share(&self, id: Hex32) -> Result<Option<(String, AttestationExchange)>, NodeError> {
        let escrow = self.escrow(id)?;
        let words = self.known_words(id)?;
        let complete = escrow.attestations.len() == escrow.agreement().oracles.keys.len();
        if complete && self.pace.shared.get(&id).is_some_and(|shared| *shared >= words.len()) {
            return Ok(None);
        }
        let session = self.store.session(id).await?;
        let url = session.and_then(|session| session.peer_url);
        Ok(url.map(|url| (url, AttestationExchange { escrow_id: id, attestations: words })))
    }

    /// Takes what the peer answered: each attestation by itself, so that one that is wrong spoils no other.
    async fn take_shared(
        &mut self,
        id: Hex32,
        answer: &AttestationAnswer,
        now: u64,
    ) -> Result<bool, NodeError> {
        let mut news = false;
        for attestation in &answer.attestations {
            match self.take_attestation(id, &attestation.0, now).await {
                Ok(new) => news |= new,
                Err(error) if error.may_pass() => return Err(error),
                Err(error) => {
                    tracing::warn!(escrow = %id, %error, "the peer passed on what is no attestation")
                }
            }
        }
        let shared = self.known_words(id)?;
        let has_all = shared.iter().all(|ours| answer.attestations.contains(ours));
        if has_all {
            self.pace.shared.insert(id, shared.len());
        }
        Ok(news)
    }

    /// Answers a peer that exchanges attestations: takes what it brings, up to the first that is wrong, and gives all that
    /// there are.
    ///
    /// # Errors
    /// When there is no such live escrow, when it asks too often, when an attestation is none.
    pub(crate) async fn exchange(
        &mut self,
        request: &AttestationExchange,
        now: u64,
    ) -> Result<(AttestationAnswer, bool), NodeError> {
        let id = request.escrow_id;
        let unknown = || NodeError::NotFound { what: "escrow" };
        if self.escrows.get(&id).is_none_or(|escrow| escrow.sign.is_none()) || self.archived.contains(&id) {
            return Err(unknown());
        }
        if !self.pace.serve(id, now) {
            return Err(NodeError::TooManyExchanges);
        }
        let mut news = false;
        for attestation in &request.attestations {
            news |= self.take_attestation(id, &attestation.0, now).await?;
        }
        Ok((AttestationAnswer { attestations: self.known_words(id)? }, news))
    }

    fn known_words(&self, id: Hex32) -> Result<Vec<HexBytes>, NodeError> {
        let escrow = self.escrow(id)?;
        let all = escrow.attestations.iter().chain(&escrow.oracles.contradictions);
        Ok(all.map(|(_, bytes)| HexBytes(bytes.0.clone())).collect())
    }
}
