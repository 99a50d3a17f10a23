//! The oracle's public log: its checkpoints, its proofs, and the newest checkpoint held elsewhere.
//!
//! The database holds entries and hashes; here they are signed. A checkpoint that was published once binds the
//! oracle for ever, so one of them lies where a rollback of this machine does not reach.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use evidence::log::{
    LogError, consistency_positions, inclusion_positions, prove_consistency, prove_inclusion, root_of,
};
use evidence::{Checkpoint, CheckpointError, Digest, Log, LogKey};
use ledger::Entry;
use ledger::bundle::LogProof;
use protocol::Hex64;
use protocol::oracle::{LogGrowth, LogVoucher};
use secp256k1_zkp::XOnlyPublicKey;
use terms::Hex32;

use crate::operating::durable;
use crate::operating::keyring::Keyring;
use crate::store::{Store, StoreError};

/// The log's key, and where its newest checkpoint is kept.
#[derive(Debug)]
pub struct PublicLog {
    key: Arc<LogKey>,
    key_signature: String,
    /// What former keys signed over the log's.
    former: Vec<LogVoucher>,
    copy: Option<PathBuf>,
    /// One copy is written at a time, so that none overtakes a newer one.
    copying: tokio::sync::Mutex<()>,
}

/// Why the log could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PublicLogError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log's hashes are not all there.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A checkpoint could not be signed.
    #[error("a checkpoint could not be signed: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The copy cannot be read or written.
    #[error("checkpoint_copy: {}: {source}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The copy is not a checkpoint of this log.
    #[error("checkpoint_copy: {}: {source}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// The log has entries, and there is no copy.
    #[error("checkpoint_copy: {}: is not there, though the log has {size} entries", path.display())]
    CopyMissing {
        /// The file.
        path: PathBuf,
        /// The log's entries.
        size: u64,
    },
    /// The log does not go on from the checkpoint that is held elsewhere.
    #[error(
        "the checkpoint held elsewhere has {held} entries, and this log of {size} does not go on from it"
    )]
    RolledBack {
        /// The held checkpoint's entries.
        held: u64,
        /// The log's entries.
        size: u64,
    },
}

impl PublicLog {
    /// The log of an oracle: it goes on through all its keys.
    pub fn new(keys: &Keyring, copy: Option<PathBuf>) -> Self {
        let key_signature = keys.log_key_signature(&keys.current().public()).unwrap_or_default();
        let (key, copying) = (Arc::clone(keys.log_key()), tokio::sync::Mutex::new(()));
        Self { key, key_signature, former: vouchers(keys), copy, copying }
    }

    /// The key that signs checkpoints, as C2SP's signed-note has it.
    pub fn public_key(&self) -> &str {
        self.key.public()
    }

    /// The oracle's signature over that key.
    pub fn key_signature(&self) -> &str {
        &self.key_signature
    }

    /// The signatures of the oracle's former keys over that key, also of those that are retired.
    pub fn former(&self) -> &[LogVoucher] {
        &self.former
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint(&self, store: &Store) -> Result<String, PublicLogError> {
        self.sign(&store.log().await?)
    }

    /// The newest checkpoint, the root of the first `from` entries, and the proof that the log begins with them; neither where
    /// it has not so many, or from nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn growth(&self, store: &Store, from: u64) -> Result<LogGrowth, PublicLogError> {
        let log = store.log().await?;
        let checkpoint = self.sign(&log)?;
        if !(1..=log.size()).contains(&from) {
            return Ok(LogGrowth { checkpoint, root: None, proof: Vec::new() });
        }
        let hashes = store.log_hashes(&consistency_positions(log.size(), from)?).await?;
        let proof = prove_consistency(log.size(), from, &hashes)?.into_iter().map(Hex32).collect();
        Ok(LogGrowth { checkpoint, root: Some(Hex32(root_then(store, from).await?)), proof })
    }

    fn sign(&self, log: &Log) -> Result<String, PublicLogError> {
        Ok(self.key.sign(log.size(), &log.root())?)
    }

    /// That the log has this entry of an event, under the newest checkpoint; `None` where it has not, as with
    /// events from before there was a log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prove(
        &self,
        store: &Store,
        event: i64,
        entry: &Entry,
    ) -> Result<Option<LogProof>, PublicLogError> {
        let Some(index) = store.log_index(event, entry).await? else { return Ok(None) };
        let log = store.log().await?;
        let hashes = store.log_hashes(&inclusion_positions(log.size(), index)?).await?;
        Ok(Some(LogProof {
            public_key: self.key.public().to_owned(),
            key_signature: self.key_signature.clone(),
            checkpoint: self.sign(&log)?,
            index,
            proof: prove_inclusion(log.size(), index, &hashes)?,
        }))
    }

    /// Writes the newest checkpoint to where it is held, durably. Without such a place there is nothing to do.
    ///
    /// # Errors
    /// When it cannot be written there.
    pub async fn hold(&self, store: &Store) -> Result<(), PublicLogError> {
        let Some(path) = &self.copy else { return Ok(()) };
        let _one_at_a_time = self.copying.lock().await;
        let checkpoint = self.checkpoint(store).await?;
        write(path, &checkpoint)
    }

    /// Compares the log with the checkpoint that is held elsewhere. The first checkpoint of an empty log is written
    /// there.
    ///
    /// # Errors
    /// [`PublicLogError::RolledBack`] when this log is not that one, grown; and when the copy can't be used.
    pub async fn compare(&self, store: &Store) -> Result<(), PublicLogError> {
        let Some(path) = &self.copy else { return Ok(()) };
        let log = store.log().await?;
        match self.held(path)? {
            None if log.size() == 0 => write(path, &self.sign(&log)?),
            None => Err(PublicLogError::CopyMissing { path: path.clone(), size: log.size() }),
            Some(held) => goes_on(store, &log, &held).await,
        }
    }

    fn held(&self, path: &Path) -> Result<Option<Checkpoint>, PublicLogError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(PublicLogError::Copy { path: path.to_owned(), source }),
        };
        let held = Checkpoint::open(self.key.public(), &text);
        held.map(Some).map_err(|source| PublicLogError::Foreign { path: path.to_owned(), source })
    }
}

async fn goes_on(store: &Store, log: &Log, held: &Checkpoint) -> Result<(), PublicLogError> {
    let rolled_back = PublicLogError::RolledBack { held: held.size, size: log.size() };
    if held.size > log.size() {
        return Err(rolled_back);
    }
    if root_then(store, held.size).await? == held.root { Ok(()) } else { Err(rolled_back) }
}

/// The root that the log had when it had so many entries.
async fn root_then(store: &Store, size: u64) -> Result<Digest, PublicLogError> {
    Ok(root_of(size, &store.log_hashes(&Log::edge(size)).await?)?)
}

fn vouchers(keys: &Keyring) -> Vec<LogVoucher> {
    let former = keys.statements().filter(|(public, ..)| *public != keys.current().public());
    let voucher = |(public, ..): (XOnlyPublicKey, _, _)| {
        let signature = Hex64::parse(&keys.log_key_signature(&public)?)?;
        Some(LogVoucher { oracle: Hex32(public.serialize()), signature })
    };
    former.filter_map(voucher).collect()
}

fn write(path: &Path, checkpoint: &str) -> Result<(), PublicLogError> {
    durable::replace(path, checkpoint.as_bytes())
        .map_err(|source| PublicLogError::Copy { path: path.to_owned(), source })
}
