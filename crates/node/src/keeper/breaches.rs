//! What others have shown of broken promises, at the backup target.
//!
//! A provider presents what it kept, and that can be fetched again. What it broke came from whoever was let down; a node that
//! has forgotten it would pay that provider more.

use backup::{BackupError, BackupKey, BreachRecord};
use protocol::owner::{End, Finished};
use storage::{Store, VerifiedReference};

use super::restore::RestoreError;
use crate::error::NodeError;

/// So many are kept there, the newest: they are written with every change of an escrow.
const MOST: usize = 1_000;

/// Those that the database has.
///
/// # Errors
/// When it fails.
pub(super) async fn known(store: &Store) -> Result<Vec<BreachRecord>, NodeError> {
    let rows = store.newest_breaches(MOST).await?;
    let record = |(row, at): (VerifiedReference, u64)| BreachRecord {
        provider: row.provider,
        funding_txid: row.funding_txid,
        hash: row.hash,
        funding_block: row.funding_block,
        closing_block: row.closing_block,
        at,
        json: row.json,
    };
    Ok(rows.into_iter().map(record).collect())
}

/// Adds to a database those that the target has. The chain is asked about each whenever it is to count.
///
/// # Errors
/// When one of them is none, or the database fails.
pub(super) async fn bring(
    store: &Store,
    key: &BackupKey,
    breaches: &[BreachRecord],
) -> Result<(), RestoreError> {
    let mut tx = store.begin().await?;
    for breach in breaches {
        let shows: Option<Finished> = serde_json::from_str(&breach.json).ok();
        let is_one = |shows: &Finished| {
            (shows.end, shows.provider, shows.funding_txid)
                == (End::Breached, breach.provider, breach.funding_txid)
        };
        if !shows.as_ref().is_some_and(is_one) {
            return Err(BackupError::Field { name: key.node_file(), field: "breaches" }.into());
        }
        let kept = VerifiedReference {
            provider: breach.provider,
            funding_txid: breach.funding_txid,
            hash: breach.hash,
            funding_block: breach.funding_block,
            closing_block: breach.closing_block,
            json: breach.json.clone(),
        };
        tx.keep_reference(&kept, breach.at).await?;
    }
    Ok(tx.commit().await?)
}
