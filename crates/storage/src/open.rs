//! Opening the database, once per process and folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

use crate::error::StoreError;
use crate::transaction::Transaction;
use crate::write::Tx;

/// The database's file in its folder.
pub const DATABASE: &str = "earnest.sqlite";
/// SQLite's own bound.
const MOST_PAGES: u32 = u32::MAX - 1;

/// A node's database. One process at a time; one writer at a time.
#[derive(Debug)]
pub struct Store {
    pub(crate) pool: SqlitePool,
    writer: Mutex<()>,
    /// Never used, and always open: when the last connection closes, SQLite removes its log, and on a full disk no
    /// other could be opened after it, not even to read. The lock makes it shareable.
    keeper: std::sync::Mutex<SqliteConnection>,
    /// Held for its lock.
    _lock: File,
}

impl Store {
    /// Opens, and where needed creates, the database `earnest.sqlite` in a folder.
    ///
    /// # Errors
    /// When another process has it open, when it belongs to another network, when it cannot be read.
    pub async fn open(folder: &Path, network: &str) -> Result<Self, StoreError> {
        Self::open_within(folder, network, MOST_PAGES).await
    }

    /// As [`Store::open`], with a database that refuses to grow beyond a number of pages (4,096 bytes each), as if
    /// the disk were full then.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_within(folder: &Path, network: &str, pages: u32) -> Result<Self, StoreError> {
        let lock = lock(&folder.join("earnest.lock"))?;
        let options = SqliteConnectOptions::new()
            .filename(folder.join(DATABASE))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .pragma("max_page_count", pages.to_string());
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        check(&pool).await?;
        sqlx::migrate!().run(&pool).await?;
        let keeper = std::sync::Mutex::new(pool.acquire().await?.detach());
        let store = Self { pool, writer: Mutex::new(()), keeper, _lock: lock };
        store.belongs_to(network).await?;
        Ok(store)
    }

    /// Starts a transaction: everything written through it becomes durable at once, or not at all.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub async fn begin(&self) -> Result<Tx<'_>, StoreError> {
        let turn = self.writer.lock().await;
        Ok(Tx::new(Transaction::begin(&self.pool).await?, turn))
    }

    /// Closes the database in order: everything is in its one file then.
    pub async fn close(self) {
        if let Ok(keeper) = self.keeper.into_inner() {
            // Should it fail, nothing was lost: what was committed is on the disk.
            let _ = keeper.close().await;
        }
        self.pool.close().await;
    }

    /// Writes a consistent copy of a folder's database to a new file, also while another process uses it.
    ///
    /// # Errors
    /// When there is no database, when the file exists already, and when SQLite fails.
    pub async fn copy(folder: &Path, to: &Path) -> Result<(), StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(folder.join(DATABASE))
            .create_if_missing(false)
            .busy_timeout(Duration::from_secs(10));
        let to = to.to_str().ok_or(StoreError::Damaged { what: "file name" })?;
        let mut database = SqliteConnection::connect_with(&options).await?;
        // Reads one state of the database from beginning to end, whatever is written meanwhile.
        sqlx::query("VACUUM INTO ?").bind(to).execute(&mut database).await?;
        Ok(database.close().await?)
    }

    async fn belongs_to(&self, network: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO meta (key, value) VALUES ('network', ?) ON CONFLICT DO NOTHING")
            .bind(network)
            .execute(&self.pool)
            .await?;
        let stored: String =
            sqlx::query_scalar("SELECT value FROM meta WHERE key = 'network'").fetch_one(&self.pool).await?;
        if stored != network {
            return Err(StoreError::OtherNetwork { stored, asked: network.to_owned() });
        }
        Ok(())
    }
}

/// A torn file is found now, and not in the middle of an escrow.
async fn check(pool: &SqlitePool) -> Result<(), StoreError> {
    let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(pool).await?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::Damaged { what: "database file" }) }
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let failed = |source| StoreError::Folder { path: path.to_owned(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
