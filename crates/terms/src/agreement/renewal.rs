//! The same agreement about the next window.

use super::Agreement;
use crate::canonical::{DocumentError, ensure};
use crate::measurement::{Indicator, Measurement, TimeRange};
use crate::units::UnixSeconds;

impl Agreement {
    /// The agreement about the window that begins where this one's ends: as long, with everything that lies at a moment
    /// moved by the window's length (exclusions, a delivery's deadline, the funding deadline), and all else the same. Both
    /// parties compute it alone, and get the same terms hash.
    ///
    /// # Errors
    /// When the next window breaks a rule of the document, such as the latest moment that a locktime can name.
    pub fn renewed(&self) -> Result<Self, DocumentError> {
        let by = self.measurement.window.seconds();
        ensure(by > 0, "measurement.window.end", "must come after measurement.window.start")?;
        let measurement = shifted(&self.measurement, by);
        let next = Self {
            event_id: measurement.event_id(),
            measurement,
            funding_deadline: later(self.funding_deadline, by),
            ..self.clone()
        };
        next.validate()?;
        Ok(next)
    }
}

fn shifted(measurement: &Measurement, by: u64) -> Measurement {
    let range = |range: &TimeRange| TimeRange { start: later(range.start, by), end: later(range.end, by) };
    let indicator = match &measurement.indicator {
        Indicator::Lateness { deadline, unit_s } => {
            Indicator::Lateness { deadline: later(*deadline, by), unit_s: *unit_s }
        }
        other => other.clone(),
    };
    Measurement {
        indicator,
        window: range(&measurement.window),
        exclusions: measurement.exclusions.iter().map(range).collect(),
        ..measurement.clone()
    }
}

fn later(moment: UnixSeconds, by: u64) -> UnixSeconds {
    UnixSeconds(moment.0.saturating_add(by))
}
