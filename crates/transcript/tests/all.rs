//! Every test of this crate as one program, which is compiled and linked once. `tests/tests/test_programs.rs` finds a
//! file that is missing here.

mod bundles;
#[path = "../../contract/tests/common/mod.rs"]
mod common;
mod disputes;
mod references;
