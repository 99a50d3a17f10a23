//! Writing to the target: records are made under the node's lock, and written outside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use backup::{
    BackupError, BackupKey, EnvelopeRecord, EscrowRecord, EventRecord, Folder, Live, NodeRecord, WalletPlace,
};
use crashpoint::here;
use storage::{Fact, Store};
use terms::Hex32;
use tokio::sync::OwnedSemaphorePermit;

use super::{Keeper, breaches};
use crate::core::Core;
use crate::error::NodeError;
use crate::node::Node;

/// How long one batch may take in real time. A share whose server is gone can block a write for ever.
const PATIENCE: Duration = Duration::from_secs(20);
/// Records in one batch, which is what is held in memory.
const BATCH: usize = 8;

/// Why the target did not acknowledge.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Target(#[from] BackupError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(
        "the target knows more than this data folder (escrow {escrow}: revision {there} there, {here} here); the \
         folder is an old copy: stop the node, and run `earnest restore`"
    )]
    Ahead { escrow: Hex32, there: u64, here: u64 },
    #[error("the last write to the target has not ended")]
    StillWriting,
    #[error("the target took longer than {} s", PATIENCE.as_secs())]
    TooLong,
    #[error("writing to the target failed")]
    Panicked,
}

/// Sealed records on their way.
struct Batch {
    records: Vec<Kept>,
    node: Vec<u8>,
    key_file: String,
    folder: Folder,
}

/// One of them.
struct Kept {
    escrow: Hex32,
    change: u64,
    revision: u64,
    signed: bool,
    file: String,
    sealed: Vec<u8>,
}

impl Node {
    /// Brings the backup target up to date. Returns whether anything that was held may leave now.
    pub(crate) async fn back_up(&self) -> bool {
        let _turn = self.backing_up.lock().await;
        let mut freed = false;
        loop {
            match self.keep_some().await {
                Ok(None) => return freed,
                Ok(Some(some_freed)) => freed |= some_freed,
                Err(error) => {
                    self.core.lock().await.note_trouble(&error);
                    return freed;
                }
            }
        }
    }

    /// Keeps a batch. `None` when there was nothing to do.
    async fn keep_some(&self) -> Result<Option<bool>, KeepError> {
        let Some((folder, key_file)) = self.core.lock().await.to_keep() else { return Ok(None) };
        if !self.core.lock().await.compared() {
            let reading = folder.clone();
            let node = self.at_target(move || reading.get(&key_file)).await?;
            self.core.lock().await.compare(node).await?;
        }
        let Some(batch) = self.core.lock().await.batch().await? else { return Ok(None) };
        here!("backup.before");
        let batch = self.at_target(move || batch.write()).await?;
        here!("backup.acknowledged");
        Ok(Some(self.core.lock().await.kept(&batch).await?))
    }

    /// Does something at the target, on a thread of its own and for a limited time. One that never ends keeps its
    /// permit, so that no second one waits beside it.
    async fn at_target<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
    ) -> Result<T, KeepError> {
        let permit = Arc::clone(&self.target_thread).try_acquire_owned();
        let permit: OwnedSemaphorePermit = permit.map_err(|_| KeepError::StillWriting)?;
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        let ended = tokio::time::timeout(PATIENCE, working).await.map_err(|_| KeepError::TooLong)?;
        Ok(ended.map_err(|_| KeepError::Panicked)??)
    }
}

impl Batch {
    /// The records first, then the node's own record, which tells their revisions.
    fn write(self) -> Result<Self, BackupError> {
        for record in &self.records {
            self.folder.put(&record.file, &record.sealed)?;
        }
        here!("backup.within");
        self.folder.put(&self.key_file, &self.node)?;
        Ok(self)
    }
}

impl Core {
    /// Target and file of the node's own record, where there is anything to keep.
    fn to_keep(&self) -> Option<(Folder, String)> {
        let keeper = self.keeper.as_ref()?;
        let waits = !keeper.changed.is_empty() || !keeper.introduced;
        waits.then(|| (keeper.folder.clone(), keeper.key.node_file()))
    }

    fn compared(&self) -> bool {
        self.keeper.as_ref().is_none_or(|keeper| keeper.compared)
    }

    /// A folder that was rolled back must not replace what the target has, nor sign anything.
    async fn compare(&mut self, node: Option<Vec<u8>>) -> Result<(), KeepError> {
        let Some(keeper) = &mut self.keeper else { return Ok(()) };
        let mut listed = BTreeMap::new();
        if let Some(sealed) = node {
            let record = NodeRecord::open(&keeper.key, &sealed, &self.config.network)?;
            let given_up = given_up(&self.store).await?;
            let known = record.escrows.into_iter().filter(|live| !given_up.contains(&live.escrow));
            for Live { escrow, revision: there } in known {
                let here = record_of(&self.store, &self.config.network, escrow).await?;
                let here = here.map_or(0, |record| record.revision());
                if here < there {
                    return Err(KeepError::Ahead { escrow, there, here });
                }
                listed.insert(escrow, there);
            }
        }
        keeper.listed = listed;
        keeper.compared = true;
        Ok(())
    }

    /// The next records to keep.
    async fn batch(&mut self) -> Result<Option<Batch>, KeepError> {
        let Some(keeper) = &self.keeper else { return Ok(None) };
        let next: Vec<(Hex32, u64)> = keeper.changed.iter().take(BATCH).map(|(id, at)| (*id, *at)).collect();
        if next.is_empty() && keeper.introduced {
            return Ok(None);
        }
        let mut records = Vec::new();
        for (escrow, change) in next {
            let record = record_of(&self.store, &self.config.network, escrow).await?;
            let record = record.ok_or(NodeError::NotFound { what: "session" })?;
            let signed = self.escrows.get(&escrow).is_some_and(|escrow| escrow.sign.is_some());
            let (revision, file) = (record.revision(), keeper.key.escrow_file(escrow));
            let sealed = record.seal(&keeper.key)?;
            records.push(Kept { escrow, change, revision, signed, file, sealed });
        }
        let node = self.node_record(keeper, &records).await?.seal(&keeper.key)?;
        let (key_file, folder) = (keeper.key.node_file(), keeper.folder.clone());
        // What is noted while this is on its way is for the next one.
        if let Some(keeper) = &mut self.keeper {
            keeper.introduced = true;
        }
        Ok(Some(Batch { records, node, key_file, folder }))
    }

    async fn node_record(&self, keeper: &Keeper, records: &[Kept]) -> Result<NodeRecord, NodeError> {
        let mut listed = keeper.listed.clone();
        listed.extend(records.iter().map(|record| (record.escrow, record.revision)));
        listed.retain(|id, _| self.escrows.contains_key(id) && !self.archived.contains(id));
        let (receive_index, change_index) = self.wallet.last_indexes();
        let identity = self.store.fact(Fact::IdentityIndex).await?;
        Ok(NodeRecord {
            v: NodeRecord::VERSION,
            network: self.config.network.clone(),
            key: self.keys.public(),
            identity_index: identity.and_then(|index| index.parse().ok()).unwrap_or(0),
            wallet: WalletPlace { birth_height: self.wallet.birth_height(), receive_index, change_index },
            escrows: listed.into_iter().map(|(escrow, revision)| Live { escrow, revision }).collect(),
            breaches: breaches::known(&self.store).await?,
        })
    }

    /// Notes what the target has acknowledged. Returns whether any of it was held.
    async fn kept(&mut self, batch: &Batch) -> Result<bool, KeepError> {
        let Some(keeper) = &mut self.keeper else { return Ok(false) };
        let newly = batch.records.iter().filter(|kept| kept.signed && !keeper.safe.contains(&kept.escrow));
        let newly: Vec<Hex32> = newly.map(|kept| kept.escrow).collect();
        if !newly.is_empty() {
            let mut tx = self.store.begin().await.map_err(NodeError::from)?;
            for escrow in &newly {
                tx.note_backed_up(*escrow).await.map_err(NodeError::from)?;
            }
            tx.commit().await.map_err(NodeError::from)?;
            here!("backup.noted");
        }
        keeper.safe.extend(&newly);
        for kept in &batch.records {
            keeper.listed.insert(kept.escrow, kept.revision);
            // What changed meanwhile is still to be kept.
            if keeper.changed.get(&kept.escrow) == Some(&kept.change) {
                keeper.changed.remove(&kept.escrow);
            }
        }
        if keeper.trouble.take().is_some() {
            tracing::info!(target_folder = %keeper.folder.path().display(), "the backup target answers again");
        }
        Ok(!newly.is_empty())
    }

    /// Said once, until it changes.
    fn note_trouble(&mut self, error: &KeepError) {
        let Some(keeper) = &mut self.keeper else { return };
        keeper.introduced = false;
        let reason = error.to_string();
        if keeper.trouble.as_ref() != Some(&reason) {
            tracing::error!(%error, "the backup is behind: no funding signature leaves until the target acknowledges");
        }
        keeper.trouble = Some(reason);
    }
}

/// An escrow as the database has it; `None` when it has no such session.
pub(crate) async fn record_of(
    store: &Store,
    network: &str,
    escrow: Hex32,
) -> Result<Option<EscrowRecord>, NodeError> {
    let Some(session) = store.session(escrow).await? else { return Ok(None) };
    let events = store.events(escrow).await?;
    let events = events.into_iter().map(|row| EventRecord {
        seq: row.seq,
        at: row.at,
        name: row.name,
        json: row.json,
    });
    let mut envelopes = Vec::new();
    for row in store.transcript(escrow).await? {
        let text = String::from_utf8(row.bytes).map_err(|_| NodeError::Damaged { what: "envelope" })?;
        envelopes.push(EnvelopeRecord {
            seq: row.seq,
            id: row.id,
            ours: row.ours,
            delivered: row.delivered,
            text,
        });
    }
    Ok(Some(EscrowRecord {
        v: EscrowRecord::VERSION,
        network: network.to_owned(),
        escrow,
        counterparty: session.counterparty,
        peer_url: session.peer_url,
        offer_id: session.offer_id,
        renews: session.escrow,
        announcements: session.announcements.iter().map(hex::encode).collect(),
        envelopes,
        events: events.collect(),
    }))
}

/// The escrows that the owner went on without when this folder was restored.
async fn given_up(store: &Store) -> Result<Vec<Hex32>, NodeError> {
    let Some(json) = store.fact(Fact::GivenUp).await.map_err(NodeError::from)? else { return Ok(Vec::new()) };
    serde_json::from_str(&json).map_err(|_| NodeError::Damaged { what: "given up" })
}

/// The key that seals a node's backup.
pub(crate) fn backup_key(seed: &wallet::Seed, network: bitcoin::Network) -> BackupKey {
    BackupKey::from_secret(&seed.backup_secret(network))
}
