//! Every test of this crate as one program, which is compiled and linked once. `tests/tests/test_programs.rs` finds a
//! file that is missing here.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

mod processes;
mod requests;
mod scripted_barrier;
mod simulated_time;
