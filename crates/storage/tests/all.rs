//! Every test of this crate as one program, which is compiled and linked once. `tests/tests/test_programs.rs` finds a
//! file that is missing here.

mod common;
mod conversations;
mod copies;
mod damaged_rows;
mod folders;
mod full_disk;
mod torn_writes;
mod transactions;
