//! `earnest serve`: wallet, escrows and peers of one party, joined.
//!
//! Everything that decides lives elsewhere: `terms` (what is owed), `contract` (what may be signed),
//! `engine` (what is due), `mandate` (what the owner allows). This crate moves bytes between them,
//! the database, the Bitcoin node, the oracles and the two HTTP listeners, always in the same order:
//! decide, store, then act.
//!
//! Start reading at [`Node::drive`], then `core.rs` (how anything changes) and `peers/exchange.rs` (what a
//! peer's envelope leads to).

mod alarms;
mod book;
mod chain;
pub mod config;
mod core;
mod directory;
mod error;
mod feed;
mod guard;
mod http;
mod init;
mod keeper;
mod keys;
mod money;
mod node;
mod open;
mod oracles;
mod outlook;
mod peers;
mod rehearsal;
mod reputation;
mod rotate;
mod serve;
mod standing;
#[cfg(test)]
mod tests;
mod ticket;
mod transcript;
mod views;
mod visitors;

pub use book::ReceiptsConfig;
pub use config::{Config, ConfigError, MAINNET_ACKNOWLEDGEMENT};
pub use directory::{DirectoryConfig, ListingConfig};
pub use error::NodeError;
pub use init::{Initialised, init};
pub use keeper::{RestoreError, RestoreRequest, Restored, SnapshotError, restore, snapshot};
pub use keys::{PASSPHRASE, load_token, load_words, token_path};
pub use money::fees::FeesConfig;
pub use node::Node;
pub use peers::locking::LockingConfig;
pub use reputation::{Doubt, Publish, ReputationConfig};
pub use serve::{ServeError, serve};
pub use visitors::LimitsConfig;
pub use wallet::Seed;
