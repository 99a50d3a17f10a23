//! Every test of this crate as one program, which is compiled and linked once. `tests/tests/test_programs.rs` finds a
//! file that is missing here.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

mod audit_log;
mod backup;
mod command_line;
mod common;
#[path = "crash_walk/main.rs"]
mod crash_walk;
mod exhaustion;
mod heartbeats;
#[path = "http_api/main.rs"]
mod http_api;
mod https;
mod key_rotation;
mod life_of_an_event;
mod objections;
mod pages;
#[path = "probes/main.rs"]
mod probes;
mod probing;
mod proving;
mod public_log;
mod reload;
mod retention;
mod services;
mod signing_once;
#[path = "common/tls.rs"]
mod tls;
#[path = "vantages/main.rs"]
mod vantages;
