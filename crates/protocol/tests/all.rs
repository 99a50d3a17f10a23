//! Every test of this crate as one program, which is compiled and linked once. `tests/tests/test_programs.rs` finds a
//! file that is missing here.

mod api;
mod common;
mod envelope;
mod golden;
mod offer_and_card;
mod request;
mod session;
