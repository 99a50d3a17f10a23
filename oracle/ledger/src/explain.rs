//! The report in words.

use terms::units::PPM_WHOLE;
use terms::{Confirm, Indicator, Measurement, Method, Metric, Outcome, Ppm, Rounding, Scale};

use crate::ratio::Ratio;
use crate::report::{Incident, Report, Turned};

impl Report {
    /// Why the outcome is what it is, in sentences that a person can check with a pocket calculator.
    pub fn explain(&self, measurement: &Measurement) -> String {
        let mut sentences: Vec<String> = tolerated(measurement).into_iter().collect();
        sentences.push(self.counts());
        if self.slices.unmeasured > 0 {
            sentences.push(format!(
                "A slice is unmeasured when fewer than {} of its probes were decided.",
                measurement.least_samples
            ));
        }
        if let (Some(rule), Some(turned)) = (measurement.confirm, self.confirmed) {
            sentences.push(outages(rule, turned, &self.incidents));
        }
        sentences.push(self.conclusion(measurement));
        sentences.join(" ")
    }

    fn counts(&self) -> String {
        let (slices, probes) = (&self.slices, &self.probes);
        format!(
            "Of {} slices {} were good, {} bad, {} unmeasured and {} excluded; of their probes {} were good, {} bad \
             and {} undecided{}.",
            slices.total,
            slices.good,
            slices.bad,
            slices.unmeasured,
            slices.excluded,
            probes.good,
            probes.bad,
            probes.undecided,
            if slices.excluded > 0 { " or excluded" } else { "" },
        )
    }

    fn conclusion(&self, measurement: &Measurement) -> String {
        let outcome = match &self.outcome {
            Outcome::Value(value) => {
                format!("the outcome is {value}{}{}", unit(&measurement.outcome), self.clamped(measurement))
            }
            Outcome::Level(level) => format!("the outcome is \"{level}\""),
            Outcome::Indeterminate => return self.indeterminate(measurement),
        };
        match (&self.reading, self.value, &measurement.indicator) {
            (Some(reading), Some(value), Indicator::Metric(metric)) => {
                format!("{}, {value}: {outcome}.", self.metric(measurement, metric, reading))
            }
            (Some(_), Some(0), Indicator::Lateness { .. }) => {
                format!("It was delivered in time, 0 units late: {outcome}.")
            }
            (Some(reading), Some(value), _) => {
                format!("{}, {value}: {outcome}.", rounded(measurement, reading))
            }
            _ => {
                format!("Nothing was delivered within the window, which counts as later than all: {outcome}.")
            }
        }
    }

    /// Says that a reading is off the scale.
    fn clamped(&self, measurement: &Measurement) -> &'static str {
        match &measurement.outcome {
            Scale::Numeric(scale) if self.value.is_some_and(|value| value > scale.max.0) => {
                ", the largest that there is"
            }
            _ => "",
        }
    }

    fn indeterminate(&self, measurement: &Measurement) -> String {
        let (unmeasured, all) = (self.slices.unmeasured, self.slices.total - self.slices.excluded);
        let why = match &measurement.indicator {
            Indicator::Lateness { .. } if unmeasured < all => {
                "Too many slices are unmeasured to say when it was delivered".to_owned()
            }
            _ if unmeasured == all => "No slice that counts was measured".to_owned(),
            _ => format!(
                "{unmeasured} of the {all} slices that count are unmeasured, and the measurement allows {} at most",
                measurement.indeterminate_above_ppm.percent()
            ),
        };
        format!("{why}: the outcome is indeterminate, which is neither good nor bad.")
    }

    fn metric(&self, measurement: &Measurement, metric: &Metric, reading: &Ratio) -> String {
        let unit = unit(&measurement.outcome);
        let aggregate = metric.aggregate.to_string();
        let of = match measurement.method {
            Method::RatioTimeslices {} => format!("mean over the measured slices of each one's {aggregate}"),
            _ => aggregate,
        };
        let failed = match self.probes.bad {
            0 => String::new(),
            bad => format!(
                ", where {} as the worst reading, {}{unit}",
                if bad == 1 {
                    "the failed probe counts".to_owned()
                } else {
                    format!("each of {bad} failed probes counts")
                },
                measurement.outcome.worst_reading()
            ),
        };
        let scale = match metric.scale.to_string().as_str() {
            "1" => String::new(),
            scale => format!(" times {scale}"),
        };
        let comma = if failed.is_empty() { "" } else { "," };
        format!(
            "The {of} reading{scale}{failed}{comma} is {}, or {}{unit}, rounded {}",
            short(reading),
            thousandths(reading.scaled(1000, Rounding::Down)),
            side(measurement),
        )
    }
}

/// What makes a probe or a slice bad, where that is not plain.
fn tolerated(measurement: &Measurement) -> Option<String> {
    let slice = match (&measurement.indicator, &measurement.method) {
        (Indicator::Latency { percentile_ppm: Some(percentile), .. }, _) => {
            Some(Ppm(PPM_WHOLE.saturating_sub(percentile.0)))
        }
        (_, Method::Timeslices { bad_above_ppm }) => Some(*bad_above_ppm),
        (_, Method::RatioTimeslices {} | Method::Occurrences {}) => None,
    };
    let slice = slice.map(|share| match share.0 {
        0 => "a slice is bad when any of its decided probes is".to_owned(),
        _ => format!("a slice is bad when more than {} of its decided probes are", share.percent()),
    });
    let probe = match &measurement.indicator {
        Indicator::Latency { threshold_ms, .. } => {
            Some(format!("a probe is bad when it fails or takes longer than {threshold_ms} ms"))
        }
        _ => None,
    };
    let rule = probe.into_iter().chain(slice).collect::<Vec<_>>().join(", and ");
    let mut letters = rule.chars();
    let first = letters.next()?.to_ascii_uppercase();
    Some(format!("{first}{}.", letters.as_str()))
}

/// What confirmation made of the probes.
fn outages(rule: Confirm, turned: Turned, incidents: &[Incident]) -> String {
    let length: u64 = incidents.iter().map(|outage| outage.end.0 - outage.start.0).sum();
    let found = match incidents.len() {
        0 => "there was none".to_owned(),
        1 => format!("there was 1, of {length} s"),
        count => format!("there were {count}, {length} s altogether"),
    };
    let few = match turned.unconfirmed {
        1 => "1 bad probe was too few in a row and counts as good".to_owned(),
        count => format!("{count} bad probes were too few in a row and count as good"),
    };
    let held = match turned.held {
        1 => "1 good one did not end an outage and counts as bad".to_owned(),
        count => format!("{count} good ones did not end an outage and count as bad"),
    };
    format!(
        "An outage takes {} bad probes in a row and ends with {} good ones: {found}; {few}, {held}.",
        rule.bad, rule.good
    )
}

fn rounded(measurement: &Measurement, reading: &Ratio) -> String {
    let (what, factor, unit) = match (&measurement.indicator, &measurement.method) {
        (Indicator::Lateness { unit_s, .. }, _) => {
            ("The delivery came late by", 1, format!("units of {unit_s} s"))
        }
        (_, Method::Timeslices { .. }) => {
            ("The share of bad slices among the measured ones is", PPM_WHOLE, "ppm".to_owned())
        }
        (_, Method::RatioTimeslices {}) => {
            ("The mean error rate of the measured slices is", PPM_WHOLE, "ppm".to_owned())
        }
        (_, Method::Occurrences {}) => ("The share of bad probes is", PPM_WHOLE, "ppm".to_owned()),
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

fn unit(scale: &Scale) -> String {
    match scale {
        Scale::Numeric(scale) => format!(" {}", scale.unit),
        Scale::Enum(_) => String::new(),
    }
}

/// A mean over slices of many sizes can have thousands of digits, which nobody wants to read.
fn short(reading: &Ratio) -> String {
    let text = reading.to_string();
    match text.strip_suffix("/1") {
        Some(whole) => whole.to_owned(),
        None if text.len() <= 80 => text,
        None => "a fraction of many digits".to_owned(),
    }
}
