//! Every test of this crate as one program, which is compiled and linked once. `tests/tests/test_programs.rs` finds a
//! file that is missing here.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

mod agreement;
mod common;
mod decimals;
mod docs;
mod documents;
mod golden;
mod measurement;
mod payout;
mod presets;
mod properties;
mod scale;
mod targets;
mod tolerance;
