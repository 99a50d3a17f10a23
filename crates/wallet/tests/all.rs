//! Every test of this crate as one program, which is compiled and linked once. `tests/tests/test_programs.rs` finds a
//! file that is missing here.

mod bumping;
mod common;
mod money;
mod node_calls;
mod seed_file;
mod signing;
mod watching;
