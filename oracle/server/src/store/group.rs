//! One commit for what many events have to write at the same time.
//!
//! A commit waits for the disk, and that takes as long for one row as for ten thousand. So whoever wants to write puts
//! its batch into a queue and waits for its turn; the one whose turn comes first writes everything that is queued by
//! then, and the others find theirs written.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::samples::{Batch, insert_seen};
use super::transaction::Transaction;
use super::{Event, Store, StoreError, count_commit, slices};

/// Batches that wait for a commit.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Vec<Waiting>>,
    /// Held by the one that writes.
    turn: tokio::sync::Mutex<()>,
}

/// One event's batch, and who waits for it.
#[derive(Debug)]
struct Waiting {
    event: Arc<Event>,
    batch: Batch,
    done: oneshot::Sender<Written>,
}

/// The number of commits so far, or what went wrong for all of them.
type Written = Result<u64, Arc<StoreError>>;

impl Queue {
    fn push(&self, waiting: Waiting) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
    }

    fn take(&self) -> Vec<Waiting> {
        mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store {
    /// Writes a batch, all or nothing; its slices go into the log as well. Returns the number of commits so far.
    ///
    /// # Errors
    /// When the database fails; then nothing of the batch is written.
    pub async fn write(&self, event: &Arc<Event>, batch: Batch) -> Result<u64, StoreError> {
        let (done, mut written) = oneshot::channel();
        self.queue.push(Waiting { event: Arc::clone(event), batch, done });
        let _turn = tokio::select! {
            biased;
            written = &mut written => return result(written),
            turn = self.queue.turn.lock() => turn,
        };
        // The one before may have written this just before it gave its turn away.
        match written.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => self.write_queued().await,
            written => return result(written),
        }
        result(written.await)
    }

    /// Writes whatever is queued, and tells everybody who waits.
    async fn write_queued(&self) {
        let queued = self.queue.take();
        let written = self.write_together(&queued).await.map_err(Arc::new);
        for waiting in queued {
            // Whoever stopped waiting has its batch written all the same.
            let _ = waiting.done.send(written.clone());
        }
    }

    async fn write_together(&self, queued: &[Waiting]) -> Result<u64, StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        let mark = count_commit(&mut tx).await?;
        for Waiting { event, batch, .. } in queued {
            insert_seen(&mut tx, event.key, &batch.seen).await?;
            slices::insert(&mut tx, event, &batch.slices).await?;
        }
        tx.commit().await?;
        self.has_grown();
        Ok(mark)
    }
}

/// Without a word the one that wrote has ended halfway, and its transaction is undone.
fn result<E>(written: Result<Written, E>) -> Result<u64, StoreError> {
    written.map_err(|_| StoreError::Interrupted)?.map_err(StoreError::Together)
}
