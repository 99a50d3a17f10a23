//! What an owner should look at: oracles that contradicted themselves or changed their logs, with the proof, and money spent
//! by nothing that was agreed.

use engine::{Bytes, Escrow, Event, SpendKind};
use protocol::HexBytes;
use protocol::owner::{Alarm, AlarmKind, LearnedOutcome};
use storage::{NoticeRow, StoredEvent};
use terms::{Hex32, UnixSeconds};

use crate::core::Core;
use crate::error::NodeError;
use crate::views::shown;

/// So many of those that belong to no escrow are told, the newest.
const SHOWN_NOTICES: u64 = 200;

impl Core {
    /// All alarms of all escrows and of the mandate, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn alarms(&self) -> Result<Vec<Alarm>, NodeError> {
        let doubtful = |escrow: &&Escrow| {
            let oracles = &escrow.oracles;
            !oracles.contradictions.is_empty() || !oracles.changed.is_empty() || escrow.was_misspent
        };
        let mut alarms = Vec::new();
        for escrow in self.escrows.values().filter(doubtful) {
            alarms.extend(self.alarms_in(escrow.id(), &self.store.events(escrow.id()).await?)?);
        }
        alarms.extend(self.notices().await?);
        alarms.extend(self.log_alarms().await?);
        alarms.sort_by_key(|alarm| std::cmp::Reverse(alarm.at));
        Ok(alarms)
    }

    /// What belongs to no escrow: limits, and questions to the owner.
    async fn notices(&self) -> Result<Vec<Alarm>, NodeError> {
        let rows = self.store.notices(SHOWN_NOTICES).await?;
        let alarm = |row: NoticeRow| {
            let kind = serde_json::from_value(row.kind.into()).ok()?;
            let at = UnixSeconds(row.at);
            Some(Alarm {
                kind,
                escrow_id: String::new(),
                oracle: None,
                at,
                proof: Vec::new(),
                detail: row.detail,
                log: None,
            })
        };
        Ok(rows.into_iter().filter_map(alarm).collect())
    }

    /// The alarms in one escrow's history, the oldest first.
    pub(crate) fn alarms_in(&self, id: Hex32, history: &[StoredEvent]) -> Result<Vec<Alarm>, NodeError> {
        let escrow = self.escrow(id)?;
        let mut alarms = Vec::new();
        for stored in history {
            if !matches!(stored.name.as_str(), "equivocated" | "announcement_changed" | "spend_seen") {
                continue;
            }
            let event: Event =
                serde_json::from_str(&stored.json).map_err(|_| NodeError::Damaged { what: "event" })?;
            let Some((kind, oracle, proof)) = alarming(escrow, &event) else { continue };
            let (escrow_id, at) = (id.to_string(), UnixSeconds(stored.at));
            alarms.push(Alarm { kind, escrow_id, oracle, at, proof, detail: String::new(), log: None });
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

/// What of an event is alarming: its kind, the oracle, and what shows it.
pub(crate) fn alarming(escrow: &Escrow, event: &Event) -> Option<(AlarmKind, Option<Hex32>, Vec<HexBytes>)> {
    let key = |place: &usize| escrow.agreement().oracles.keys.get(*place).copied();
    let hex = |bytes: &Bytes| HexBytes(bytes.0.clone());
    match event {
        Event::Equivocated { oracle, attestations } => {
            Some((AlarmKind::Equivocation, Some(key(oracle)?), attestations.iter().map(hex).collect()))
        }
        Event::AnnouncementChanged { oracle, announcement } => {
            let both = escrow.opened.announcements.get(*oracle).into_iter().chain([announcement]);
            Some((AlarmKind::ChangedAnnouncement, Some(key(oracle)?), both.map(hex).collect()))
        }
        Event::SpendSeen { kind: SpendKind::Unknown, tx, .. } => {
            Some((AlarmKind::UnknownSpend, None, vec![hex(tx)]))
        }
        _ => None,
    }
}
