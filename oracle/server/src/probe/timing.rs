//! The timing port: a stopwatch, or in simulated time what the answer says of itself.

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;

/// The header by which a simulated service says how long it took. Never heeded in system time.
pub const SIMULATED_LATENCY_HEADER: &str = "x-simulated-latency-ms";

/// In simulated time the machine's own slowness must not decide anything, so that a probe gives
/// up only after this much real time.
const SIMULATED_PATIENCE: Duration = Duration::from_secs(30);

/// Where latencies come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// The machine's monotonic clock.
    Stopwatch,
    /// The header `x-simulated-latency-ms`; only in simulated time.
    Simulated,
}

impl Timing {
    /// How long to really wait for an answer that may take `timeout_ms`.
    pub fn patience(self, timeout_ms: u64) -> Duration {
        match self {
            Self::Stopwatch => Duration::from_millis(timeout_ms),
            Self::Simulated => SIMULATED_PATIENCE,
        }
    }

    /// The latency of an answer whose headers are these and whose request left at `started`.
    pub fn of_answer(self, started: Instant, headers: &HeaderMap) -> u64 {
        match self {
            Self::Stopwatch => elapsed_ms(started),
            Self::Simulated => stated_ms(headers),
        }
    }

    /// The latency of a probe that broke off without an answer.
    pub fn of_failure(self, started: Instant) -> u64 {
        match self {
            Self::Stopwatch => elapsed_ms(started),
            Self::Simulated => 0,
        }
    }
}

fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn stated_ms(headers: &HeaderMap) -> u64 {
    headers
        .get(SIMULATED_LATENCY_HEADER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// Milliseconds as samples carry them.
pub fn saturate(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}
