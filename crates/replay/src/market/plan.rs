//! What a service's outages must come to in a window, worked out without running anything.
//!
//! One sample a slot, straight from the file, through the oracle's own pure function: the "why" beside an outcome that
//! was expected otherwise, and what `earnest scenario check` says of a file that miscounted.

use ledger::{Evaluation, Sample, Verdict};
use terms::{DocumentError, Measurement, UnixSeconds};

use super::file::{Market, Outage, Provider};
use crate::plan::fails;

/// What the oracle must find of a service in a window, when everything happens as the file says.
///
/// # Errors
/// As [`ledger::evaluate`]: never for a market that was checked.
pub fn evaluate(
    market: &Market,
    provider: &Provider,
    window: terms::TimeRange,
) -> Result<Evaluation, DocumentError> {
    let measurement = market.measurement(provider, window);
    let samples: Vec<Sample> =
        (0..measurement.probe_count()).map(|probe| sample(&measurement, provider, probe)).collect();
    ledger::evaluate(&measurement, &samples)
}

fn sample(measurement: &Measurement, provider: &Provider, probe: u64) -> Sample {
    let unix_ms = measurement.window.start.0 * 1000 + probe * measurement.probe_every_ms;
    let at = UnixSeconds(unix_ms / 1000);
    let outage = provider.outages.iter().find(|outage| outage.range.contains(at));
    let failed = outage.is_some_and(|outage| hits(outage, unix_ms, measurement.probe_every_ms));
    let verdict = if failed { Verdict::Bad } else { Verdict::Good };
    Sample { unix_ms, vantage: "plan".to_owned(), verdict, latency_ms: 0, value: None }
}

fn hits(outage: &Outage, unix_ms: u64, probe_every_ms: u64) -> bool {
    fails(outage.share, (unix_ms - outage.range.start.0 * 1000) / probe_every_ms + 1)
}
