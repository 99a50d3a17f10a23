//! What an agent thinks before it signs: what an agreement is worth, and what to say next.
//!
//! [`session`] says who may say what next, [`variation`] what of an offer a counter may change, [`strategy`] what to
//! answer by a plan, and [`standing`] what is the same service in another window. [`simulate`] imagines thousands of windows of a service and measures each as an oracle would;
//! [`history`] reads what was measured before, to draw from. [`payouts`] says what such windows pay, [`pricing`] what to ask for them and what they are
//! worth, and [`outlook`] tells both sides in words what they get at every outcome. [`random`] draws the numbers: the same
//! seed gives the same ones on every machine. [`reputation`] counts how a provider kept what it promised, and what that is worth.
//!
//! This crate knows no clock, no network, no files and no keys. Times and seeds are arguments, and everything is computed in
//! integers.

pub mod history;
pub mod outlook;
pub mod payouts;
pub mod pricing;
pub mod random;
pub mod reputation;
pub mod session;
pub mod simulate;
pub mod standing;
pub mod strategy;
pub mod variation;
pub mod words;
