//! What a vantage saw.

use terms::{Decimal, Measurement};

/// What one probe of one vantage came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The answer met all expectations.
    Good,
    /// It did not, or there was none in time.
    Bad,
    /// The vantage could not tell: its own connectivity was gone.
    Unknown,
}

/// A name of a vantage has at most this many characters.
pub const MAX_VANTAGE_CHARS: usize = 64;

/// One probe as one vantage saw it.
///
/// The order is that of evidence: by time, then by vantage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// When the probe began, in unix milliseconds. It says to which slot of the window the sample belongs.
    pub unix_ms: u64,
    /// The vantage's name: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub vantage: String,
    /// What it came to.
    pub verdict: Verdict,
    /// How long the answer took in milliseconds, or until the probe failed.
    pub latency_ms: u32,
    /// What a good answer read, where the measurement is of a metric; nothing otherwise.
    pub value: Option<Decimal>,
}

impl Sample {
    /// The index of the slot to which this sample belongs; `None` outside the window.
    pub fn probe(&self, measurement: &Measurement) -> Option<u64> {
        let start_ms = measurement.window.start.0.checked_mul(1000)?;
        let index = self.unix_ms.checked_sub(start_ms)?.checked_div(measurement.probe_every_ms)?;
        (index < measurement.probe_count()).then_some(index)
    }
}

/// Whether this can be a vantage's name. No character of it needs quoting in CSV, JSON or a URL.
pub fn is_vantage(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    !name.is_empty() && name.len() <= MAX_VANTAGE_CHARS && name.bytes().all(allowed)
}
