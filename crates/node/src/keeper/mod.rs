//! Keeping what a node cannot lose where the loss of its data folder does not reach it.
//!
//! Each escrow that changes is written to the backup target as one sealed record, after it was committed and outside
//! all locks. Until the target has acknowledged the record with the three messages, the funding signature does not
//! leave ([`Core::held`]); whatever comes later is kept as soon as it can be.
//!
//! `keep.rs` writes, `restore.rs` brings a node back, `snapshot.rs` makes a copy of the whole database.

mod breaches;
mod keep;
mod merge;
mod restore;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};

use backup::{BackupKey, Folder};
use protocol::owner::{BackupState, BackupStatus};
use terms::Hex32;

pub(crate) use keep::backup_key;
pub use restore::{RestoreError, RestoreRequest, Restored, restore};
pub use snapshot::{SnapshotError, snapshot};

use crate::core::Core;

/// What is kept at the target, and what is still to be.
#[derive(Debug)]
pub(crate) struct Keeper {
    key: BackupKey,
    folder: Folder,
    /// Escrows that changed since their record was kept, each with the number of its last change.
    changed: BTreeMap<Hex32, u64>,
    changes: u64,
    /// Escrows whose three messages the target has acknowledged.
    safe: BTreeSet<Hex32>,
    /// The revisions that the node's own record tells of.
    listed: BTreeMap<Hex32, u64>,
    /// Whether the target was seen to know nothing that this node has forgotten.
    compared: bool,
    /// Whether what the node's own record tells has been written in this run, or is on its way.
    introduced: bool,
    /// Why the last attempt failed.
    trouble: Option<String>,
}

impl Keeper {
    /// A keeper that has yet to look at its target. Whatever lives is written anew, in case the target was changed.
    pub(crate) fn new(
        key: BackupKey,
        folder: Folder,
        safe: BTreeSet<Hex32>,
        live: impl IntoIterator<Item = Hex32>,
    ) -> Self {
        let changed: BTreeMap<Hex32, u64> = live.into_iter().map(|id| (id, 0)).collect();
        let listed = BTreeMap::new();
        let (compared, introduced, trouble) = (false, false, None);
        Self { key, folder, changed, changes: 0, safe, listed, compared, introduced, trouble }
    }

    /// Notes that what the target knows about the node itself is no longer true.
    pub(crate) fn introduce_again(&mut self) {
        self.introduced = false;
    }

    /// Notes that an escrow changed.
    pub(crate) fn note(&mut self, escrow: Hex32) {
        self.changes += 1;
        self.changed.insert(escrow, self.changes);
    }
}

impl Core {
    /// Whether an escrow's funding signature must not leave yet: the backup target has not acknowledged the three
    /// messages. A node without a target holds nothing.
    pub(crate) fn held(&self, id: Hex32) -> bool {
        let Some(keeper) = &self.keeper else { return false };
        self.escrows.get(&id).is_some_and(|escrow| escrow.sign.is_some()) && !keeper.safe.contains(&id)
    }

    /// How the backup stands, for the owner.
    pub(crate) fn backup_status(&self) -> BackupStatus {
        let Some(keeper) = &self.keeper else { return BackupStatus::default() };
        let waits = |status: engine::Status| !status.is_final() && !status.is_locked();
        let unfunded = self.escrows.iter().filter(|(_, escrow)| waits(escrow.noted));
        let held = unfunded.filter(|(id, _)| self.held(**id)).count();
        let state = match keeper.changed.is_empty() && keeper.trouble.is_none() {
            true => BackupState::Current,
            false => BackupState::Behind,
        };
        BackupStatus {
            state,
            escrows_behind: keeper.changed.len(),
            escrows_held: held,
            reason: keeper.trouble.clone(),
        }
    }
}
