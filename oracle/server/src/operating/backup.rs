//! Backups: a folder with copies of all that an oracle keeps, and putting them back.
//!
//! A copy is always old: what is announced or signed after it was made is not in it. So the journal's copy says that it is
//! one, and an oracle that finds such a journal signs nothing before its operator's word. What a backup is good for is the
//! key, the published evidence, and the events whose windows are still to come.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use signer::{Journal, JournalError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::config::Config;
use crate::operating::keyring::Keyring;

/// The names of the copies in a backup's folder.
const CONFIG: &str = "oracle.toml";
const DATABASE: &str = "oracle.db";
const JOURNAL: &str = "signing.journal";
const TOKEN: &str = "requester-token";

/// Why a backup was not made or put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is something already, and nothing is replaced.
    #[error("{}: is there already; nothing is replaced", path.display())]
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// There is no database yet.
    #[error("{}: is not there; an oracle has a database from its first `serve` on", path.display())]
    NeverServed {
        /// Where it would be.
        path: PathBuf,
    },
    /// The database could not be copied.
    #[error("{}: {source}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The list of keys.
    #[error("{0:#}")]
    Keys(anyhow::Error),
    /// The journal could not be copied.
    #[error("the signing journal: {0}")]
    Journal(#[from] JournalError),
}

/// Copies everything into a new folder. The database is copied as of one moment, and the journal after it, so that the
/// journal's copy knows of everything that the database's does.
///
/// # Errors
/// When the folder is there already, or something can't be copied.
pub async fn make(config: &Config, config_file: &Path, folder: &Path) -> Result<(), BackupError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists { path },
            _ => BackupError::Io { path, source },
        }
    };
    let database = config.database_file();
    if !database.exists() {
        return Err(BackupError::NeverServed { path: database });
    }
    DirBuilder::new().mode(0o700).create(folder).map_err(failed(folder))?;
    let made = copy_all(config, config_file, folder).await;
    if made.is_err() {
        // Half a backup is none, and the next one wants its place.
        fs::remove_dir_all(folder).map_err(failed(folder))?;
    }
    made?;
    sync_folder(folder).map_err(failed(folder))
}

async fn copy_all(config: &Config, config_file: &Path, folder: &Path) -> Result<(), BackupError> {
    copy(config_file, &folder.join(CONFIG))?;
    for name in Keyring::files_in(&config.data_dir).map_err(BackupError::Keys)? {
        copy(&config.data_dir.join(&name), &folder.join(name))?;
    }
    if config.token_file().exists() {
        copy(&config.token_file(), &folder.join(TOKEN))?;
    }
    copy_database(&config.database_file(), &folder.join(DATABASE)).await?;
    Journal::copy(&config.journal_file(), &folder.join(JOURNAL))?;
    Ok(())
}

/// Puts a backup's key, journal, database and token where the configuration wants them. Every place is looked at before the
/// first file is written.
///
/// # Errors
/// When something is there already, or can't be copied.
pub fn restore(config: &Config, folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let mut files =
        vec![(folder.join(DATABASE), config.database_file()), (folder.join(JOURNAL), config.journal_file())];
    if folder.join(TOKEN).exists() {
        files.push((folder.join(TOKEN), config.token_file()));
    }
    // Last: without keys nothing starts, so a restore that was cut off is not taken for a whole one.
    let keys = Keyring::files_in(folder).map_err(BackupError::Keys)?;
    files.extend(keys.into_iter().map(|name| (folder.join(&name), config.data_dir.join(name))));
    // SQLite would play the log of another database into this one.
    let logs = ["-wal", "-shm"].map(|end| beside(&config.database_file(), end));
    if let Some(path) = files.iter().map(|(_, to)| to).chain(&logs).find(|to| to.exists()) {
        return Err(BackupError::Exists { path: path.clone() });
    }
    for (from, _) in &files {
        File::open(from).map_err(|source| BackupError::Io { path: from.clone(), source })?;
    }
    let data_dir = &config.data_dir;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data_dir);
    made.map_err(|source| BackupError::Io { path: data_dir.clone(), source })?;
    for (from, to) in &files {
        copy(from, to)?;
    }
    Ok(files.into_iter().map(|(_, to)| to).collect())
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// A new file of mode 0600, durable when this returns.
fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let failed = |path: &Path, source| BackupError::Io { path: path.to_owned(), source };
    let mut source = File::open(from).map_err(|error| failed(from, error))?;
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    let mut file = opened.map_err(|error| failed(to, error))?;
    let copied = io::copy(&mut source, &mut file).and_then(|_| file.sync_all());
    copied.map_err(|error| failed(to, error))
}

/// As of one moment, whatever is written to it meanwhile.
async fn copy_database(from: &Path, to: &Path) -> Result<(), BackupError> {
    let failed = |source| BackupError::Database { path: from.to_owned(), source };
    let options = SqliteConnectOptions::new().filename(from).create_if_missing(false);
    let mut connection = options.connect().await.map_err(failed)?;
    // A file of our own mode first: SQLite takes an empty one.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    made.map_err(|source| BackupError::Io { path: to.to_owned(), source })?;
    let copied =
        sqlx::query("VACUUM INTO ?").bind(to.to_string_lossy().into_owned()).execute(&mut connection).await;
    copied.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    let synced = File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|source| BackupError::Io { path: to.to_owned(), source })
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}
