//! The oracle as a service: it takes measurements, announces them, probes on schedule, keeps what it saw,
//! publishes the outcome with its evidence, and signs once, at maturity.
//!
//! What a sample means stands in `ledger`; what may be signed, in `signer`. Here stand the probes, the
//! database, the clock-driven life of an event, and HTTP. This crate deliberately knows nothing of
//! contracts, payouts, parties or chains: the oracle never learns who uses an event.
//!
//! Start reading at [`scheduler`], which is an event's life in one function; then [`window`], where the
//! probing happens, and [`signing`], where the order of the writes matters.

pub mod aging;
pub mod ahead;
pub mod announce;
pub mod backup;
pub mod checking;
pub mod cli;
pub mod closing;
pub mod commands;
pub mod config;
pub mod durable;
pub mod heartbeat;
pub mod http;
pub mod instants;
pub mod keyring;
pub mod metrics;
pub mod objections;
pub mod open_files;
pub mod oracle;
pub mod overview;
pub mod pages;
pub mod price;
pub mod probe;
pub mod public_log;
pub mod rates;
pub mod reload;
pub mod requester;
pub mod retire;
pub mod scheduler;
pub mod service;
pub mod signing;
pub mod status;
pub mod store;
#[cfg(test)]
mod testing;
pub mod trust;
pub mod vantage;
pub mod vantages;
pub mod views;
pub mod watch;
pub mod window;
