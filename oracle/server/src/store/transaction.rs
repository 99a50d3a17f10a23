//! A transaction on a connection that is never used again when the transaction fails.
//!
//! SQLite may end a transaction by itself when a write fails, as on a full disk. sqlx counts transactions on its own and
//! does not hear of it: the connection's next one becomes a savepoint of one that is not there, its rollback leaves the
//! write lock taken, and its commit may commit nothing. So here a connection goes back to the pool after a successful
//! commit alone. After anything else it is closed, which undoes whatever is open on it.

use std::ops::{Deref, DerefMut};

use crashpoint::here;
use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection, SqlitePool};

/// A transaction; dropped without [`Transaction::commit`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Transaction {
    connection: PoolConnection<Sqlite>,
    committed: bool,
}

impl Transaction {
    /// Begins one that may write.
    pub(crate) async fn begin(pool: &SqlitePool) -> Result<Self, sqlx::Error> {
        let mut transaction = Self { connection: pool.acquire().await?, committed: false };
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *transaction.connection).await?;
        Ok(transaction)
    }

    /// Makes everything written durable.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        here!("commit.within");
        sqlx::query("COMMIT").execute(&mut *self.connection).await?;
        here!("commit.after");
        self.committed = true;
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.committed {
            self.connection.close_on_drop();
        }
    }
}
