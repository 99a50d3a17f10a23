//! Bringing a node back: from the seed, the backup target, a snapshot.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use backup::{BackupError, BackupKey, EscrowRecord, Folder, NodeRecord, WalletPlace};
use serde::Serialize;
use storage::{DATABASE, Fact, Store, StoreError};
use terms::Hex32;
use wallet::Seed;

use super::breaches;
use super::merge::{self, Brought};
use super::snapshot::open_snapshot;
use super::{SnapshotError, backup_key};
use crate::config::Config;
use crate::error::NodeError;
use crate::init::create_folder;
use crate::keys::{self, Keys, PASSPHRASE};

/// Everything is put together in this folder of the data folder, and moved out of it when it is complete.
const WORKSHOP: &str = "restoring";
/// A reorganisation may have moved coins into blocks below the birth of the wallet.
const MARGIN: u32 = 144;

/// What to restore from.
#[derive(Debug, Default)]
pub struct RestoreRequest {
    /// The seed; left out, it is read from the data folder.
    pub seed: Option<Seed>,
    /// A snapshot that `earnest backup` made.
    pub from: Option<PathBuf>,
    /// The backup target; left out, that of the configuration.
    pub target: Option<PathBuf>,
    /// Whether to go without a target. The escrows since the snapshot are lost then, without one all of them.
    pub without_target: bool,
    /// The block from which on the wallet looks for coins, where no record tells; left out, the first.
    pub birth_height: Option<u32>,
    /// Whether to go on with what a snapshot alone knows to be unsigned.
    pub keep_open: bool,
    /// Whether to leave damaged records out, instead of restoring nothing.
    pub skip_damaged: bool,
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// The node's identity key.
    pub key: Hex32,
    /// All escrows, each with its state when it was last kept.
    pub escrows: Vec<(Hex32, &'static str)>,
    /// Escrows of a snapshot that were ended, because what was said since is forgotten.
    pub ended: Vec<Hex32>,
    /// Records that were left out, and why.
    pub skipped: Vec<String>,
    /// The block from which on the wallet looks for coins, unless a snapshot knows them.
    pub birth_height: u32,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is a node already.
    #[error("{path}: exists; nothing is overwritten. Move it away to restore")]
    Exists {
        /// Its database.
        path: PathBuf,
    },
    /// The data folder holds another seed than the words say.
    #[error("{path}: holds another seed than the words that were given; move it away to restore")]
    OtherSeed {
        /// The seed file.
        path: PathBuf,
    },
    /// Neither a target nor a snapshot to restore from.
    #[error(
        "there is no [backup] target in the configuration: name one (--target), or say that the escrows are lost \
         (--without-target)"
    )]
    NoTarget,
    /// The target has nothing of this node.
    #[error("{path}: keeps nothing of this seed; is it the right target, and are these the right words?")]
    Nothing {
        /// The target.
        path: PathBuf,
    },
    /// Records that cannot be used.
    #[error("records that cannot be used, so that nothing was restored (--skip-damaged leaves them out):\n{}", .0.join("\n"))]
    Damaged(Vec<String>),
    /// A record and the snapshot tell different stories.
    #[error("{name}: does not continue what the snapshot knows of this escrow")]
    Contradicts {
        /// The record.
        name: String,
    },
    /// The target or a record.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The snapshot.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The new database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The seed file.
    #[error(transparent)]
    Seed(#[from] wallet::SeedFileError),
    /// The data folder.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A file of the data folder.
    #[error("{path}: {source}")]
    File {
        /// It.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// Makes a data folder out of the seed, and of what the backup target and a snapshot have. It either becomes whole, or
/// stays without a database. No Bitcoin node is asked: the wallet looks for its coins when the node is started.
///
/// # Errors
/// When there is a database already, and when a source cannot be used.
pub async fn restore(config: &Config, request: RestoreRequest) -> Result<Restored, RestoreError> {
    let data = &config.data_dir;
    let database = data.join(DATABASE);
    if database.exists() {
        return Err(RestoreError::Exists { path: database });
    }
    let (seed, is_new) = seed(data, request.seed.as_ref())?;
    let key = backup_key(&seed, config.bitcoin_network());
    let target = target(config, &request, &key)?;
    create_folder(data)?;
    let workshop = data.join(WORKSHOP);
    let made = match assemble(config, &request, &key, target.as_ref(), &workshop).await {
        Ok(made) => made,
        Err(error) => {
            let _ = std::fs::remove_dir_all(&workshop);
            return Err(error);
        }
    };
    if is_new {
        seed.save(&keys::seed_path(data), std::env::var(PASSPHRASE).ok().as_deref())?;
    }
    keys::create_token(data)?;
    move_out(&workshop, data)?;
    let key = target.map(|(_, node)| node.key);
    let key = key.unwrap_or_else(|| Keys::derive(&seed, config.bitcoin_network()).public());
    Ok(Restored { key, ..made })
}

/// The seed, and whether the data folder lacks it.
fn seed(data: &Path, given: Option<&Seed>) -> Result<(Seed, bool), RestoreError> {
    let path = keys::seed_path(data);
    let Some(given) = given else { return Ok((keys::load_seed(data)?, false)) };
    let again = || Seed::from_words(&given.words()).map_err(|_| NodeError::Damaged { what: "seed" });
    if !path.exists() {
        return Ok((again()?, true));
    }
    let stored = keys::load_seed(data)?;
    if stored.words() != given.words() {
        return Err(RestoreError::OtherSeed { path });
    }
    Ok((stored, false))
}

/// The target, where it is to be used and has something of this node.
fn target(
    config: &Config,
    request: &RestoreRequest,
    key: &BackupKey,
) -> Result<Option<(Folder, NodeRecord)>, RestoreError> {
    if request.without_target {
        return Ok(None);
    }
    let configured = config.backup.as_ref().map(|backup| &backup.target);
    let path = request.target.as_ref().or(configured).ok_or(RestoreError::NoTarget)?;
    let folder = Folder::new(path);
    let sealed = folder.get(&key.node_file())?;
    let sealed = sealed.ok_or_else(|| RestoreError::Nothing { path: path.clone() })?;
    let node = NodeRecord::open(key, &sealed, &config.network)?;
    Ok(Some((folder, node)))
}

/// Puts the database together, and closes it.
async fn assemble(
    config: &Config,
    request: &RestoreRequest,
    key: &BackupKey,
    target: Option<&(Folder, NodeRecord)>,
    workshop: &Path,
) -> Result<Restored, RestoreError> {
    // One that a killed command left behind.
    let _ = std::fs::remove_dir_all(workshop);
    create_folder(workshop)?;
    if let Some(from) = &request.from {
        open_snapshot(key, from, &workshop.join(DATABASE))?;
    }
    let store = Store::open(workshop, &config.network).await?;
    let skipped = match target {
        Some((folder, node)) => bring(&store, key, folder, node, &config.network).await?,
        None => Vec::new(),
    };
    if !skipped.is_empty() && !request.skip_damaged {
        return Err(RestoreError::Damaged(skipped));
    }
    let ended = match target.is_none() && !request.keep_open {
        true => merge::end_open(&store, &config.network).await?,
        false => Vec::new(),
    };
    let place = place(request, target.map(|(_, node)| node));
    put_fact(&store, Fact::RestoredWallet, &place).await?;
    let escrows = merge::escrows(&store, &config.network).await?;
    let escrows = escrows.iter().map(|escrow| (escrow.id(), escrow.noted.name())).collect();
    store.close().await;
    Ok(Restored { key: Hex32([0; 32]), escrows, ended, skipped, birth_height: place.birth_height })
}

/// Brings all records of the target into the database. Returns what is wrong with those that cannot be.
async fn bring(
    store: &Store,
    key: &BackupKey,
    folder: &Folder,
    node: &NodeRecord,
    network: &str,
) -> Result<Vec<String>, RestoreError> {
    let (mut brought, mut wrong): (Vec<Brought>, Vec<String>) = (Vec::new(), Vec::new());
    let files = folder.list()?;
    for live in &node.escrows {
        let name = key.escrow_file(live.escrow);
        if !files.contains(&name) {
            wrong.push(BackupError::Missing { name }.to_string());
        }
    }
    for file in files.iter().filter(|file| key.names_escrow(file)) {
        let sealed = folder.get(file)?.unwrap_or_default();
        match checked(key, file, &sealed, node, network) {
            Ok(record) => match merge::merge(store, &record, file).await {
                Ok(one) => brought.push(one),
                Err(error @ RestoreError::Contradicts { .. }) => wrong.push(error.to_string()),
                Err(error) => return Err(error),
            },
            Err(error) => wrong.push(error.to_string()),
        }
    }
    merge::reserve(store, &brought).await?;
    breaches::bring(store, key, &node.breaches).await?;
    put_fact(store, Fact::IdentityIndex, &node.identity_index).await?;
    let found: BTreeSet<Hex32> = brought.iter().map(|one| one.escrow.id()).collect();
    let lost = node.escrows.iter().map(|live| live.escrow).filter(|id| !found.contains(id));
    put_fact(store, Fact::GivenUp, &lost.collect::<Vec<_>>()).await?;
    Ok(wrong)
}

/// A record that is at least as new as the node's own record says.
fn checked(
    key: &BackupKey,
    file: &str,
    sealed: &[u8],
    node: &NodeRecord,
    network: &str,
) -> Result<EscrowRecord, BackupError> {
    let record = EscrowRecord::open(key, file, sealed, network)?;
    let found = record.revision();
    match node.listed(record.escrow) {
        Some(listed) if found < listed => Err(BackupError::Older { name: file.to_owned(), found, listed }),
        _ => Ok(record),
    }
}

/// Where the wallet is to look for its coins: what the owner says goes before what the records say.
fn place(request: &RestoreRequest, node: Option<&NodeRecord>) -> WalletPlace {
    let kept = node.map(|node| node.wallet);
    let kept = kept.unwrap_or(WalletPlace { birth_height: 0, receive_index: None, change_index: None });
    let birth_height = request.birth_height.unwrap_or(kept.birth_height.saturating_sub(MARGIN));
    WalletPlace { birth_height, ..kept }
}

async fn put_fact<T: Serialize>(store: &Store, fact: Fact, value: &T) -> Result<(), RestoreError> {
    let json = serde_json::to_string(value).map_err(|_| NodeError::Damaged { what: "fact" })?;
    let mut tx = store.begin().await?;
    tx.put_fact(fact, &json).await?;
    Ok(tx.commit().await?)
}

/// The database becomes the data folder's in one step.
fn move_out(workshop: &Path, data: &Path) -> Result<(), RestoreError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RestoreError::File { path, source }
    };
    let made = workshop.join(DATABASE);
    File::open(&made).and_then(|file| file.sync_all()).map_err(failed(&made))?;
    std::fs::rename(&made, data.join(DATABASE)).map_err(failed(&made))?;
    File::open(data).and_then(|folder| folder.sync_all()).map_err(failed(data))?;
    std::fs::remove_dir_all(workshop).map_err(failed(workshop))
}
