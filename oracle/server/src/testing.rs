//! A measurement for unit tests.

use terms::{
    Expectations, HttpTarget, Indicator, Measurement, Method, NumericScale, OutcomeValue, Ppm, Quorum,
    Rounding, Scale, Target, TimeRange, UnixSeconds, Worse,
};

/// 2021-06-08T00:00:00Z
pub const START: u64 = 1_623_110_400;

/// An hour of availability in five-minute slices, probed every 15 seconds, changed as a test wants it.
pub fn measurement(url: &str, change: impl FnOnce(&mut Measurement)) -> Measurement {
    let mut measurement = Measurement {
        v: 1,
        target: Target::Http(HttpTarget::get(url, 5_000, Expectations::status(200, 299, 65_536))),
        indicator: Indicator::Availability {},
        window: TimeRange { start: UnixSeconds(START), end: UnixSeconds(START + 3_600) },
        slice_s: 300,
        probe_every_ms: 15_000,
        method: Method::RatioTimeslices {},
        quorum: Quorum { agree: 1, vantages: 1 },
        confirm: None,
        exclusions: Vec::new(),
        least_samples: 10,
        indeterminate_above_ppm: Ppm(100_000),
        rounding: Rounding::Up,
        outcome: Scale::Numeric(NumericScale {
            unit: "ppm".to_owned(),
            digits: 20,
            max: OutcomeValue(1_000_000),
            indeterminate_from: OutcomeValue((1 << 20) - (1 << 15)),
            worse: Worse::Higher,
        }),
    };
    change(&mut measurement);
    measurement
}
