//! Bounds on what outside input can make the oracle do.

use serde::Deserialize;

use super::load::rule;

/// Bounds on what outside input can make the oracle do.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Events that are announced and not yet attested.
    pub open_events: u64,
    /// Probes in one event's window. Closing a window takes about 100 MB of memory for a million.
    pub probes_per_event: u64,
    /// Milliseconds between two probes of one event, at least.
    pub probe_every_ms: u64,
    /// Bytes of a probed body that are read, at most.
    pub body_bytes: u64,
    /// Connections to the HTTP API at the same time. Probes need file descriptors too.
    pub connections: usize,
    /// HTTP requests that are answered at the same time.
    pub requests: usize,
    /// Probes that are under way at the same time.
    pub probes: usize,
    /// Readers of the stream at the same time.
    pub stream_readers: usize,
}

/// No machine does more than this at the same time.
const MOST_AT_ONCE: usize = 1_000_000;

impl Limits {
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let counted = 1..=MOST_AT_ONCE;
        let connections = counted.contains(&self.connections);
        rule(connections, "limits.connections", "must be from 1 to 1,000,000")?;
        rule(counted.contains(&self.requests), "limits.requests", "must be from 1 to 1,000,000")?;
        rule(counted.contains(&self.probes), "limits.probes", "must be from 1 to 1,000,000")?;
        let readers = self.stream_readers <= MOST_AT_ONCE;
        rule(readers, "limits.stream_readers", "must be at most 1,000,000")?;
        rule(self.probe_every_ms > 0, "limits.probe_every_ms", "must be at least 1")
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open_events: 1_000,
            probes_per_event: 1_000_000,
            probe_every_ms: 1_000,
            body_bytes: 8 * 1024 * 1024,
            connections: 2_048,
            requests: 256,
            probes: 2_048,
            stream_readers: 64,
        }
    }
}
