//! Every test of this crate as one program, which is compiled and linked once. `tests/tests/test_programs.rs` finds a
//! file that is missing here.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

mod common;
mod conversations;
mod copies;
mod damaged_rows;
mod feed;
mod folders;
mod full_disk;
mod listings;
mod openers;
mod oracle_logs;
mod references;
mod torn_writes;
mod transactions;
