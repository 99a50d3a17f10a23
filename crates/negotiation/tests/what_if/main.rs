//! What an agreement is worth: imagined windows, prices, and what is said of them.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;
mod histories;
mod outlooks;
mod prices;
mod simulations;
