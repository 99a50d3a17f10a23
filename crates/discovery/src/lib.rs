//! Finding providers, checking what they say about themselves, and comparing what they offer.
//!
//! [`discover`] asks directories for listings and providers for their cards, many at a time and none for long. Each
//! signature is verified, and what is forged, stale or there twice is refused by name, without failing the rest. What is left
//! becomes rows that can be compared ([`Found`]), those about one measured service beside each other.
//!
//! This crate deliberately knows no clock, no configuration and no storage: the time is an argument, and what was found is
//! kept by nobody. Whether an offer may be taken is the mandate's to say, and what a row says is a peer's word: its texts
//! are data. Start reading at [`Search`].

mod ask;
mod candidates;
mod directory;
mod judge;
mod place;
mod row;
mod search;
mod told;

pub use row::{Found, INDICATORS, Order, sort};
pub use search::{Bounds, Search, Wanted, discover};
pub use told::{Discovery, Provider, Refused};
