//! Windows and maintenance as people say them, compiled to the unix seconds of a measurement.
//!
//! "March in New York" and "every Sunday 02:00-04:00 Europe/Berlin" depend on time zones, whose rules change; a
//! measurement must not. So the words are compiled once, before the document is made, and only seconds stand in it.
//!
//! Zones are those of the machine's own database (`/usr/share/zoneinfo`), which its updates keep fresh; where there is
//! none, those that are compiled in. This crate knows no clock: the moment is an argument. Start at [`Calendar`], then
//! [`Maintenance`]. The way back, from seconds to what people read, is [`words`].

mod maintenance;
mod period;
pub mod words;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use terms::UnixSeconds;

pub use maintenance::{Maintenance, exclusions};
pub use period::{Calendar, Period};

/// Why words could not be turned into seconds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Neither the machine's database nor ours has it.
    #[error("{zone:?} is no time zone; name one as the IANA database does, such as Europe/Berlin or UTC")]
    Zone {
        /// What was given.
        zone: String,
    },
    /// Not the name of a period.
    #[error("{text:?} is no {expected}")]
    Period {
        /// What was given.
        text: String,
        /// What it should be, with an example.
        expected: &'static str,
    },
    /// Not a recurring maintenance.
    #[error("{text:?}: {rule}")]
    Maintenance {
        /// What was given.
        text: String,
        /// What it breaks.
        rule: &'static str,
    },
    /// Before 1970, or so late that no document can say it.
    #[error("lies outside the time that documents can speak of")]
    OutOfRange,
    /// Exclusions are made of whole slices, so that a slice counts entirely or not at all.
    #[error("maintenance begins or ends at {at}, which is not where a slice of {slice_s} s begins")]
    OffGrid {
        /// The moment, in UTC.
        at: String,
        /// The length of a slice.
        slice_s: u64,
    },
    /// More than a measurement may have.
    #[error("gives more than {most} exclusions")]
    TooMany {
        /// How many a measurement may have.
        most: usize,
    },
}

/// The zone of that name.
fn zone(name: &str) -> Result<TimeZone, CalendarError> {
    let known = TimeZone::get(name).ok().filter(|zone| !zone.is_unknown());
    known.ok_or_else(|| CalendarError::Zone { zone: shortened(name) })
}

/// The day that a moment belongs to.
fn day_of(moment: UnixSeconds, zone: &TimeZone) -> Result<Date, CalendarError> {
    Ok(timestamp(moment)?.to_zoned(zone.clone()).date())
}

fn timestamp(moment: UnixSeconds) -> Result<Timestamp, CalendarError> {
    let seconds = i64::try_from(moment.0).map_err(|_| CalendarError::OutOfRange)?;
    Timestamp::from_second(seconds).map_err(|_| CalendarError::OutOfRange)
}

/// When a zone's clocks show this. As RFC 5545 has it: a time that is skipped lies as far behind the gap as it would
/// have lain behind its beginning; of a time that comes twice it is the first.
fn seconds(shown: DateTime, zone: &TimeZone) -> Result<UnixSeconds, CalendarError> {
    let zoned = shown.to_zoned(zone.clone()).map_err(|_| CalendarError::OutOfRange)?;
    let seconds = u64::try_from(zoned.timestamp().as_second()).map_err(|_| CalendarError::OutOfRange)?;
    Ok(UnixSeconds(seconds))
}

/// What a stranger wrote, short enough for an error.
fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}
