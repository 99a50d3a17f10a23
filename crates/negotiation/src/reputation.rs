//! Reputation from facts: what finished escrows say about a provider, how much of it counts, and what that is worth.
//!
//! Whether an escrow was real is for others to find out: here are only those that were. What no proof can tell is whether
//! its two parties were two. Whoever is willing to pay fees and to lock capital can finish escrows with itself, as many as
//! it likes, each of them kept. So what a stranger confirms in a provider's favour counts only as far as the owner says
//! ([`Trust`]). What speaks against a provider counts whoever the buyer was: it bears the provider's own signatures, and
//! nobody makes itself look worse in order to sell.

mod finished;
mod price;
mod room;
mod weigh;

pub use finished::{Ending, finished};
pub use price::{most_ppm, most_sat};
pub use room::makes_room;
pub use weigh::{Trust, Weighed, tally, weigh};
