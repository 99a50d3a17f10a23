//! A sealed copy of the whole database, made beside the running node.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use backup::{BackupError, BackupKey};
use storage::{Store, StoreError};

use super::backup_key;
use crate::config::Config;
use crate::keys;

/// What a snapshot is sealed as.
const LABEL: &str = "snapshot";
/// The copy before it is sealed, in the data folder. It holds no secret that the database does not hold.
const COPY: &str = "snapshot.sqlite";

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The seed, which gives the key, cannot be read.
    #[error(transparent)]
    Seed(#[from] wallet::SeedFileError),
    /// The database cannot be copied.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no database: the node has never run.
    #[error("{path}: there is no database to copy; the node has not run yet")]
    Nothing {
        /// The data folder.
        path: PathBuf,
    },
    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] BackupError),
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// It.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// Writes a consistent, sealed copy of a node's database to a new file, durably, whether the node runs or not. The
/// seed that opens it is not in it. Returns its size in bytes.
///
/// # Errors
/// When the file exists, when seed or database cannot be read, when the disk is full. Nothing is left behind then.
pub async fn snapshot(config: &Config, to: &Path) -> Result<u64, SnapshotError> {
    let seed = keys::load_seed(&config.data_dir)?;
    let key = backup_key(&seed, config.bitcoin_network());
    if !config.data_dir.join(storage::DATABASE).exists() {
        return Err(SnapshotError::Nothing { path: config.data_dir.clone() });
    }
    let failed = |source| SnapshotError::File { path: to.to_owned(), source };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    let copy = config.data_dir.join(COPY);
    // One that a killed command left behind.
    let _ = std::fs::remove_file(&copy);
    let written = match Store::copy(&config.data_dir, &copy).await {
        Ok(()) => seal_file(&key, &copy, file, to),
        Err(error) => Err(error.into()),
    };
    let _ = std::fs::remove_file(&copy);
    if written.is_err() {
        let _ = std::fs::remove_file(to);
    }
    written
}

fn seal_file(key: &BackupKey, plain: &Path, sealed: File, to: &Path) -> Result<u64, SnapshotError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| SnapshotError::File { path, source }
    };
    let mut from = BufReader::new(File::open(plain).map_err(failed(plain))?);
    let mut writer = BufWriter::new(sealed);
    backup::seal(key, LABEL, &mut from, &mut writer)?;
    writer.flush().map_err(failed(to))?;
    let sealed = writer.into_inner().map_err(|error| failed(to)(error.into_error()))?;
    sealed.sync_all().map_err(failed(to))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))?;
    Ok(sealed.metadata().map_err(failed(to))?.len())
}

/// Opens a snapshot into a new file.
pub(crate) fn open_snapshot(key: &BackupKey, from: &Path, to: &Path) -> Result<(), SnapshotError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| SnapshotError::File { path, source }
    };
    let mut sealed = BufReader::new(File::open(from).map_err(failed(from))?);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed(to))?;
    let mut writer = BufWriter::new(file);
    backup::open(key, LABEL, &mut sealed, &mut writer).map_err(|error| named(error, from))?;
    writer.flush().map_err(failed(to))
}

/// The error with the file's name in place of the label.
fn named(error: BackupError, file: &Path) -> BackupError {
    let name = file.display().to_string();
    match error {
        BackupError::Refused { .. } => BackupError::Refused { name },
        BackupError::Format { .. } => BackupError::Format { name },
        BackupError::Io { source, .. } => BackupError::Io { path: file.to_owned(), source },
        other => other,
    }
}
