//! A thing that is not there until it is delivered.

use std::ops::Range;

use terms::{DocumentError, Indicator, Measurement};

use crate::random::Random;

/// The longest time before or after a deadline: ten years, in milliseconds.
const MAX_MS: u64 = 3_653 * 86_400_000;

/// The most deliveries of a list.
const MAX_DELIVERIES: usize = 100_000;

/// When a delivery comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is planned for some time before the deadline, and slips by an exponentially distributed time.
    Planned {
        /// How long before the deadline it is planned for, in milliseconds.
        lead_ms: u64,
        /// The mean time by which it slips, in milliseconds.
        slip_ms: u64,
    },
    /// It is as late as one of these was, each as likely as any other: milliseconds after the deadline, negative before it.
    Measured(Vec<i64>),
}

impl Delivery {
    pub(super) fn check(&self) -> Result<(), DocumentError> {
        let bounded = |field: &str, ms: u64| match ms <= MAX_MS {
            true => Ok(()),
            false => Err(DocumentError::new(field, "must be at most ten years")),
        };
        match self {
            Self::Planned { lead_ms, slip_ms } => {
                bounded("lead", *lead_ms)?;
                bounded("slip", *slip_ms)
            }
            Self::Measured(late_ms) if late_ms.is_empty() || late_ms.len() > MAX_DELIVERIES => {
                Err(DocumentError::new("history", format!("must hold 1 to {MAX_DELIVERIES} deliveries")))
            }
            Self::Measured(late_ms) => {
                late_ms.iter().try_for_each(|late_ms| bounded("history", late_ms.unsigned_abs()))
            }
        }
    }

    /// The time from the window's start to the delivery.
    pub(super) fn down(
        &self,
        random: &mut Random,
        measurement: &Measurement,
        window_ms: u64,
    ) -> Vec<Range<u64>> {
        let late_ms = i128::from(self.late_ms(random));
        let deadline_s = match measurement.indicator {
            Indicator::Lateness { deadline, .. } => deadline.0.saturating_sub(measurement.window.start.0),
            _ => 0,
        };
        let after_ms = (i128::from(deadline_s) * 1000 + late_ms).clamp(0, i128::from(window_ms));
        let until = u64::try_from(after_ms).unwrap_or(window_ms);
        if until == 0 { Vec::new() } else { std::iter::once(0..until).collect() }
    }

    /// How late it comes.
    fn late_ms(&self, random: &mut Random) -> i64 {
        match self {
            Self::Planned { lead_ms, slip_ms } => {
                let slip_ms = i64::try_from(random.exponential(*slip_ms)).unwrap_or(i64::MAX);
                slip_ms.saturating_sub_unsigned(*lead_ms)
            }
            Self::Measured(late_ms) => {
                let drawn = random.below(late_ms.len() as u64);
                usize::try_from(drawn).ok().and_then(|drawn| late_ms.get(drawn)).copied().unwrap_or(0)
            }
        }
    }
}
