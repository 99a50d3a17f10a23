//! The report in words.

use terms::{Indicator, Measurement, Method, Outcome, Rounding, units::PPM_WHOLE};

use crate::ratio::Ratio;
use crate::report::Report;

impl Report {
    /// Why the outcome is what it is, in sentences that a person can check with a pocket calculator.
    pub fn explain(&self, measurement: &Measurement) -> String {
        let counts = &self.slices;
        let mut text = format!(
            "Of {} slices {} were good, {} bad, {} unmeasured and {} excluded; of their probes {} were good, {} bad \
             and {} undecided. ",
            counts.total,
            counts.good,
            counts.bad,
            counts.unmeasured,
            counts.excluded,
            self.probes.good,
            self.probes.bad,
            self.probes.undecided,
        );
        text.push_str(&self.conclusion(measurement));
        text
    }

    fn conclusion(&self, measurement: &Measurement) -> String {
        let outcome = match &self.outcome {
            Outcome::Value(value) => format!("the outcome is {value}"),
            Outcome::Level(level) => format!("the outcome is \"{level}\""),
            Outcome::Indeterminate => {
                return format!(
                    "More than {} ppm of the slices that count are unmeasured, or none is measured: the outcome is \
                     indeterminate.",
                    measurement.indeterminate_above_ppm
                );
            }
        };
        match (&self.reading, self.value) {
            (Some(reading), Some(value)) => {
                format!("{}, {value}: {outcome}.", rounded(measurement, reading))
            }
            _ => format!("Nothing was delivered within the window: {outcome}."),
        }
    }
}

fn rounded(measurement: &Measurement, reading: &Ratio) -> String {
    let side = match measurement.rounding {
        Rounding::Up => "up",
        Rounding::Down => "down",
    };
    let (what, factor, unit) = match (&measurement.indicator, &measurement.method) {
        (Indicator::Lateness { .. }, _) => ("The delivery came late by", 1, "units"),
        (_, Method::Timeslices { .. }) => ("The share of bad slices is", PPM_WHOLE, "ppm"),
        (_, Method::RatioTimeslices {}) => {
            ("The mean error rate of the measured slices is", PPM_WHOLE, "ppm")
        }
        (_, Method::Occurrences {}) => ("The share of bad probes is", PPM_WHOLE, "ppm"),
    };
    let thousandths = reading.scaled(factor * 1000, Rounding::Down);
    let (whole, rest) = (thousandths / 1000, thousandths % 1000);
    format!("{what} {}, or {whole}.{rest:03} {unit}, rounded {side}", short(reading))
}

/// A mean over slices of many sizes can have thousands of digits, which nobody wants to read.
fn short(reading: &Ratio) -> String {
    let text = reading.to_string();
    if text.len() <= 80 { text } else { "a fraction of many digits".to_owned() }
}
