//! What leaves a node for its backup: sealed records, and the folder that keeps them.
//!
//! A record is sealed under a key that grows from the seed, so that seed and target together bring a node back, and
//! whoever keeps the target learns sizes and times, and nothing else. This crate knows neither escrows nor wallets:
//! events and envelopes are text to it, as they are to the store.
//!
//! Start reading at [`EscrowRecord`], then [`Folder::put`] (when something counts as kept) and [`seal`].

mod error;
mod folder;
mod key;
mod record;
mod sealed;

pub use error::BackupError;
pub use folder::Folder;
pub use key::BackupKey;
pub use record::{BreachRecord, EnvelopeRecord, EscrowRecord, EventRecord, Live, NodeRecord, WalletPlace};
pub use sealed::{open, seal};
