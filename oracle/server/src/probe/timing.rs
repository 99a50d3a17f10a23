//! The timing port: a stopwatch, or in simulated time what the answer says of itself.

use std::time::{Duration, Instant};

use hickory_resolver::proto::rr::{RData, Record};
use hyper::HeaderMap;

use super::cause::Cause;
use super::lookups::Lookups;
use super::phases::{Phases, micros};

/// The header by which a simulated service says how long it took. Never heeded in system time.
pub const SIMULATED_LATENCY_HEADER: &str = "x-simulated-latency-ms";

/// The TXT record by which a simulated name server says the same, beside the records that were asked for.
pub const SIMULATED_LATENCY_NAME: &str = "x-simulated-latency-ms.";

/// In simulated time the machine's own slowness must not decide anything, so that a probe gives
/// up only after this much real time.
const SIMULATED_PATIENCE: Duration = Duration::from_secs(30);

/// Where latencies come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// The machine's monotonic clock.
    Stopwatch,
    /// What answers say of themselves: the header `x-simulated-latency-ms`, and the record of that name; only in
    /// simulated time.
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

    /// Runs a probe that may take `timeout_ms`, with its target's places for lookups, and says how long it took.
    pub(super) async fn run<T>(
        self,
        timeout_ms: u64,
        lookups: &Lookups,
        work: impl AsyncFnOnce(&mut Trip) -> Result<T, Cause>,
    ) -> Ran<T> {
        let limit_ms = match self {
            Self::Stopwatch => None,
            Self::Simulated => Some(timeout_ms),
        };
        let (started, mut trip) =
            (Instant::now(), Trip { limit_ms, lookups: lookups.clone(), ..Trip::default() });
        let ended = tokio::time::timeout(self.patience(timeout_ms), work(&mut trip)).await;
        let outcome = ended.unwrap_or(Err(Cause::Timeout));
        let latency_ms = match (self, &outcome) {
            (Self::Stopwatch, _) => elapsed_ms(started),
            (Self::Simulated, Ok(_)) => trip.stated_ms,
            (Self::Simulated, Err(_)) => 0,
        };
        let late = latency_ms > timeout_ms || matches!(outcome, Err(Cause::Timeout));
        let phases = match self {
            Self::Stopwatch => Phases { total_us: Some(micros(started.elapsed())), ..trip.phases },
            Self::Simulated => Phases::default(),
        };
        Ran {
            outcome: if late { Err(Cause::Timeout) } else { outcome },
            latency_ms: saturate(if late { timeout_ms } else { latency_ms }),
            phases,
        }
    }
}

/// What a probe learns on its way, kept also when it gives up.
#[derive(Debug, Default)]
pub(super) struct Trip {
    pub(super) phases: Phases,
    /// The target's places for lookups.
    pub(super) lookups: Lookups,
    stated_ms: u64,
    /// In simulated time: how much may be stated until it is too late.
    limit_ms: Option<u64>,
}

impl Trip {
    /// Notes what an answer says of its own latency.
    pub(super) fn heard(&mut self, headers: &HeaderMap) {
        self.stated_ms = self.stated_ms.saturating_add(stated_ms(headers));
    }

    /// The same of a name server's answer. Questions of one lookup are asked side by side, so the longest counts.
    pub(super) fn heard_name_server(&mut self, beside: &[Record]) {
        let stated = beside.iter().filter_map(stated_beside).max();
        self.stated_ms = self.stated_ms.saturating_add(stated.unwrap_or(0));
    }

    /// In simulated time nothing cuts a probe short that is too late already: who goes on asks here.
    pub(super) fn in_time(&self) -> Result<(), Cause> {
        let late = self.limit_ms.is_some_and(|limit_ms| self.stated_ms > limit_ms);
        if late { Err(Cause::Timeout) } else { Ok(()) }
    }
}

/// A probe that has run.
#[derive(Debug)]
pub(super) struct Ran<T> {
    /// What came of it.
    pub(super) outcome: Result<T, Cause>,
    /// How long it took; what ran out of time took all of it.
    pub(super) latency_ms: u32,
    /// How long each of its parts took.
    pub(super) phases: Phases,
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

fn stated_beside(record: &Record) -> Option<u64> {
    let RData::TXT(text) = &record.data else { return None };
    let text = text.txt_data.concat();
    let is_latency = record.name.to_ascii() == SIMULATED_LATENCY_NAME;
    std::str::from_utf8(&text).ok().filter(|_| is_latency)?.parse().ok()
}

/// Milliseconds as samples carry them.
pub(super) fn saturate(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}
