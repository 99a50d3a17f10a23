//! The oracle's database: SQLite, every commit on the disk before it counts (see [`Durability`]).
//!
//! Written to by one process (the signer's lock sees to that), and beside it by the operator's commands about objections. What must survive a restored
//! backup lies in the signing journal, outside.

mod aged;
mod beats;
mod events;
mod group;
mod growth;
mod listing;
mod log;
mod objections;
mod requests;
mod samples;
mod services;
mod signing;
mod slices;
mod status;
mod transaction;
mod vantages;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::watch;

pub use beats::Heard;
pub use events::{Event, EventHead, NewEvent, Vantage};
use group::Queue;
pub use growth::Growth;
pub use listing::{Counts, Filter, Stage};
pub use objections::{Answered, Bounds, Listed, NewObjection, Taken};
pub use requests::{Account, Nonce};
pub use samples::{Batch, Seen};
pub use services::{ServiceName, ServiceWindow};
pub use status::{IncidentRow, ServiceRow, SliceBar, SliceLatency, Watched};
pub use vantages::{Block, BlockSample, Reported, SignedBlock};

pub(crate) use transaction::Transaction;

/// Why the database could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own word.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The database is not one of ours, or of a newer version.
    #[error("database: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A stored value can't be read back.
    #[error("database: column {column} holds what was never written there")]
    Corrupt {
        /// Its column.
        column: &'static str,
    },
    /// A value is larger than SQLite's integers.
    #[error("database: {field} is too large")]
    TooLarge {
        /// Its column.
        field: &'static str,
    },
    /// What went wrong for several events that were written in one commit.
    #[error(transparent)]
    Together(Arc<Self>),
    /// The commit that this was to be part of ended halfway, and is undone.
    #[error("database: the commit broke off")]
    Interrupted,
}

/// A handle on the database; clones are the same database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
    /// Changes when the log has grown.
    grown: watch::Sender<()>,
    /// Batches that are written in one commit.
    queue: Arc<Queue>,
}

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The machine's end: every commit is on the disk when it returns.
    Machine,
    /// The process's end, however violent. Enough for simulated time, which no machine outlives.
    Process,
}

/// Reads overlap each other and the one writer.
const CONNECTIONS: u32 = 4;
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// At a start with thousands of events all of them ask at once; giving up on a connection would help nobody.
const PATIENCE: Duration = Duration::from_secs(300);

impl Store {
    /// Opens the database, making it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// When the file can't be opened, or is from a newer version of this program.
    pub async fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let pool = open_pool(path, durability).await?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        let store = Self { pool, grown: watch::Sender::new(()), queue: Arc::default() };
        store.fill_hosts().await?;
        Ok(store)
    }

    /// Closes all connections, so that the write-ahead log is folded into the database.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Answers when the database does.
    ///
    /// # Errors
    /// When it doesn't.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT value FROM mark").execute(&self.pool).await?;
        Ok(())
    }
}

/// Opens a database file, making it where there is none; its tables are the caller's.
pub(crate) async fn open_pool(path: &Path, durability: Durability) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match durability {
            Durability::Machine => SqliteSynchronous::Full,
            Durability::Process => SqliteSynchronous::Normal,
        })
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
    Ok(pool.connect_with(options).await?)
}

/// One more commit: the journal later tells by this number whether the database is an old copy.
async fn count_commit(tx: &mut Transaction) -> Result<u64, StoreError> {
    let value: i64 =
        sqlx::query_scalar("UPDATE mark SET value = value + 1 RETURNING value").fetch_one(&mut **tx).await?;
    unsigned(value, "mark")
}

fn unsigned(value: i64, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Corrupt { column })
}

fn signed(value: u64, field: &'static str) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::TooLarge { field })
}
