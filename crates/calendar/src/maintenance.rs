//! Maintenance that recurs, as the exclusions of one window.

use jiff::ToSpan as _;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use terms::{TimeRange, UnixSeconds};

use crate::{CalendarError, day_of, seconds, shortened, timestamp, zone};

/// The most exclusions of a measurement.
const MAX_EXCLUSIONS: usize = 1024;

const SHAPE: &str = "must be days, times and a time zone, such as: every Sunday 02:00-04:00 Europe/Berlin";

/// A maintenance that recurs: `every Sunday 02:00-04:00 Europe/Berlin`.
///
/// The days are `day`, weekdays such as `Sunday` or `sat,sun`, or one weekday of the month such as `first Sunday` or
/// `last Fri`; `every` may be left out. Times are those that the zone's clocks show, to `24:00`; an end that is not after
/// its beginning belongs to the next day. On a day on which clocks change they are read as RFC 5545 does.
///
/// ```
/// use calendar::Maintenance;
/// use terms::{TimeRange, UnixSeconds};
///
/// let sundays: Maintenance = "every Sunday 02:00-04:00 Europe/Berlin".parse()?;
/// // The night of 29 March 2026 has no 02:00: the maintenance lasts from 03:00 to 04:00.
/// let week = TimeRange { start: UnixSeconds(1_774_220_400), end: UnixSeconds(1_774_821_600) };
/// let excluded = calendar::exclusions(&[sundays], week, 300)?;
/// assert_eq!(excluded, [TimeRange { start: UnixSeconds(1_774_746_000), end: UnixSeconds(1_774_749_600) }]);
/// # Ok::<(), calendar::CalendarError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Maintenance {
    days: Days,
    from: Time,
    /// `None` for 24:00.
    to: Option<Time>,
    zone: TimeZone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    Every,
    Weekdays(Vec<Weekday>),
    /// The nth such day of the month; -1 for the last.
    OfMonth(i8, Weekday),
}

impl Days {
    fn parse(words: &[&str]) -> Option<Self> {
        match words {
            ["day"] => Some(Self::Every),
            [weekdays] => weekdays.split(',').map(weekday).collect::<Option<_>>().map(Self::Weekdays),
            [nth, day] => Some(Self::OfMonth(ordinal(nth)?, weekday(day)?)),
            _ => None,
        }
    }

    fn include(&self, day: Date) -> bool {
        match self {
            Self::Every => true,
            Self::Weekdays(weekdays) => weekdays.contains(&day.weekday()),
            Self::OfMonth(nth, weekday) => {
                day.nth_weekday_of_month(*nth, *weekday).is_ok_and(|there| there == day)
            }
        }
    }
}

impl std::str::FromStr for Maintenance {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let refuse = |rule| CalendarError::Maintenance { text: shortened(text), rule };
        let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
        if words.first().is_some_and(|first| first.eq_ignore_ascii_case("every")) {
            words.remove(0);
        }
        let [days @ .., times, zone_name] = &words[..] else {
            return Err(refuse(SHAPE));
        };
        let lower: Vec<String> = days.iter().map(|word| word.to_ascii_lowercase()).collect();
        let days = Days::parse(&lower.iter().map(String::as_str).collect::<Vec<_>>());
        let days = days.ok_or_else(|| {
            refuse(
                "the days must be \"day\", weekdays such as Sunday or sat,sun, or such as \"first Sunday\"",
            )
        })?;
        let (from, to) = times.split_once('-').ok_or_else(|| refuse(SHAPE))?;
        let wrong = "times must be such as 02:00-04:00, the end at most 24:00";
        let from = time(from).ok_or_else(|| refuse(wrong))?;
        let to = if to == "24:00" { None } else { Some(time(to).ok_or_else(|| refuse(wrong))?) };
        Ok(Self { days, from, to, zone: zone(zone_name)? })
    }
}

impl Maintenance {
    /// What of it begins on a day.
    fn on(&self, day: Date) -> Result<Option<TimeRange>, CalendarError> {
        if !self.days.include(day) {
            return Ok(None);
        }
        let to = self.to.unwrap_or(Time::midnight());
        let last = if to <= self.from { tomorrow(day)? } else { day };
        let start = seconds(day.to_datetime(self.from), &self.zone)?;
        let end = seconds(last.to_datetime(to), &self.zone)?;
        Ok((start < end).then_some(TimeRange { start, end }))
    }

    /// What of it touches a window.
    fn within(&self, window: TimeRange) -> Result<Vec<TimeRange>, CalendarError> {
        let mut found = Vec::new();
        // What began the day before may reach into the window.
        let first = day_of(window.start, &self.zone)?;
        let mut day = first.checked_sub(1.day()).map_err(|_| CalendarError::OutOfRange)?;
        let last = day_of(window.end, &self.zone)?;
        while day <= last {
            let range = self.on(day)?.map(|range| clipped(range, window));
            found.extend(range.filter(|range| range.start < range.end));
            if found.len() > MAX_EXCLUSIONS {
                return Err(CalendarError::TooMany { most: MAX_EXCLUSIONS });
            }
            day = tomorrow(day)?;
        }
        Ok(found)
    }
}

/// The exclusions that recurring maintenance gives in a window of slices: ascending and apart, as a measurement has them.
///
/// # Errors
/// [`CalendarError::OffGrid`] where one does not begin and end with a slice.
pub fn exclusions(
    maintenance: &[Maintenance],
    window: TimeRange,
    slice_s: u64,
) -> Result<Vec<TimeRange>, CalendarError> {
    let mut ranges = Vec::new();
    for one in maintenance {
        ranges.extend(one.within(window)?);
    }
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let joined = join(ranges);
    if joined.len() > MAX_EXCLUSIONS {
        return Err(CalendarError::TooMany { most: MAX_EXCLUSIONS });
    }
    let edges = joined.iter().flat_map(|range| [range.start, range.end]);
    let mut off_grid = edges.filter(|edge| !is_on_grid(*edge, window.start, slice_s));
    match off_grid.next() {
        Some(edge) => Err(CalendarError::OffGrid { at: timestamp(edge)?.to_string(), slice_s }),
        None => Ok(joined),
    }
}

fn is_on_grid(moment: UnixSeconds, start: UnixSeconds, slice_s: u64) -> bool {
    moment.0.checked_sub(start.0).and_then(|since| since.checked_rem(slice_s)) == Some(0)
}

/// Joins ascending ranges that overlap or touch.
fn join(ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    let mut joined: Vec<TimeRange> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

fn clipped(range: TimeRange, window: TimeRange) -> TimeRange {
    TimeRange { start: range.start.max(window.start), end: range.end.min(window.end) }
}

fn tomorrow(day: Date) -> Result<Date, CalendarError> {
    day.tomorrow().map_err(|_| CalendarError::OutOfRange)
}

/// `HH:MM`.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<i8>().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

fn ordinal(word: &str) -> Option<i8> {
    match word {
        "first" => Some(1),
        "second" => Some(2),
        "third" => Some(3),
        "fourth" => Some(4),
        "last" => Some(-1),
        _ => None,
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    match word {
        "monday" | "mon" => Some(Weekday::Monday),
        "tuesday" | "tue" => Some(Weekday::Tuesday),
        "wednesday" | "wed" => Some(Weekday::Wednesday),
        "thursday" | "thu" => Some(Weekday::Thursday),
        "friday" | "fri" => Some(Weekday::Friday),
        "saturday" | "sat" => Some(Weekday::Saturday),
        "sunday" | "sun" => Some(Weekday::Sunday),
        _ => None,
    }
}
