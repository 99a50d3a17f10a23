//! Haggling: the rules, what may vary, and strategies against each other.

mod common;
mod reputation;
mod session;
mod standing;
mod strategy;
mod variation;
