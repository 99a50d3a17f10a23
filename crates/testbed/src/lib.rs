//! What tests and replays stand on: a real bitcoind on regtest, a service that fails on command,
//! and the built binaries as processes.
//!
//! - [`Bitcoind`] starts a node of its own on a free port, mines, pays, reorganises, and can be
//!   killed and started again;
//! - [`FailingTarget`] is an HTTP server that is up, down, slow or wrong as its [`Phase`] says, with certificates of an
//!   [`Authority`] of one's own;
//! - [`NameServer`] answers questions of DNS as it is told;
//! - [`FullDisk`] is full for one process when it shall be;
//! - [`Process`] runs one of the workspace's binaries ([`binary()`]) with a log, waits until it
//!   is ready, ends or kills it;
//! - [`Service`] is a node or an oracle of ours with its configuration and folder: set up, started,
//!   killed, started again.
//!
//! Nothing outlives the value that stands for it, everything uses free loopback ports and a
//! folder of its own, and whatever takes too long fails and says why. Waiting here is in real
//! time, since what is waited for is the machine; simulated time is the crate `clock`.
//!
//! This crate deliberately knows nothing of contracts, oracles or scenarios, and never uses the
//! node's wallet. Start reading at [`Bitcoind`].

pub mod binary;
mod bitcoind;
mod certificates;
mod disk;
mod name_server;
mod ports;
mod process;
mod service;
mod target;

pub use binary::{BinaryError, binary};
pub use bitcoind::{Bitcoind, BitcoindBuilder, BitcoindError, RpcError, Rush, Tip};
pub use certificates::{Authority, CertificateError, Identity, THE_CENTURY};
pub use disk::{DiskError, FullDisk};
pub use name_server::{LATENCY_NAME, NameServer, Reply};
pub use ports::{free_addr, free_port};
pub use process::{Process, ProcessBuilder, ProcessError};
pub use service::{Service, ServiceError};
pub use target::{Counts, FailingTarget, LATENCY_HEADER, Phase};
