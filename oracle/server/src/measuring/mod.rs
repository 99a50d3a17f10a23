//! Measuring one event: probing at its moments, or hearing its beats; writing down soon; closing slice after slice, and at
//! last the window.
//!
//! [`window`] is the loop, for an oracle's own probes; [`watch`] makes them, at the moments that [`instants`] computes, and a
//! vantage elsewhere uses both too. [`flush`] says when to write. A service that sends beats is measured by [`heartbeat`].
//! [`closing`] goes from a window's samples to its provisional outcome.

pub mod closing;
pub mod flush;
pub mod heartbeat;
pub mod instants;
pub mod watch;
pub mod window;
