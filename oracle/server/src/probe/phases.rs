//! How long the parts of a probe took, each by itself.

use std::time::{Duration, Instant};

/// How long each part of a probe took, in microseconds by the machine's own clock.
///
/// A part that did not happen is absent: a kept connection is neither looked up nor dialed, and in simulated time
/// nothing is timed at all. Where redirects were followed, each part is the sum over all requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Looking up the name.
    pub dns_us: Option<u32>,
    /// From the first attempt to connect until one stood.
    pub connect_us: Option<u32>,
    /// The TLS handshake.
    pub tls_us: Option<u32>,
    /// From sending the request until the head of the answer was there.
    pub first_byte_us: Option<u32>,
    /// The whole probe, until the last byte that was looked at.
    pub total_us: Option<u32>,
}

impl Phases {
    pub(super) fn add_dns(&mut self, started: Instant) {
        add(&mut self.dns_us, started);
    }

    pub(super) fn add_connect(&mut self, started: Instant) {
        add(&mut self.connect_us, started);
    }

    pub(super) fn add_tls(&mut self, started: Instant) {
        add(&mut self.tls_us, started);
    }

    pub(super) fn add_first_byte(&mut self, started: Instant) {
        add(&mut self.first_byte_us, started);
    }
}

fn add(phase: &mut Option<u32>, started: Instant) {
    *phase = Some(phase.unwrap_or(0).saturating_add(micros(started.elapsed())));
}

pub(super) fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
