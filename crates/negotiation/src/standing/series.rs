//! The offers of a standing offer: the same terms about one window after another.

use calendar::{Calendar, CalendarError, Maintenance, Period, exclusions};
use protocol::OfferDraft;
use protocol::owner::{Every, StandingOfferRequest};
use terms::{DocumentError, Indicator, Measurement, TimeRange, UnixSeconds};

/// The windows of a standing offer, and the offer about each.
#[derive(Clone, Debug)]
pub struct Series<'a> {
    template: &'a OfferDraft,
    calendar: Option<Calendar>,
    maintenance: Vec<Maintenance>,
}

/// Why there is no such series, or no next window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeriesError {
    /// Zone or maintenance cannot be read, or the calendar ends.
    #[error("{field}: {error}")]
    Calendar {
        /// `zone` or `maintenance`.
        field: &'static str,
        /// Why not.
        error: CalendarError,
    },
}

impl From<SeriesError> for DocumentError {
    fn from(error: SeriesError) -> Self {
        let SeriesError::Calendar { field, error } = error;
        Self::new(field, error.to_string())
    }
}

impl<'a> Series<'a> {
    /// The series that is asked for.
    ///
    /// # Errors
    /// Where zone or maintenance cannot be read.
    pub fn new(request: &'a StandingOfferRequest) -> Result<Self, SeriesError> {
        let period = match request.every {
            Every::Window => None,
            Every::Day => Some(Period::Day),
            Every::Week => Some(Period::Week),
            Every::Month => Some(Period::Month),
            Every::Quarter => Some(Period::Quarter),
        };
        let calendar = period.map(|period| Calendar::new(period, &request.zone)).transpose();
        let rules = request.maintenance.iter().map(|rule| rule.parse::<Maintenance>());
        let maintenance = rules.collect::<Result<_, _>>();
        Ok(Self {
            template: &request.template,
            calendar: calendar.map_err(|error| SeriesError::Calendar { field: "zone", error })?,
            maintenance: maintenance
                .map_err(|error| SeriesError::Calendar { field: "maintenance", error })?,
        })
    }

    /// The first window.
    ///
    /// # Errors
    /// Where the calendar ends.
    pub fn first(&self) -> Result<TimeRange, SeriesError> {
        self.from(self.template.measurement.window.start)
    }

    /// The first window that begins at a moment or later; without a calendar, the one that begins there.
    ///
    /// # Errors
    /// Where the calendar ends.
    pub fn from(&self, moment: UnixSeconds) -> Result<TimeRange, SeriesError> {
        let length = self.template.measurement.window.seconds();
        match &self.calendar {
            None => Ok(TimeRange { start: moment, end: UnixSeconds(moment.0.saturating_add(length)) }),
            Some(calendar) => {
                calendar.next(moment).map_err(|error| SeriesError::Calendar { field: "zone", error })
            }
        }
    }

    /// The end of a window, or of the first after it that is not over at a moment. However long ago it was, without a
    /// calendar it is worked out at once.
    ///
    /// # Errors
    /// Where the calendar ends.
    pub fn end_after(&self, window: TimeRange, moment: UnixSeconds) -> Result<UnixSeconds, SeriesError> {
        let mut end = window.end;
        if self.calendar.is_none() {
            let length = self.template.measurement.window.seconds().max(1);
            let over = moment.0.checked_sub(end.0).map_or(0, |late| late / length + 1);
            return Ok(UnixSeconds(end.0.saturating_add(over.saturating_mul(length))));
        }
        while end <= moment {
            end = self.from(end)?.end;
        }
        Ok(end)
    }

    /// The offer about a window: what lies at a moment keeps its distance from the window's beginning.
    ///
    /// # Errors
    /// Where maintenance gives no exclusions that a measurement may have.
    pub fn draft(&self, window: TimeRange) -> Result<OfferDraft, SeriesError> {
        let (template, from) = (self.template, self.template.measurement.window.start);
        let moved = |moment: UnixSeconds| moved(moment, from, window.start);
        Ok(OfferDraft {
            measurement: self.measurement(window)?,
            funding_deadline: moved(template.funding_deadline),
            expires: moved(template.expires),
            ..template.clone()
        })
    }

    fn measurement(&self, window: TimeRange) -> Result<Measurement, SeriesError> {
        let (old, to) = (&self.template.measurement, window.start);
        let moved = |moment: UnixSeconds| moved(moment, old.window.start, to);
        let indicator = match &old.indicator {
            Indicator::Lateness { deadline, unit_s } => {
                Indicator::Lateness { deadline: moved(*deadline), unit_s: *unit_s }
            }
            other => other.clone(),
        };
        let exclusions = match self.maintenance.as_slice() {
            [] => {
                let range =
                    |range: &TimeRange| TimeRange { start: moved(range.start), end: moved(range.end) };
                old.exclusions.iter().map(range).collect()
            }
            rules => exclusions(rules, window, old.slice_s)
                .map_err(|error| SeriesError::Calendar { field: "maintenance", error })?,
        };
        Ok(Measurement { indicator, window, exclusions, ..old.clone() })
    }
}

/// A moment that is as far from `to` as it was from `from`.
fn moved(moment: UnixSeconds, from: UnixSeconds, to: UnixSeconds) -> UnixSeconds {
    match moment.0.checked_sub(from.0) {
        Some(after) => UnixSeconds(to.0.saturating_add(after)),
        None => UnixSeconds(to.0.saturating_sub(from.0 - moment.0)),
    }
}
