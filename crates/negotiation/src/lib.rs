//! What an agent thinks before it signs: what an agreement is worth, and what to say next.
//!
//! [`random`] draws the numbers of simulations and strategies: the same seed gives the same numbers on every machine.
//!
//! This crate knows no clock, no network, no files and no keys. Times and seeds are arguments, and everything is computed in
//! integers.

pub mod random;
