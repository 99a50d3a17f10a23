//! Readings of a metric: those of a slice, and what they come to together.
//!
//! Everything is exact until the outcome is rounded, once. A failed probe counts as the worst reading of the scale.

use std::cmp::Ordering;

use num_bigint::BigInt;
use terms::units::PPM_WHOLE;
use terms::{Aggregate, Decimal, Indicator, Measurement, Method, Metric, Ppm};

use crate::quorum::Probe;
use crate::ratio::Ratio;
use crate::sample::Verdict;
use crate::slice::SliceVerdict;

/// A metric with the worst reading of its scale.
pub(crate) struct Gauge {
    metric: Metric,
    /// In the scale's unit.
    worst: u64,
}

/// A reading: a number, or `None` for that of a failed probe.
type Reading = Option<Decimal>;

impl Gauge {
    /// The metric of a measurement; `None` where it measures something else.
    pub(crate) fn of(measurement: &Measurement) -> Option<Self> {
        match &measurement.indicator {
            Indicator::Metric(metric) => {
                Some(Self { metric: metric.clone(), worst: measurement.outcome.worst_reading() })
            }
            _ => None,
        }
    }

    /// What a slice says of its readings. For a mean that is the sum of the good probes' readings; otherwise one of
    /// them, or `None` where it is that of a failed probe, or of nobody.
    pub(crate) fn of_slice(&self, probes: &[Probe]) -> Reading {
        let decided = probes.iter().filter(|probe| probe.verdict != Verdict::Unknown);
        let mut readings: Vec<Reading> = decided.map(|probe| probe.value).collect();
        match self.metric.aggregate {
            // A window has at most 50 million probes, whose sum fits.
            Aggregate::Mean => Decimal::total(readings.into_iter().flatten()),
            Aggregate::Last => readings.pop().flatten(),
            Aggregate::Min => readings.into_iter().min_by(|a, b| self.compare(*a, *b)).flatten(),
            Aggregate::Max => readings.into_iter().max_by(|a, b| self.compare(*a, *b)).flatten(),
            Aggregate::Median => self.rank(readings, Ppm(PPM_WHOLE / 2)),
            Aggregate::PercentilePpm(share) => self.rank(readings, share),
        }
    }

    /// The nearest rank: the smallest reading that at least this share of them do not exceed.
    fn rank(&self, mut readings: Vec<Reading>, share: Ppm) -> Reading {
        readings.sort_unstable_by(|a, b| self.compare(*a, *b));
        let whole = u128::from(PPM_WHOLE);
        let rank = (readings.len() as u128 * u128::from(share.0)).div_ceil(whole);
        let place = usize::try_from(rank).unwrap_or(usize::MAX).saturating_sub(1);
        readings.get(place).copied().flatten()
    }

    /// What the measured slices come to, in the scale's unit; `None` without any.
    pub(crate) fn of_window<'a>(
        &self,
        method: &Method,
        measured: impl Iterator<Item = &'a SliceVerdict>,
    ) -> Option<Ratio> {
        let slices: Vec<&SliceVerdict> = measured.collect();
        if matches!(method, Method::RatioTimeslices {}) {
            return Ratio::mean_of(slices.iter().map(|slice| self.share(slice)), &unit());
        }
        if self.metric.aggregate == Aggregate::Mean {
            let (sum, count) = slices.iter().fold((BigInt::ZERO, 0), |(sum, count), slice| {
                (sum + self.total(slice), count + slice.decided())
            });
            return Ratio::mean_of([(sum, count)], &unit());
        }
        let mut readings = slices.iter().map(|slice| slice.reading);
        let reading = match self.metric.aggregate {
            Aggregate::Min => readings.min_by(|a, b| self.compare(*a, *b)),
            Aggregate::Max => readings.max_by(|a, b| self.compare(*a, *b)),
            _ => readings.next_back(),
        };
        Ratio::mean_of([(self.scaled(reading?), 1)], &unit())
    }

    /// A slice's reading as a fraction: of its probes' sum for a mean, of one otherwise.
    fn share(&self, slice: &SliceVerdict) -> (BigInt, u64) {
        match self.metric.aggregate {
            Aggregate::Mean => (self.total(slice), slice.decided()),
            _ => (self.scaled(slice.reading), 1),
        }
    }

    /// The sum of a slice's readings, those of failed probes included.
    fn total(&self, slice: &SliceVerdict) -> BigInt {
        let good = slice.reading.unwrap_or_default();
        self.scaled(Some(good)) + self.scaled(None) * slice.bad
    }

    fn compare(&self, a: Reading, b: Reading) -> Ordering {
        match (a, b) {
            // The scale is above 0, so the order is that of the numbers themselves.
            (Some(a), Some(b)) => a.cmp(&b),
            _ => self.scaled(a).cmp(&self.scaled(b)),
        }
    }

    /// A reading times the scale, in parts of [`unit`].
    fn scaled(&self, reading: Reading) -> BigInt {
        match reading {
            Some(reading) => BigInt::from(reading.units()) * self.metric.scale.units(),
            None => BigInt::from(self.worst) * unit(),
        }
    }
}

/// One, in the parts in which a reading times the scale is exact.
fn unit() -> BigInt {
    BigInt::from(Decimal::UNIT) * Decimal::UNIT
}
