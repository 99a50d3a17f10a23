//! A bitcoind over RPC: typed calls, typed errors. Needs neither `-txindex` nor the node's wallet.

mod broadcast;
mod btc;
mod calls;
mod client;
mod mempool;

pub use broadcast::{BroadcastError, Broadcasted, PackageResult, PackageTx};
pub use calls::{BlockPlace, ChainInfo, MempoolSpender, Tip, Utxo, View};
pub use client::{Bitcoind, ChainError, RpcAuth};
pub use mempool::MempoolEntry;
