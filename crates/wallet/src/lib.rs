//! The wallet and its view of the chain: seed and keys, own coins, signing, and a bitcoind over RPC.
//!
//! What it deliberately knows nothing about: contracts, escrows, agreements, storage and HTTP. It holds no clock and
//! no database: the time is an argument, and what changed is handed out by [`Wallet::take_staged`], to be written in
//! the same database transaction as the events that caused it. Which coins are reserved is likewise the caller's
//! knowledge, passed to every call that chooses coins.
//!
//! Where to start reading: [`Seed`] for the keys, [`Wallet`] for the coins, [`Bitcoind`] for the RPC, and
//! [`Follower`], which feeds blocks and mempool to the wallet and to the outpoints and transactions being watched.

mod build;
pub mod chain;
mod coins;
mod error;
mod follow;
mod gather;
mod seed;
mod seed_file;
mod sign;
mod supply;
mod unconfirmed;
mod wallet;
mod watch;

pub use bdk_wallet::ChangeSet;
pub use bdk_wallet::chain::Merge;
pub use build::{MAX_FEE, MAX_FEE_RATE_SAT_VB, Payment, SignedTx};
pub use chain::{Bitcoind, BroadcastError, Broadcasted, ChainError, RpcAuth, Tip};
pub use coins::{Coin, CoinRequest};
pub use error::{SelectError, SignError, SpendError, WalletError};
pub use follow::{FollowError, Follower, Synced};
pub use seed::{IdentityBranch, Seed, SeedError};
pub use seed_file::{Argon2Cost, SeedFileError};
pub use supply::{Lack, Split, plan_split, split_fee};
pub use wallet::{Balance, Birth, Wallet, WalletTransaction};
pub use watch::{Spend, TxStatus};
