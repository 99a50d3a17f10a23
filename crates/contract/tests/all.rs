//! Every test of this crate as one program, which is compiled and linked once. `tests/tests/test_programs.rs` finds a
//! file that is missing here.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

mod closing;
mod common;
mod flow;
mod learned_secrets;
mod mutations;
mod nonce_cancellation;
mod oracle_tolerance;
mod rebuild;
mod several_oracles;
mod tolerance_properties;
mod traps_hangs;
mod traps_inputs;
mod traps_money;
mod traps_oracles;
