//! Why the store could not do what was asked.

use std::path::PathBuf;

/// Why the store could not do what was asked. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has this data folder open.
    #[error("{path}: another process uses this data folder")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The folder or its lock file cannot be used.
    #[error("{path}: {source}")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The database belongs to another network.
    #[error("this data folder belongs to {stored}, not to {asked}")]
    OtherNetwork {
        /// The network that it was made for.
        stored: String,
        /// The network that was asked for.
        asked: String,
    },
    /// The disk is full. Nothing was lost; the same call works again when there is space.
    #[error("the disk is full")]
    DiskFull,
    /// A coin is reserved for another escrow already.
    #[error("coin {outpoint} is reserved for another escrow")]
    Reserved {
        /// The coin.
        outpoint: String,
    },
    /// A row with this key exists already: a repeated write, or two writers.
    #[error("already stored: {what}")]
    Exists {
        /// Which kind of row.
        what: &'static str,
    },
    /// The file, or a stored row, does not read as what it should be.
    #[error("the database is damaged: {what}")]
    Damaged {
        /// The file, or which kind of row.
        what: &'static str,
    },
    /// The database could not be brought to this version's form.
    #[error("the database cannot be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Any other failure of SQLite.
    #[error("database: {0}")]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        // Extended codes keep the result code in the low byte.
        match code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
            Some(SQLITE_FULL) => Self::DiskFull,
            Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Damaged { what: "database file" },
            _ => Self::Database(error),
        }
    }
}

/// <https://www.sqlite.org/rescode.html>
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_FULL: u32 = 13;
const SQLITE_NOTADB: u32 = 26;

/// Turns a violated primary key into the error that says which row exists already.
pub(crate) fn exists(what: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| match error.as_database_error() {
        Some(database) if database.is_unique_violation() => StoreError::Exists { what },
        _ => error.into(),
    }
}
