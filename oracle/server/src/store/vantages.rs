//! What vantages elsewhere reported: blocks of samples with their signatures.

use std::collections::BTreeMap;
use std::ops::Range;

use ledger::Sample;
use protocol::Hex64;
use protocol::vantage::BatchResult;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use terms::Hex32;

use super::samples::Row;
use super::transaction::Transaction;
use super::{Event, Store, StoreError, count_commit, events, samples, signed, unsigned};
use crate::probe::Phases;

/// A block of a window as one vantage reported it. It is checked.
#[derive(Debug)]
pub struct Block {
    /// The vantage's name.
    pub vantage: String,
    /// Its slots.
    pub probes: Range<u64>,
    /// The slice that it belongs to.
    pub slice: u64,
    /// What was seen, once a slot at most.
    pub samples: Vec<BlockSample>,
    /// The vantage's signature.
    pub signature: Hex64,
}

/// One sample of a block.
#[derive(Debug)]
pub struct BlockSample {
    /// The probe's index in the window.
    pub probe: u64,
    /// The sample.
    pub sample: Sample,
    /// Why it is not good.
    pub cause: Option<String>,
}

/// A block's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBlock {
    /// The vantage's name.
    pub vantage: String,
    /// Its slots.
    pub probes: Range<u64>,
    /// The vantage's signature.
    pub signature: Hex64,
}

/// How far a vantage has come with an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// The index after the last probe of its last block.
    pub until: u64,
    /// Blocks that came too late.
    pub late: u64,
}

impl Store {
    /// Takes a block, all or nothing: its samples stay as they are from then on. One whose slice has its verdict, and
    /// one that another stands in place of, only leaves a count.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_block(&self, event: &Event, block: &Block) -> Result<BatchResult, StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        if let Some(signature) = stored_signature(&mut tx, event.key, block).await? {
            tx.commit().await?;
            let same = signature == block.signature.0;
            return Ok(if same { BatchResult::Already } else { BatchResult::Differs });
        }
        count_commit(&mut tx).await?;
        let result = if is_closed(&mut tx, event.key, block.slice).await? {
            insert_late(&mut tx, event.key, block).await?;
            BatchResult::Late
        } else {
            insert_block(&mut tx, event.key, block).await?;
            BatchResult::Stored
        };
        tx.commit().await?;
        self.has_grown();
        Ok(result)
    }

    /// How many blocks between these slots each vantage has reported.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reported_blocks(
        &self,
        event: i64,
        probes: &Range<u64>,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT vantage, count(*) FROM vantage_batches WHERE event = ? AND from_probe >= ? AND from_probe < ? \
             GROUP BY vantage",
        )
        .bind(event)
        .bind(signed(probes.start, "from_probe")?)
        .bind(signed(probes.end, "from_probe")?)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|(vantage, count)| Ok((vantage, unsigned(count, "count")?))).collect()
    }

    /// How far each vantage has come with an event.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reported(&self, event: i64) -> Result<BTreeMap<String, Reported>, StoreError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT vantage, max(until), sum(late) FROM \
             (SELECT vantage, to_probe AS until, 0 AS late FROM vantage_batches WHERE event = ?1 \
              UNION ALL SELECT vantage, 0, 1 FROM vantage_late WHERE event = ?1) GROUP BY vantage",
        )
        .bind(event)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|(vantage, until, late)| {
                let reported =
                    Reported { until: unsigned(until, "to_probe")?, late: unsigned(late, "late")? };
                Ok((vantage, reported))
            })
            .collect()
    }

    /// Every block of an event with its signature, by vantage and place.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn signed_blocks(&self, event: i64) -> Result<Vec<SignedBlock>, StoreError> {
        let rows = sqlx::query(
            "SELECT vantage, from_probe, to_probe, signature FROM vantage_batches WHERE event = ? \
             ORDER BY vantage, from_probe",
        )
        .bind(event)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(block_of).collect()
    }

    /// Published events whose window is not closed and which this key's vantage measures, oldest first, after `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn assigned_events(
        &self,
        key: &Hex32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM events WHERE attestation IS NULL AND published = 1 AND provisional IS NULL AND id > ? \
             AND instr(vantages, ?) > 0 ORDER BY id LIMIT ?",
        )
        .bind(after)
        .bind(key.to_string())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(events::event_of).collect()
    }
}

async fn stored_signature(
    tx: &mut Transaction,
    event: i64,
    block: &Block,
) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT signature FROM vantage_batches WHERE event = ? AND vantage = ? AND from_probe = ?",
    )
    .bind(event)
    .bind(&block.vantage)
    .bind(signed(block.probes.start, "from_probe")?)
    .fetch_optional(&mut **tx)
    .await?)
}

pub(super) async fn is_closed(tx: &mut Transaction, event: i64, slice: u64) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM slices WHERE event = ? AND slice = ?)")
        .bind(event)
        .bind(signed(slice, "slice")?)
        .fetch_one(&mut **tx)
        .await?)
}

async fn insert_late(tx: &mut Transaction, event: i64, block: &Block) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO vantage_late (event, vantage, from_probe) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(event)
    .bind(&block.vantage)
    .bind(signed(block.probes.start, "from_probe")?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn insert_block(tx: &mut Transaction, event: i64, block: &Block) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO vantage_batches (event, vantage, from_probe, to_probe, signature) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(event)
    .bind(&block.vantage)
    .bind(signed(block.probes.start, "from_probe")?)
    .bind(signed(block.probes.end, "to_probe")?)
    .bind(block.signature.0.as_slice())
    .execute(&mut **tx)
    .await?;
    let rows: Vec<Row<'_>> = block
        .samples
        .iter()
        .map(|new| Row {
            probe: new.probe,
            sample: &new.sample,
            cause: new.cause.clone(),
            phases: Phases::default(),
        })
        .collect();
    samples::insert(tx, event, &rows).await
}

fn block_of(row: &SqliteRow) -> Result<SignedBlock, StoreError> {
    let signature: &[u8] = row.try_get("signature")?;
    let signature = signature.try_into().map_err(|_| StoreError::Corrupt { column: "signature" })?;
    Ok(SignedBlock {
        vantage: row.try_get("vantage")?,
        probes: unsigned(row.try_get("from_probe")?, "from_probe")?
            ..unsigned(row.try_get("to_probe")?, "to_probe")?,
        signature: Hex64(signature),
    })
}
