//! Oracles' public logs: the newest checkpoint of each is kept, and every later one must go on from it.
//!
//! A log that shows different things to different readers, or takes something back, signs two checkpoints that do not go
//! together. Whoever kept the older one can show both. Nothing else follows: an escrow settles by what was attested.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use evidence::{Checkpoint, CheckpointError, Growth, Relation};
use protocol::oracle::{LogContradiction, LogGrowth, LogSight};
use protocol::owner::{Alarm, AlarmKind};
use storage::{KeptCheckpoint, StoredContradiction};
use terms::{Hex32, UnixSeconds};
use tokio::task::JoinSet;

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::node::{Node, joined};

/// While an escrow counts on it, an oracle's log is looked at this often, in seconds; and after each of its attestations.
pub(super) const LOOK_EVERY_S: u64 = 3_600;
/// How long an oracle may take to show its log, or to say which keys it has. It answers from its database.
pub(super) const LOOK_LIMIT: Duration = Duration::from_secs(10);

/// What an oracle's server shows of its log.
struct Shown {
    /// What was kept of it.
    kept: Option<LogSight>,
    /// Its newest checkpoint.
    sight: LogSight,
    /// How it says that it goes on from what was kept.
    growth: LogGrowth,
}

impl Node {
    /// Looks at the logs that are due, all at a time. One that can't be read is looked at another time.
    pub(crate) async fn look_at_logs(self: &Arc<Self>) {
        let due = self.core.lock().await.logs_due(self.now());
        let mut looking = JoinSet::new();
        for oracle in due {
            let node = Arc::clone(self);
            looking.spawn(async move {
                if let Err(error) = node.look_at_log(oracle).await {
                    tracing::info!(%oracle, %error, "the oracle's log could not be compared");
                }
                false
            });
        }
        while !looking.is_empty() {
            joined(looking.join_next().await);
        }
    }

    async fn look_at_log(&self, oracle: Hex32) -> Result<(), NodeError> {
        let Ok(shown) = tokio::time::timeout(LOOK_LIMIT, self.ask_for_log(oracle)).await else {
            tracing::info!(%oracle, "the oracle did not show its log in time");
            return Ok(());
        };
        let Some(shown) = shown? else { return Ok(()) };
        let now = self.now();
        self.core.lock().await.take_sight(shown, now).await
    }

    /// `None` where it has no log, as oracles other than ours, or one that it did not sign for.
    async fn ask_for_log(&self, oracle: Hex32) -> Result<Option<Shown>, NodeError> {
        let client = self.oracle(oracle)?;
        let Some(info) = client.log().await? else { return Ok(None) };
        let Some(key_signature) = info.signature_by(oracle) else {
            tracing::warn!(%oracle, "the oracle's server shows a log that this key did not sign for");
            return Ok(None);
        };
        let kept = self.core.lock().await.kept_sight(oracle, &info.public_key).await?;
        let from = kept.as_ref().map_or(Ok(0), |kept| open(kept).map(|kept| kept.size))?;
        let Some(growth) = client.log_growth(from).await? else { return Ok(None) };
        let (log_key, checkpoint) = (info.public_key, growth.checkpoint.clone());
        Ok(Some(Shown { kept, sight: LogSight { oracle, log_key, key_signature, checkpoint }, growth }))
    }
}

impl Core {
    /// The oracles of live escrows whose logs were not looked at for a while.
    fn logs_due(&mut self, now: u64) -> Vec<Hex32> {
        let live = self.escrows.values().filter(|escrow| !escrow.noted.is_final());
        let keys: BTreeSet<Hex32> =
            live.flat_map(|escrow| escrow.agreement().oracles.keys.iter().copied()).collect();
        let configured = |key: &Hex32| self.config.oracles.iter().any(|oracle| oracle.key == *key);
        let keys: Vec<Hex32> = keys.into_iter().filter(configured).collect();
        keys.into_iter().filter(|key| self.pace.is_log_due(*key, now, LOOK_EVERY_S)).collect()
    }

    async fn kept_sight(&self, oracle: Hex32, log_key: &str) -> Result<Option<LogSight>, NodeError> {
        let kept = self.store.kept_checkpoint(oracle, log_key).await?;
        kept.map(|json| read(&json)).transpose()
    }

    /// Keeps a checkpoint that goes on from what was kept, and raises an alarm about one that does not.
    async fn take_sight(&mut self, shown: Shown, now: u64) -> Result<(), NodeError> {
        let Shown { kept, sight, growth } = shown;
        let newer = open(&sight)?;
        let Some(kept) = kept else {
            // An empty log binds nobody.
            return if newer.size == 0 { Ok(()) } else { self.keep_checkpoint(&sight, now).await };
        };
        match contradiction(&kept, &sight, &growth)? {
            None if kept == sight => Ok(()),
            None => self.keep_checkpoint(&sight, now).await,
            Some(found) => self.note_contradiction(found, now).await,
        }
    }

    async fn keep_checkpoint(&mut self, sight: &LogSight, now: u64) -> Result<(), NodeError> {
        let (oracle, log_key) = (sight.oracle, sight.log_key.clone());
        let checkpoint = Some(KeptCheckpoint { oracle, log_key, json: written(sight)? });
        self.commit(Change { checkpoint, ..Change::default() }, now).await
    }

    async fn note_contradiction(&mut self, found: LogContradiction, at: u64) -> Result<(), NodeError> {
        let (oracle, proven) = (found.shown.oracle, found.proven);
        let known = self.store.log_contradictions().await?;
        if known.iter().any(|known| known.oracle == oracle && (known.proven || !proven)) {
            return Ok(());
        }
        let contradiction = Some(StoredContradiction { oracle, proven, json: written(&found)?, at });
        self.commit(Change { contradiction, ..Change::default() }, at).await?;
        tracing::error!(%oracle, proven, "ALARM: this oracle's log does not go on from a checkpoint that it signed");
        Ok(())
    }

    /// What oracles' logs contradict, as alarms.
    pub(crate) async fn log_alarms(&self) -> Result<Vec<Alarm>, NodeError> {
        let alarm = |found: StoredContradiction| {
            Ok(Alarm {
                kind: AlarmKind::ForkedLog,
                escrow_id: String::new(),
                detail: String::new(),
                oracle: Some(found.oracle),
                at: UnixSeconds(found.at),
                proof: Vec::new(),
                log: Some(Box::new(read(&found.json)?)),
            })
        };
        self.store.log_contradictions().await?.into_iter().map(alarm).collect()
    }
}

fn open(sight: &LogSight) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::open(&sight.log_key, &sight.checkpoint)
}

/// What does not go together, where anything does not.
fn contradiction(
    kept: &LogSight,
    shown: &LogSight,
    growth: &LogGrowth,
) -> Result<Option<LogContradiction>, CheckpointError> {
    let proof: Vec<_> = growth.proof.iter().map(|hash| hash.0).collect();
    let said = Growth { root: growth.root.as_ref().map(|root| &root.0), proof: &proof };
    let relation = evidence::compare(&open(kept)?, &open(shown)?, said);
    // One oracle has one log, whatever becomes of its own key.
    let other_log = kept.log_key != shown.log_key;
    if relation == Relation::GoesOn && !other_log {
        return Ok(None);
    }
    let changed = relation == Relation::Changed && !other_log;
    Ok(Some(LogContradiction {
        kept: kept.clone(),
        shown: shown.clone(),
        root: growth.root.filter(|_| changed),
        proof: if changed { growth.proof.clone() } else { Vec::new() },
        proven: changed || other_log,
    }))
}

fn written<T: serde::Serialize>(shape: &T) -> Result<String, NodeError> {
    serde_json::to_string(shape).map_err(|_| NodeError::Damaged { what: "checkpoint" })
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, NodeError> {
    serde_json::from_str(json).map_err(|_| NodeError::Damaged { what: "checkpoint" })
}

#[cfg(test)]
mod tests {
    use evidence::log::{Stored, prove_consistency, root_of};
    use evidence::{Log, LogKey};
    use protocol::Hex64;

    use super::*;

    /// A log of so many entries of one history, seen under a key, and what it answers whoever kept 5 entries.
    fn seen(seed: u8, history: &str, size: u64) -> (LogSight, LogGrowth) {
        let (mut log, mut stored) = (Log::default(), Stored::new());
        for index in 0..size {
            stored.extend(log.append(format!("{history} {index}").as_bytes()).expect("there is room"));
        }
        let key = LogKey::from_seed("earnest-oracle/test", &[seed; 32]).expect("a name");
        let checkpoint = key.sign(size, &log.root()).expect("signs");
        let root = (size >= 5).then(|| Hex32(root_of(5, &stored).expect("is there")));
        let proof = prove_consistency(size, 5, &stored).unwrap_or_default().into_iter().map(Hex32).collect();
        let (log_key, key_signature) = (key.public().to_owned(), Hex64([0; 64]));
        let sight =
            LogSight { oracle: Hex32([1; 32]), log_key, key_signature, checkpoint: checkpoint.clone() };
        (sight, LogGrowth { checkpoint, root, proof })
    }

    /// Whether what is shown now contradicts five entries of the first history, and proves it.
    fn found(seed: u8, history: &str, size: u64) -> Option<bool> {
        let (shown, growth) = seen(seed, history, size);
        contradiction(&seen(1, "first", 5).0, &shown, &growth).expect("is signed").map(|found| found.proven)
    }

    #[test]
    fn a_log_may_stay_or_grow() {
        for size in [5, 6, 300] {
            assert_eq!(found(1, "first", size), None, "{size}");
        }
    }

    #[test]
    fn one_that_changed_or_has_another_key_is_proven_and_one_that_shrank_is_noted() {
        for (seed, history, size) in [(1, "second", 5), (1, "second", 9), (2, "first", 9), (2, "first", 5)] {
            assert_eq!(found(seed, history, size), Some(true), "{seed} {history} {size}");
        }
        assert_eq!(found(1, "first", 4), Some(false));
    }

    #[test]
    fn what_is_noted_is_bounded_whatever_the_server_answers() {
        let (shown, mut growth) = seen(1, "second", 9);
        growth.proof = vec![Hex32([7; 32]); 10_000];
        let noted = contradiction(&seen(1, "first", 5).0, &shown, &growth).expect("is signed");
        let noted = noted.expect("is not shown to go on");
        assert_eq!((noted.proven, noted.root, noted.proof.len()), (false, None, 0));
    }

    #[test]
    fn a_checkpoint_that_its_log_did_not_sign_is_no_sight_at_all() {
        let (mut shown, growth) = seen(1, "first", 9);
        shown.checkpoint = seen(2, "first", 9).0.checkpoint;
        let refused = contradiction(&seen(1, "first", 5).0, &shown, &growth);
        assert_eq!(refused, Err(CheckpointError::Signature));
    }
}
