//! The stories, one module for each subject. They are one program, so that they are linked once and run side by side.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod agents;
mod alone;
mod api;
mod attestations;
mod bad_input;
mod chain;
mod closing;
mod coins;
mod crashes;
mod delegation;
mod discovering;
mod dry_runs;
mod events;
mod fees;
mod foreign_code;
mod full_disk;
mod hostile;
mod locktimes;
mod mandates;
mod negotiating;
mod oracle;
mod oracle_keys;
mod oracle_logs;
mod oracle_trouble;
mod outlooks;
mod owners;
mod receipts;
mod recovery;
mod renewal;
mod reorgs;
mod reputation;
mod requesters;
mod rogue;
mod rotation;
mod settling;
mod several_oracles;
mod standing;
mod supply;
mod transcripts;
mod vantages;
