//! What the slices of an event mean for somebody who asks "is it up?": time spent, incidents, latency.
//!
//! Nothing here decides an outcome; that is the ledger's alone. These are its probes as they count there, added up by hour
//! and by day as slices end, so that a page about months reads some rows and no samples. Pure: no clock, no database.
//!
//! Start reading at [`digest`].

mod digest;
mod incident;
mod name;
mod tally;

pub use digest::{Digest, Note, Probe, Seen, digest, percentile, probes_of, probes_so_far};
pub use incident::{Incident, Incidents};
pub use name::{slug, title};
pub use tally::{DAY_S, HOUR_S, Share, Tally};
