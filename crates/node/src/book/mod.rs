//! Receipts: written in the transaction of the event that moved the money, batched, exported.
//!
//! What is true of an escrow's money follows from its record and the chain ([`Core::movements`]). Whenever its state is
//! noted, the lines that are missing are appended, and lines that a reorganisation made untrue are corrected.

mod escrow;
mod payment;

use std::collections::BTreeMap;

use receipts::{BATCH_EVERY_S, Batch, Chain, Line, Movement, export, reconcile};
use serde::Deserialize;
use storage::{ReceiptRow, Receipts, Store};
use terms::{Hex32, UnixSeconds};

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys::random;

/// So many roots are published, the newest.
const PUBLISHED: u64 = 1_008;

/// The configuration's section `[receipts]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiptsConfig {
    /// Whether peers may read the signed roots. They tell how many movements there were and when, and nothing about them.
    pub public: bool,
}

/// What the node keeps in memory about its receipts; all of it is stored.
#[derive(Debug, Default)]
pub(crate) struct Book {
    chain: Chain,
    /// The last batch.
    last: Option<Batch>,
    /// Since when lines wait for a batch, in unix seconds.
    waits_since: Option<u64>,
    /// The lines of the escrows that were looked at in this run.
    of_escrow: BTreeMap<Hex32, Vec<(u64, Movement)>>,
}

impl Book {
    /// From what is stored.
    ///
    /// # Errors
    /// When the database fails or a row cannot be read.
    pub(crate) async fn load(store: &Store) -> Result<Self, NodeError> {
        let last = read_batches(&store.receipt_batches(1).await?)?.pop();
        let batched = last.as_ref().map_or(0, |batch| batch.batch.first + batch.batch.count);
        let waiting = read_lines(&store.receipts(Receipts::From(batched)).await?)?;
        let end = read_lines(&store.receipts(Receipts::Last).await?)?.pop();
        let first = waiting.first().and_then(|line| line.opening.as_ref());
        Ok(Self {
            chain: end.map_or(Chain::EMPTY, |line| Chain { next: line.seq + 1, head: line.hash }),
            last,
            waits_since: first.map(|opening| opening.movement.at.0),
            of_escrow: BTreeMap::new(),
        })
    }
}

/// Lines that a change appends.
#[derive(Debug, Default)]
pub(crate) struct Written {
    lines: Vec<Line>,
    chain: Chain,
}

impl Core {
    /// Writes the lines of a change.
    ///
    /// # Errors
    /// When the system gives no randomness or the database refuses.
    pub(crate) async fn write_receipts(
        &self,
        tx: &mut storage::Tx<'_>,
        change: &Change,
    ) -> Result<Written, NodeError> {
        let mut written = Written { lines: Vec::new(), chain: self.book.chain };
        for movement in &change.movements {
            let (escrow, txid) = (movement.escrow, movement.txid);
            let line = written.chain.append(movement.clone(), random()?);
            let json = serde_json::to_string(&line).map_err(|_| damaged())?;
            tx.append_receipt(&ReceiptRow { seq: line.seq, escrow, txid, json }).await?;
            written.lines.push(line);
        }
        if let Some(batch) = &change.batch {
            let json = serde_json::to_string(batch).map_err(|_| damaged())?;
            tx.append_receipt_batch(batch.batch.number, &json).await?;
        }
        Ok(written)
    }

    /// Makes true in memory what was stored.
    pub(crate) fn follow_receipts(&mut self, written: Written, batch: Option<Batch>) {
        self.book.chain = written.chain;
        for line in written.lines {
            let Some(opening) = line.opening else { continue };
            self.book.waits_since.get_or_insert(opening.movement.at.0);
            let known = opening.movement.escrow.and_then(|id| self.book.of_escrow.get_mut(&id));
            if let Some(known) = known {
                known.push((line.seq, opening.movement));
            }
        }
        if batch.is_some() {
            self.book.last = batch;
            self.book.waits_since = None;
        }
    }

    /// The lines to append about an escrow, so that they say what is wanted: all that is true of its money now.
    ///
    /// # Errors
    /// When the database fails or a row cannot be read.
    pub(crate) async fn receipts_due(
        &mut self,
        id: Hex32,
        wanted: &[Movement],
        now: u64,
    ) -> Result<Vec<Movement>, NodeError> {
        if !self.book.of_escrow.contains_key(&id) {
            let lines = read_lines(&self.store.receipts(Receipts::OfEscrow(id)).await?)?;
            self.book.of_escrow.insert(id, lines.into_iter().filter_map(opened).collect());
        }
        let written = self.book.of_escrow.get(&id).map_or(&[][..], Vec::as_slice);
        Ok(reconcile(written, wanted, UnixSeconds(now)))
    }

    /// Writes what became true of an escrow's money without a change of its state: a child that is in the chain.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn note_receipts(&mut self, id: Hex32, now: u64) -> Result<(), NodeError> {
        let escrow = self.escrow(id)?;
        if !escrow.noted.is_locked() && !escrow.noted.is_final() {
            return Ok(());
        }
        let wanted = self.movements(escrow);
        let movements = self.receipts_due(id, &wanted, now).await?;
        if movements.is_empty() {
            return Ok(());
        }
        self.commit(Change { movements, ..Change::default() }, now).await
    }

    /// Signs a root over the lines that wait, once the first of them has waited for ten minutes.
    ///
    /// # Errors
    /// When the database fails; the next look tries again.
    pub(crate) async fn tend_receipts(&mut self, now: u64) -> Result<(), NodeError> {
        let due = self.book.waits_since.is_some_and(|since| since.saturating_add(BATCH_EVERY_S) <= now);
        if !due {
            return Ok(());
        }
        let first = self.book.last.as_ref().map_or(0, |batch| batch.batch.first + batch.batch.count);
        let lines = read_lines(&self.store.receipts(Receipts::From(first)).await?)?;
        let batch = Batch::over(&lines, self.book.last.as_ref(), UnixSeconds(now), &self.keys.identity);
        self.commit(Change { batch, ..Change::default() }, now).await
    }

    /// When lines that wait become a batch.
    pub(crate) fn next_batch(&self) -> Option<u64> {
        self.book.waits_since.map(|since| since.saturating_add(BATCH_EVERY_S))
    }

    /// The whole file, signed at its end.
    ///
    /// # Errors
    /// When the database fails or a row cannot be read.
    pub(crate) async fn export_receipts(&self, now: u64) -> Result<String, NodeError> {
        let lines = read_lines(&self.store.receipts(Receipts::From(0)).await?)?;
        let batches = read_batches(&self.store.receipt_batches(u64::MAX).await?)?;
        Ok(export(&lines, &batches, UnixSeconds(now), &self.keys.identity))
    }

    /// The newest signed roots, the oldest of them first.
    ///
    /// # Errors
    /// When the owner does not publish them, or the database fails.
    pub(crate) async fn receipt_roots(&self) -> Result<Vec<Batch>, NodeError> {
        if !self.config.receipts.public {
            return Err(NodeError::NotFound { what: "address" });
        }
        read_batches(&self.store.receipt_batches(PUBLISHED).await?)
    }
}

fn opened(line: Line) -> Option<(u64, Movement)> {
    Some((line.seq, line.opening?.movement))
}

fn read_lines(rows: &[String]) -> Result<Vec<Line>, NodeError> {
    rows.iter().map(|json| serde_json::from_str(json).map_err(|_| damaged())).collect()
}

fn read_batches(rows: &[String]) -> Result<Vec<Batch>, NodeError> {
    rows.iter().map(|json| serde_json::from_str(json).map_err(|_| damaged())).collect()
}

fn damaged() -> NodeError {
    NodeError::Damaged { what: "receipt" }
}
