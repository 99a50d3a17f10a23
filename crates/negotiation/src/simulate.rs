//! What-if: thousands of imagined windows, each measured by the oracle's own rules.
//!
//! A [`Service`] says when a service is down. A [`Simulation`] imagines windows of it, lets every vantage probe at the very
//! moments that an oracle's schedule would choose, and reads the outcome with [`ledger::Tally`]. What comes of many of them is
//! a [`Distribution`], which no price changes: prices are looked for afterwards ([`crate::pricing`]).

mod delivery;
mod distribution;
mod probes;
mod renewal;

use std::ops::Range;

use ledger::Tally;
use serde::{Deserialize, Serialize};
use terms::units::PPM_WHOLE;
use terms::{DocumentError, Indicator, Measurement, Outcome, Ppm};

use crate::random::Random;
pub use delivery::Delivery;
pub use distribution::{Distribution, Ending};
use probes::Probes;
pub use renewal::Renewal;

/// The most windows that are imagined at once.
pub const MAX_RUNS: u64 = 1_000_000;

/// The most failures that a window may have in the mean: more would be no service, and take for ever.
const MAX_FAILURES: u64 = 100_000;

/// How a service fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// Up and down in turns: for availability and latency, where down is "failing or slow".
    Renewal(Renewal),
    /// Not there until it is delivered: for lateness.
    Delivery(Delivery),
}

/// What may go wrong with the oracle, whatever the service does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleRisk {
    /// The chance that it cannot measure enough, and attests "indeterminate".
    pub indeterminate_ppm: Ppm,
    /// The chance that it attests nothing at all, so that the refund becomes valid.
    pub silent_ppm: Ppm,
}

/// One imagined window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// When the service is down, in milliseconds since the window's start: ascending, not touching.
    pub down_ms: Vec<Range<u64>>,
    /// From what the moments of all probes follow ([`ledger::schedule::probe_at_ms`]).
    pub probe_seed: [u8; 32],
    /// How the oracle ends it, where it does not measure.
    pub oracle: Option<Ending>,
}

/// Imagines windows of a measurement, each by its number alone.
#[derive(Clone, Debug)]
pub struct Simulation {
    tally: Tally,
    probes: Probes,
    service: Service,
    oracle: OracleRisk,
    window_ms: u64,
    seed: u64,
}

impl Simulation {
    /// Imagines windows of this measurement.
    ///
    /// # Errors
    /// Names the field that breaks a rule: of the measurement (with `measurement` before it), or of the service.
    pub fn new(
        measurement: &Measurement,
        service: Service,
        oracle: OracleRisk,
        seed: u64,
    ) -> Result<Self, DocumentError> {
        let tally = Tally::new(measurement).map_err(|error| error.within("measurement"))?;
        let window_ms = measurement.window.seconds() * 1000;
        check_service(measurement, &service, window_ms)?;
        if oracle.indeterminate_ppm.0.saturating_add(oracle.silent_ppm.0) > PPM_WHOLE {
            let rule = "must be at most 1000000 together with indeterminate_ppm";
            return Err(DocumentError::new("silent_ppm", rule));
        }
        let probes = Probes::new(measurement);
        Ok(Self { tally, probes, service, oracle, window_ms, seed })
    }

    /// The window of this number: always the same one.
    pub fn timeline(&self, number: u64) -> Timeline {
        let mut random = Random::new(self.seed, number);
        let oracle = self.oracle.draw(&mut random);
        let probe_seed = random.bytes();
        let down_ms = match &self.service {
            Service::Renewal(renewal) => renewal.down(&mut random, self.window_ms),
            Service::Delivery(delivery) => {
                delivery.down(&mut random, self.tally.grid().measurement(), self.window_ms)
            }
        };
        Timeline { down_ms, probe_seed, oracle }
    }

    /// What an oracle measures in a window.
    pub fn measure(&self, timeline: &Timeline) -> Outcome {
        self.tally.outcome(&self.probes.runs(&timeline.down_ms, &timeline.probe_seed))
    }

    /// Imagines the windows of these numbers. What they come to does not depend on how the numbers are shared out.
    pub fn run(&self, numbers: Range<u64>) -> Distribution {
        let mut distribution = Distribution::default();
        for number in numbers {
            let timeline = self.timeline(number);
            let down_ms: u64 = timeline.down_ms.iter().map(|range| range.end - range.start).sum();
            let ending = match &timeline.oracle {
                Some(ending) => ending.clone(),
                None => Ending::from(self.measure(&timeline)),
            };
            distribution.add(ending, self.window_ms - down_ms);
        }
        distribution
    }
}

impl OracleRisk {
    /// What the oracle does instead of measuring, if anything.
    fn draw(self, random: &mut Random) -> Option<Ending> {
        let drawn = random.below(PPM_WHOLE);
        if drawn < self.silent_ppm.0 {
            Some(Ending::Refund)
        } else if drawn < self.silent_ppm.0 + self.indeterminate_ppm.0 {
            Some(Ending::Indeterminate)
        } else {
            None
        }
    }
}

/// The service is of the kind that the measurement measures, and bounded.
fn check_service(measurement: &Measurement, service: &Service, window_ms: u64) -> Result<(), DocumentError> {
    match (&measurement.indicator, service) {
        (Indicator::Lateness { .. }, Service::Renewal(_)) => Err(DocumentError::new(
            "measurement.indicator.lateness",
            "is of a delivery: say when it comes, not how often a service fails",
        )),
        (Indicator::Lateness { .. }, Service::Delivery(delivery)) => delivery.check(),
        (_, Service::Delivery(_)) => Err(DocumentError::new(
            "measurement.indicator",
            "is of no delivery: say how often the service fails, and for how long",
        )),
        (_, Service::Renewal(renewal)) => renewal.check(window_ms, MAX_FAILURES),
    }
}
