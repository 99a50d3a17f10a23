//! What a service's phases must come to in a window, worked out without running anything.
//!
//! One sample a slot, straight from the file, through the oracle's own pure function: the "why" beside an outcome that
//! was expected otherwise, and what `earnest scenario check` says of a file that miscounted.

use ledger::{Evaluation, Sample, Verdict};
use terms::{DocumentError, Measurement, UnixSeconds};

use super::file::{Market, Provider};
use crate::plan::disturbed;

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
    let phase = provider.phases.iter().find(|phase| phase.range.contains(at));
    let (verdict, latency_ms) =
        phase.map_or((Verdict::Good, 0), |phase| disturbed(measurement, phase, unix_ms));
    let latency_ms = u32::try_from(latency_ms).unwrap_or(u32::MAX);
    Sample { unix_ms, vantage: "plan".to_owned(), verdict, latency_ms, value: None }
}
