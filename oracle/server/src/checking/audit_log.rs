//! Everything that an oracle ever published, checked against its log.

use std::collections::BTreeSet;
use std::path::Path;

use evidence::{Checkpoint, CheckpointError};
use protocol::oracle::{EventPage, LogInfo, OracleInfo, OracleKeyInfo};
use secp256k1_zkp::XOnlyPublicKey;
use secp256k1_zkp::schnorr::Signature;
use serde_json::{Value, json};
use signer::Rotation;
use terms::{EventId, Hex32};

use super::event::{self, EventError, Shown};
use super::kept::{Kept, KeptError};
use super::progress::Progress;
use super::said::Said;
use super::source::{Source, SourceError};
use super::walk::{Walk, WalkError};

const MAX_TEXT: usize = 4 << 20;

/// Where an oracle's published word breaks.
#[derive(Debug, thiserror::Error)]
pub enum LogAuditError {
    /// It can't be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The oracle's key is none.
    #[error("/pubkey: is no key")]
    Key,
    /// The oracle says that it had another key before, and one of the two did not sign that.
    #[error(
        "/v1/info, keys[{place}]: the key before it and this one did not both sign that it takes that one's place"
    )]
    Rotation {
        /// The later key's place.
        place: usize,
    },
    /// The log's key is not signed by the oracle's.
    #[error("/v1/log, key_signature: is not the oracle's over this log's key")]
    LogKey,
    /// The checkpoint is not one.
    #[error("/checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The log can't be walked.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// The kept file.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The log is not the one that was kept, grown.
    #[error("{}", in_words(.0))]
    Contradicted(Box<Contradiction>),
    /// An event does not hold.
    #[error("{event}: {error}")]
    Event {
        /// The event.
        event: EventId,
        /// What is wrong.
        error: EventError,
    },
    /// The server shows something that the log lacks.
    #[error("{event}: the server shows its {what}, and the log does not have it")]
    NotLogged {
        /// The event.
        event: EventId,
        /// `closed window` or `attestation`.
        what: &'static str,
    },
}

/// Two checkpoints of one log that do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The log's key.
    pub log_key: String,
    /// The oracle's signature over it, hex.
    pub key_signature: String,
    /// The one that was kept.
    pub kept: String,
    /// The one that the server shows now.
    pub shown: String,
    /// The log has become smaller, which may be an old page of a cache; otherwise it is another log with the same name,
    /// which its key alone could make.
    pub shrank: bool,
}

fn in_words(contradiction: &Contradiction) -> String {
    let what = if contradiction.shrank {
        "the log has become smaller: it shows fewer entries than it once signed (an old page of a cache would look the same)"
    } else {
        "the log was changed: it does not begin with the entries that it once signed, and both checkpoints are signed with \
         its key"
    };
    let Contradiction { kept, shown, .. } = contradiction;
    format!("{what}. Kept:\n\n{kept}\nShown now:\n\n{shown}")
}

impl Contradiction {
    /// For whoever wants to show it to others.
    pub fn json(&self) -> Value {
        json!({
            "log_key": self.log_key, "key_signature": self.key_signature, "shrank": self.shrank,
            "checkpoints": [self.kept, self.shown],
        })
    }
}

/// What was found good.
#[derive(Debug)]
pub struct LogAudit {
    oracle: Hex32,
    checkpoint: Checkpoint,
    new_entries: u64,
    /// Events that were checked now, those of them that are attested, and those that were checked at an earlier time.
    events: [usize; 3],
    nonces: usize,
}

impl LogAudit {
    /// What it comes to, for a person.
    pub fn explain(&self) -> String {
        let [now, attested, before] = self.events;
        format!(
            "The log {} has {} entries, {} of them new; they give the root of the checkpoint that it signed, and go on from \
             the one that was kept, if any.\n\
             {now} events hold, {attested} of them attested; {before} more were checked at an earlier time and are over.\n\
             Their samples give the slices, roots and outcomes that stand in the log, and each attestation is that of its \
             outcome.\n\
             No nonce stands in two announcements: {} were compared.\n\
             Compare the oracle's key (the first one, if it has changed it) with the one you trust: {}",
            self.checkpoint.origin, self.checkpoint.size, self.new_entries, self.nonces, self.oracle,
        )
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let [now, attested, before] = self.events;
        json!({
            "holds": true,
            "oracle": self.oracle,
            "log": self.checkpoint.origin,
            "entries": self.checkpoint.size,
            "new_entries": self.new_entries,
            "events": { "checked": now, "attested": attested, "over_before": before },
            "nonces": self.nonces,
        })
    }
}

/// Audits the oracle at `url`. With `keep` it goes on from what that file says, and the file is replaced when all is well.
///
/// # Errors
/// Says what does not hold, and where.
pub async fn audit(url: &str, keep: Option<&Path>) -> Result<LogAudit, LogAuditError> {
    let progress = Progress::new();
    let oracle = Oracle::at(url).await?;
    let kept = keep.map(Kept::read).transpose()?.flatten();
    if let Some(kept) = &kept {
        kept.is_of(oracle.hex_key(), &oracle.log.public_key)?;
    }
    let (text, checkpoint) = oracle.checkpoint().await?;
    let mut walk = oracle.walk(kept.as_ref(), (&text, &checkpoint), &progress).await?;
    let mut next = Kept::of(&walk, oracle.hex_key(), &oracle.log.public_key, &text);
    let checked = oracle.events(&mut walk, kept.as_ref(), &mut next, &progress).await?;
    if let Some(path) = keep {
        next.write(path)?;
    }
    let before = kept.as_ref().map_or(Ok(0), |kept| kept.checkpoint().map(|checkpoint| checkpoint.size))?;
    Ok(LogAudit {
        oracle: oracle.hex_key(),
        new_entries: checkpoint.size - before,
        checkpoint,
        events: [checked.events, checked.attested, kept.map_or(0, |kept| kept.events.over.len())],
        nonces: checked.nonces,
    })
}

struct Checked {
    events: usize,
    attested: usize,
    nonces: usize,
}

/// An oracle whose log's key it signed.
struct Oracle {
    source: Source,
    /// All its keys, oldest first; each was named by the one before. The last is its present one.
    keys: Vec<XOnlyPublicKey>,
    log: LogInfo,
}

impl Oracle {
    async fn at(url: &str) -> Result<Self, LogAuditError> {
        let source = Source::new(url)?;
        let said: Value = source.json("/pubkey", MAX_TEXT).await?;
        let key = said["pubkey"].as_str().and_then(|text| text.parse().ok()).ok_or(LogAuditError::Key)?;
        let log: LogInfo = source.json("/v1/log", MAX_TEXT).await?;
        let signature: Signature = log.key_signature.parse().map_err(|_| LogAuditError::LogKey)?;
        if !signer::check_log_key(&key, &log.public_key, &signature) {
            return Err(LogAuditError::LogKey);
        }
        let info: OracleInfo = source.json("/v1/info", MAX_TEXT).await?;
        Ok(Self { keys: keys_of(key, &info)?, source, log })
    }

    /// The key by which it was first known.
    fn hex_key(&self) -> Hex32 {
        self.keys.first().map_or(Hex32([0; 32]), |key| Hex32(key.serialize()))
    }

    async fn checkpoint(&self) -> Result<(String, Checkpoint), LogAuditError> {
        let bytes = self.source.get("/checkpoint", MAX_TEXT).await?;
        let text = String::from_utf8(bytes).map_err(|_| CheckpointError::Format)?;
        let checkpoint = Checkpoint::open(&self.log.public_key, &text)?;
        Ok((text, checkpoint))
    }

    /// Walks from what was kept to the newest checkpoint.
    async fn walk(
        &self,
        kept: Option<&Kept>,
        (text, checkpoint): (&str, &Checkpoint),
        progress: &Progress,
    ) -> Result<Walk, LogAuditError> {
        let Some(kept) = kept else {
            return self.walk_whole(checkpoint, None, progress).await.map(|(walk, _)| walk);
        };
        let older = kept.checkpoint()?;
        if checkpoint.size < older.size {
            return Err(self.contradicted(kept, text, true));
        }
        let mut walk = kept.walk()?;
        let failed = match walk.to(&self.source, checkpoint, |walk| progress.entry(walk, checkpoint)).await {
            Ok(()) => return Ok(walk),
            Err(WalkError::Source(error)) => return Err(error.into()),
            Err(failed) => failed,
        };
        // Either the entries are not those of the new checkpoint, or they are and the kept one was about others. Walking
        // everything tells.
        match self.walk_whole(checkpoint, Some(older.size), progress).await {
            Ok((_, root)) if root != Some(older.root) => Err(self.contradicted(kept, text, false)),
            Ok(_) => Err(failed.into()),
            Err(error) => Err(error),
        }
    }

    /// The whole log, and its root at an earlier size.
    async fn walk_whole(
        &self,
        checkpoint: &Checkpoint,
        older: Option<u64>,
        progress: &Progress,
    ) -> Result<(Walk, Option<evidence::Digest>), LogAuditError> {
        let (mut walk, mut root) = (Walk::default(), None);
        let at = |walk: &Walk| {
            progress.entry(walk, checkpoint);
            if Some(walk.log.size()) == older {
                root = Some(walk.log.root());
            }
        };
        walk.to(&self.source, checkpoint, at).await?;
        Ok((walk, root))
    }

    fn contradicted(&self, kept: &Kept, shown: &str, shrank: bool) -> LogAuditError {
        LogAuditError::Contradicted(Box::new(Contradiction {
            log_key: self.log.public_key.clone(),
            key_signature: self.log.key_signature.clone(),
            kept: kept.checkpoint.clone(),
            shown: shown.to_owned(),
            shrank,
        }))
    }

    /// Checks every event that is not over, and notes those that are over now.
    async fn events(
        &self,
        walk: &mut Walk,
        kept: Option<&Kept>,
        next: &mut Kept,
        progress: &Progress,
    ) -> Result<Checked, LogAuditError> {
        let mut ids = self.event_ids().await?;
        ids.extend(walk.events.open.keys().cloned());
        next.nonces = kept.map(|kept| kept.nonces.clone()).unwrap_or_default();
        let (mut nonces, mut ahead) = (next.nonces.clone(), Vec::new());
        let mut checked = Checked { events: 0, attested: 0, nonces: 0 };
        let all = ids.difference(&walk.events.over).cloned().collect::<Vec<_>>();
        for (number, id) in all.iter().enumerate() {
            progress.event(number, all.len());
            let said = walk.events.open.get(id).cloned().unwrap_or_default();
            let shown = event::check(&self.source, &self.keys, id, &said, &mut nonces)
                .await
                .map_err(|error| LogAuditError::Event { event: id.clone(), error })?;
            checked.events += 1;
            checked.attested += usize::from(said.attested.is_some());
            if said.attested.is_some() {
                next.nonces.extend(shown.nonces.iter().map(|nonce| (*nonce, id.clone())));
                next.events.open.remove(id);
                next.events.over.insert(id.clone());
            }
            ahead.extend(is_ahead(&shown, &said).then(|| (id.clone(), shown)));
        }
        self.look_again(walk, ahead, progress).await?;
        checked.nonces = nonces.len();
        Ok(checked)
    }

    /// The log may have grown since its checkpoint was read. What was shown meanwhile must be in it by now.
    async fn look_again(
        &self,
        walk: &mut Walk,
        ahead: Vec<(EventId, Shown)>,
        progress: &Progress,
    ) -> Result<(), LogAuditError> {
        if ahead.is_empty() {
            return Ok(());
        }
        let (_, checkpoint) = self.checkpoint().await?;
        walk.to(&self.source, &checkpoint, |walk| progress.entry(walk, &checkpoint)).await?;
        for (event, shown) in ahead {
            let said = walk.events.open.get(&event).cloned().unwrap_or_default();
            let what = match (&said.closed, said.attested == shown.attested) {
                (None, _) => "closed window",
                (_, false) => "attestation",
                (Some(_), true) => continue,
            };
            return Err(LogAuditError::NotLogged { event, what });
        }
        Ok(())
    }

    async fn event_ids(&self) -> Result<BTreeSet<EventId>, LogAuditError> {
        let (mut ids, mut query) = (BTreeSet::new(), String::new());
        loop {
            let page: EventPage = self.source.json(&format!("/v1/events{query}"), MAX_TEXT).await?;
            let (before, there) = (ids.len(), page.next);
            ids.extend(page.events.into_iter().map(|event| event.event_id));
            // A page without news would lead round in a circle.
            let Some(next) = there.filter(|_| ids.len() > before) else { return Ok(ids) };
            query = format!("?before={next}");
        }
    }
}

/// The oracle's keys, oldest first, down to the present one.
fn keys_of(present: XOnlyPublicKey, info: &OracleInfo) -> Result<Vec<XOnlyPublicKey>, LogAuditError> {
    if info.keys.is_empty() {
        return Ok(vec![present]);
    }
    let mut keys = Vec::new();
    for (place, said) in info.keys.iter().enumerate() {
        let key = XOnlyPublicKey::from_slice(&said.pubkey.0).map_err(|_| LogAuditError::Key)?;
        if keys.last().is_some_and(|before| !takes_the_place(before, &key, said)) {
            return Err(LogAuditError::Rotation { place });
        }
        keys.push(key);
    }
    if keys.last() == Some(&present) { Ok(keys) } else { Err(LogAuditError::Key) }
}

fn takes_the_place(before: &XOnlyPublicKey, key: &XOnlyPublicKey, said: &OracleKeyInfo) -> bool {
    let Some(rotation) = &said.rotation else { return false };
    let signatures = (&rotation.signature.0, &rotation.acceptance.0);
    Rotation::stated((&before.serialize(), &key.serialize()), rotation.since.0, signatures).is_some()
}

/// Does an event show more than the log had when it was walked?
fn is_ahead(shown: &Shown, said: &Said) -> bool {
    (shown.closed && said.closed.is_none()) || shown.attested != said.attested
}
