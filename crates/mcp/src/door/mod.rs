//! The doors: who is let in, and how.

pub mod http;
pub mod stdio;
