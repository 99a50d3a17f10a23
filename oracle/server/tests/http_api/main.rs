//! What the API takes and gives, and how it says no: a file for each subject.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "../common/mod.rs"]
mod common;
mod kormir;
mod measurements;
mod reading;
mod requesters;
