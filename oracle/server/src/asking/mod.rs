//! Asking for a measurement: who may, how much and how fast, at what price, and what then stands announced.
//!
//! [`announce`] is the way from a document to an event; it asks [`requester`] what somebody may have and [`price`] what it
//! costs. [`ahead`] asks by itself, for services of the configuration. The crate `rates` bounds requests of all kinds.

pub mod ahead;
pub mod announce;
pub mod price;
pub mod requester;
