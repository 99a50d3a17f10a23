//! Every test of this crate as one program, which is compiled and linked once. `tests/tests/test_programs.rs` finds a
//! file that is missing here.

mod audit;
mod common;
mod conflict;
mod flips;
mod keys;
mod messages;
mod sign_once;
