//! The report in words.

use terms::units::PPM_WHOLE;
use terms::{Aggregate, Confirm, Indicator, Measurement, Method, Metric, Outcome, Rounding, Scale};

use crate::ratio::Ratio;
use crate::report::{Incident, Report, Turned};

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
        if let (Some(rule), Some(turned)) = (measurement.confirm, self.confirmed) {
            text.push_str(&outages(rule, turned, &self.incidents));
        }
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
                let reading = match &measurement.indicator {
                    Indicator::Metric(metric) => self.metric(measurement, metric, reading),
                    _ => rounded(measurement, reading),
                };
                format!("{reading}, {value}: {outcome}.")
            }
            _ => format!("Nothing was delivered within the window: {outcome}."),
        }
    }

    fn metric(&self, measurement: &Measurement, metric: &Metric, reading: &Ratio) -> String {
        let unit = unit(&measurement.outcome);
        let aggregate = aggregate(metric.aggregate);
        let of = match measurement.method {
            Method::RatioTimeslices {} => format!("mean over the measured slices of each one's {aggregate}"),
            _ => aggregate,
        };
        let failed = match self.probes.bad {
            0 => String::new(),
            bad => format!(
                ", where each of {bad} failed probes counts as the worst reading, {}{unit}",
                measurement.outcome.worst_reading()
            ),
        };
        format!(
            "The {of} reading times {}{failed}, is {}, or {}{unit}, rounded {}",
            metric.scale,
            short(reading),
            thousandths(reading.scaled(1000, Rounding::Down)),
            side(measurement),
        )
    }
}

/// What confirmation made of the probes.
fn outages(rule: Confirm, turned: Turned, incidents: &[Incident]) -> String {
    let length: u64 = incidents.iter().map(|outage| outage.end.0 - outage.start.0).sum();
    format!(
        "An outage takes {} bad probes in a row and ends with {} good ones: there were {}, {length} s altogether; {} bad \
         probes were too few in a row and count as good, {} good ones did not end an outage and count as bad. ",
        rule.bad,
        rule.good,
        incidents.len(),
        turned.unconfirmed,
        turned.held,
    )
}

fn rounded(measurement: &Measurement, reading: &Ratio) -> String {
    let (what, factor, unit) = match (&measurement.indicator, &measurement.method) {
        (Indicator::Lateness { .. }, _) => ("The delivery came late by", 1, "units"),
        (_, Method::Timeslices { .. }) => ("The share of bad slices is", PPM_WHOLE, "ppm"),
        (_, Method::RatioTimeslices {}) => {
            ("The mean error rate of the measured slices is", PPM_WHOLE, "ppm")
        }
        (_, Method::Occurrences {}) => ("The share of bad probes is", PPM_WHOLE, "ppm"),
    };
    let number = thousandths(reading.scaled(factor * 1000, Rounding::Down));
    format!("{what} {}, or {number} {unit}, rounded {}", short(reading), side(measurement))
}

fn side(measurement: &Measurement) -> &'static str {
    match measurement.rounding {
        Rounding::Up => "up",
        Rounding::Down => "down",
    }
}

fn thousandths(number: u64) -> String {
    format!("{}.{:03}", number / 1000, number % 1000)
}

/// How readings become one, in words.
fn aggregate(aggregate: Aggregate) -> String {
    match aggregate {
        Aggregate::Mean => "mean".to_owned(),
        Aggregate::Min => "smallest".to_owned(),
        Aggregate::Max => "largest".to_owned(),
        Aggregate::Last => "last".to_owned(),
        Aggregate::Median => "median".to_owned(),
        Aggregate::PercentilePpm(share) => format!("percentile of {share} ppm"),
    }
}

fn unit(scale: &Scale) -> String {
    match scale {
        Scale::Numeric(scale) => format!(" {}", scale.unit),
        Scale::Enum(_) => String::new(),
    }
}

/// A mean over slices of many sizes can have thousands of digits, which nobody wants to read.
fn short(reading: &Ratio) -> String {
    let text = reading.to_string();
    if text.len() <= 80 { text } else { "a fraction of many digits".to_owned() }
}
