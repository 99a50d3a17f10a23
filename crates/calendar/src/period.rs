//! Days, weeks, months and quarters as windows.

use jiff::ToSpan as _;
use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, civil};
use serde::{Deserialize, Serialize};
use terms::{TimeRange, UnixSeconds};

use crate::{CalendarError, day_of, seconds, shortened, zone};

/// How long a window is, as a calendar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday (ISO 8601).
    Week,
    /// A month.
    Month,
    /// Three months, from January, April, July or October.
    Quarter,
}

impl Period {
    fn span(self) -> Span {
        match self {
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
            Self::Quarter => 3.months(),
        }
    }

    /// The first day of the period that a day belongs to.
    fn first_day(self, day: Date) -> Result<Date, CalendarError> {
        match self {
            Self::Day => Ok(day),
            Self::Week => {
                let days = i64::from(day.weekday().to_monday_zero_offset());
                day.checked_sub(days.days()).map_err(|_| CalendarError::OutOfRange)
            }
            Self::Month => Ok(day.first_of_month()),
            Self::Quarter => {
                let month = (day.month() - 1) / 3 * 3 + 1;
                Date::new(day.year(), month, 1).map_err(|_| CalendarError::OutOfRange)
            }
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Day => "day such as 2026-03-29",
            Self::Week => "week such as 2026-W13",
            Self::Month => "month such as 2026-03",
            Self::Quarter => "quarter such as 2026-Q1",
        }
    }
}

/// A sequence of windows: every period of a kind in one time zone. One begins where the last one ends, so a day on which
/// clocks change has 23 or 25 hours.
///
/// ```
/// use calendar::{Calendar, Period};
///
/// let march = Calendar::new(Period::Month, "Europe/Berlin")?.named("2026-03")?;
/// assert_eq!(march.seconds(), 31 * 86_400 - 3_600);
/// # Ok::<(), calendar::CalendarError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Calendar {
    period: Period,
    zone: TimeZone,
}

impl Calendar {
    /// The periods of a zone of the IANA database.
    ///
    /// # Errors
    /// [`CalendarError::Zone`].
    pub fn new(period: Period, zone_name: &str) -> Result<Self, CalendarError> {
        Ok(Self { period, zone: zone(zone_name)? })
    }

    /// The window in which a moment lies.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`].
    pub fn containing(&self, moment: UnixSeconds) -> Result<TimeRange, CalendarError> {
        self.beginning_on(self.period.first_day(day_of(moment, &self.zone)?)?)
    }

    /// The first window that begins at a moment or after it.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`].
    pub fn next(&self, moment: UnixSeconds) -> Result<TimeRange, CalendarError> {
        let current = self.containing(moment)?;
        if current.start == moment { Ok(current) } else { self.containing(current.end) }
    }

    /// The window of a name: `2026-03-29`, `2026-W13`, `2026-03` or `2026-Q1`, as the period has it.
    ///
    /// # Errors
    /// [`CalendarError::Period`] where it is no such name.
    pub fn named(&self, name: &str) -> Result<TimeRange, CalendarError> {
        let first = self.first_day(name).ok_or_else(|| CalendarError::Period {
            text: shortened(name),
            expected: self.period.example(),
        })?;
        self.beginning_on(first)
    }

    fn first_day(&self, name: &str) -> Option<Date> {
        let (year, rest) = name.split_once('-')?;
        let year = number(year, 4)?;
        match self.period {
            Period::Day => {
                let (month, day) = rest.split_once('-')?;
                Date::new(year, number(month, 2)?, number(day, 2)?).ok()
            }
            Period::Week => {
                let week = number(rest.strip_prefix('W')?, 2)?;
                Some(ISOWeekDate::new(year, week, Weekday::Monday).ok()?.date())
            }
            Period::Month => Date::new(year, number(rest, 2)?, 1).ok(),
            Period::Quarter => {
                let quarter: i8 = number(rest.strip_prefix('Q')?, 1)?;
                Date::new(year, quarter.checked_sub(1)?.checked_mul(3)?.checked_add(1)?, 1).ok()
            }
        }
    }

    fn beginning_on(&self, first: Date) -> Result<TimeRange, CalendarError> {
        let after = first.checked_add(self.period.span()).map_err(|_| CalendarError::OutOfRange)?;
        let midnight = |day: Date| seconds(day.to_datetime(civil::Time::midnight()), &self.zone);
        Ok(TimeRange { start: midnight(first)?, end: midnight(after)? })
    }
}

/// A number of so many digits.
fn number<T: std::str::FromStr>(text: &str, digits: usize) -> Option<T> {
    let holds = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    holds.then(|| text.parse().ok()).flatten()
}
