//! Numbers and moments as people read them.

pub use calendar::words::{counted, length, moment, thousands};

use calendar::words::utc;
use terms::{Outcome, Ppm, Sat, Scale, TimeRange, UnixSeconds};

/// An amount with its unit.
pub fn sat(amount: Sat) -> String {
    format!("{} sat", thousands(amount.0))
}

/// A whole number in little space: `1k`, `50k`, `1M` where that is exact.
pub fn compact(number: u64) -> String {
    match number {
        0 => "0".to_owned(),
        _ if number.is_multiple_of(1_000_000) => format!("{}M", thousands(number / 1_000_000)),
        _ if number.is_multiple_of(1_000) => format!("{}k", thousands(number / 1_000)),
        _ => thousands(number),
    }
}

/// A difference of two amounts in satoshis, with its sign.
pub fn signed(after: Sat, before: Sat) -> String {
    let sign = match after.cmp(&before) {
        std::cmp::Ordering::Less => "−",
        std::cmp::Ordering::Equal => "±",
        std::cmp::Ordering::Greater => "+",
    };
    format!("{sign}{}", thousands(after.0.abs_diff(before.0)))
}

/// The same, short, for tables and axes: `2021-06-08 09:47`.
pub fn stamp(at: UnixSeconds) -> String {
    utc(at, "%Y-%m-%d %H:%M")
}

/// The day alone: `8 June`.
pub fn day(at: UnixSeconds) -> String {
    utc(at, "%-d %B")
}

/// The day with its year: `8 June 2021`.
pub fn day_of_year(at: UnixSeconds) -> String {
    utc(at, "%-d %B %Y")
}

/// A moment as scenarios write it: `2021-06-08T09:47:00Z`.
pub fn iso(at: UnixSeconds) -> String {
    utc(at, "%Y-%m-%dT%H:%M:%SZ")
}

/// The time of day alone: `09:47`.
pub fn time_of_day(at: UnixSeconds) -> String {
    utc(at, "%H:%M")
}

/// A stretch of time: the day is said once where it is one day.
pub fn span(range: TimeRange) -> String {
    let same_day = range.start.0 / 86_400 == range.end.0.saturating_sub(1) / 86_400;
    if same_day {
        format!("{} to {} UTC", utc(range.start, "%-d %B %Y, %H:%M"), time_of_day(range.end))
    } else {
        format!("{} to {} UTC", utc(range.start, "%-d %B %Y, %H:%M"), utc(range.end, "%-d %B, %H:%M"))
    }
}

/// A length of time given in milliseconds.
pub fn length_ms(ms: u64) -> String {
    if ms < 1000 || !ms.is_multiple_of(1000) { format!("{} ms", thousands(ms)) } else { length(ms / 1000) }
}

/// A share in ppm as per cent, exact: `99.8998 %`.
pub fn percent(ppm: u64) -> String {
    Ppm(ppm).percent()
}

/// The unit of a scale as people write it after a number.
pub fn unit(scale: &Scale) -> &str {
    match scale {
        Scale::Numeric(scale) => &scale.unit,
        Scale::Enum(_) => "",
    }
}

/// An outcome with its unit: `1,002 ppm`, `4 h`, `indeterminate`.
pub fn outcome(outcome: &Outcome, scale: &Scale) -> String {
    match outcome {
        Outcome::Value(value) => format!("{} {}", thousands(value.0), unit(scale)),
        Outcome::Level(name) => name.clone(),
        Outcome::Indeterminate => "indeterminate".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_people_say_them() {
        for (seconds, text) in
            [(2_592_000, "30 days"), (12_000, "3 h 20 min"), (15, "15 s"), (0, "0 s"), (86_400, "1 day")]
        {
            assert_eq!(length(seconds), text);
        }
    }

    #[test]
    fn percentages_are_exact() {
        assert_eq!(percent(998_998), "99.8998 %");
        assert_eq!(percent(1_000_000), "100 %");
        assert_eq!(percent(0), "0 %");
    }

    #[test]
    fn moments_are_utc_and_say_so() {
        assert_eq!(moment(UnixSeconds(1_623_145_620)), "8 June 2021, 09:47 UTC");
    }
}
