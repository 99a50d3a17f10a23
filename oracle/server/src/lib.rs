//! The oracle as a service: it takes measurements, announces them, probes on schedule, keeps what it saw,
//! publishes the outcome with its evidence, and signs once, at maturity.
//!
//! What a sample means stands in `ledger`; what may be signed, in `signer`. Here stand the probes, the
//! database, the clock-driven life of an event, and HTTP. This crate deliberately knows nothing of
//! contracts, payouts, parties or chains: the oracle never learns who uses an event.
//!
//! Start reading at [`scheduler`], which is an event's life in one function; then [`measuring`], where the probing
//! happens, and [`signing`], where the order of the writes matters. The way into that life is [`asking`], what
//! everybody sees of it are [`http`] and [`pages`], and [`operating`] is what its operator does. [`vantage`] is this
//! program as a vantage of an oracle elsewhere, [`vantages`] the oracle's side of that; [`checking`] is for anybody.

pub mod asking;
pub mod checking;
pub mod cli;
pub mod commands;
pub mod config;
pub mod http;
pub mod measuring;
pub mod metrics;
pub mod objections;
pub mod operating;
pub mod oracle;
pub mod overview;
pub mod pages;
pub mod probe;
pub mod public_log;
pub mod scheduler;
pub mod service;
pub mod signing;
pub mod status;
pub mod store;
#[cfg(test)]
mod testing;
pub mod vantage;
pub mod vantages;
pub mod views;
mod words;
