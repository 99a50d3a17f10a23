//! What an owner should know of its oracles: those that contradicted themselves, with the proof.

use engine::Event;
use protocol::HexBytes;
use protocol::owner::{Alarm, AlarmKind, LearnedOutcome};
use storage::StoredEvent;
use terms::{Hex32, UnixSeconds};

use crate::core::Core;
use crate::error::NodeError;
use crate::views::shown;

impl Core {
    /// All alarms of all escrows, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn alarms(&self) -> Result<Vec<Alarm>, NodeError> {
        let doubtful = |escrow: &&engine::Escrow| {
            !escrow.oracles.contradictions.is_empty() || !escrow.oracles.changed.is_empty()
        };
        let mut alarms = Vec::new();
        for escrow in self.escrows.values().filter(doubtful) {
            alarms.extend(self.alarms_in(escrow.id(), &self.store.events(escrow.id()).await?)?);
        }
        alarms.sort_by_key(|alarm| std::cmp::Reverse(alarm.at));
        Ok(alarms)
    }

    /// The alarms in one escrow's history, the oldest first.
    pub(crate) fn alarms_in(&self, id: Hex32, history: &[StoredEvent]) -> Result<Vec<Alarm>, NodeError> {
        let escrow = self.escrow(id)?;
        let mut alarms = Vec::new();
        for stored in history {
            if !matches!(stored.name.as_str(), "equivocated" | "announcement_changed") {
                continue;
            }
            let event: Event =
                serde_json::from_str(&stored.json).map_err(|_| NodeError::Damaged { what: "event" })?;
            let hex = |bytes: &engine::Bytes| HexBytes(bytes.0.clone());
            let (kind, place, proof) = match &event {
                Event::Equivocated { oracle, attestations } => {
                    (AlarmKind::Equivocation, *oracle, attestations.iter().map(hex).collect())
                }
                Event::AnnouncementChanged { oracle, announcement } => {
                    let agreed = escrow.opened.announcements.get(*oracle);
                    let both = agreed.into_iter().chain([announcement]);
                    (AlarmKind::ChangedAnnouncement, *oracle, both.map(hex).collect())
                }
                _ => continue,
            };
            let escrow_id = id.to_string();
            let at = UnixSeconds(stored.at);
            let keys = &escrow.agreement().oracles.keys;
            alarms.extend(keys.get(place).map(|key| Alarm { kind, escrow_id, oracle: *key, at, proof }));
        }
        Ok(alarms)
    }

    /// What a CET gave away where the attestations never came.
    pub(crate) fn learned_in(&self, id: Hex32, history: &[StoredEvent]) -> Option<LearnedOutcome> {
        let escrow = self.escrow(id).ok()?;
        let stored = history.iter().find(|stored| stored.name == "secret_learned")?;
        let Event::SecretLearned { txid, oracles, words, .. } = serde_json::from_str(&stored.json).ok()?
        else {
            return None;
        };
        let (from, to) = escrow.agreement().measurement.outcome.covered(&words)?;
        let keys = &escrow.agreement().oracles.keys;
        let oracles = oracles.iter().filter_map(|place| keys.get(*place).copied()).collect();
        Some(LearnedOutcome { txid: shown(txid), oracles, from, to })
    }
}
