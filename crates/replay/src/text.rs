//! Numbers and moments as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use terms::{Outcome, Sat, Scale, TimeRange, UnixSeconds};

/// A whole number with commas between thousands.
///
/// ```
/// assert_eq!(replay::text::thousands(1_400_000), "1,400,000");
/// ```
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

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

/// A moment as `8 June 2021, 09:47 UTC`, with seconds only where there are any.
pub fn moment(at: UnixSeconds) -> String {
    let format = if at.0.is_multiple_of(60) { "%-d %B %Y, %H:%M UTC" } else { "%-d %B %Y, %H:%M:%S UTC" };
    strftime(at, format)
}

/// The same, short, for tables and axes: `2021-06-08 09:47`.
pub fn stamp(at: UnixSeconds) -> String {
    strftime(at, "%Y-%m-%d %H:%M")
}

/// The day alone: `8 June`.
pub fn day(at: UnixSeconds) -> String {
    strftime(at, "%-d %B")
}

/// The day with its year: `8 June 2021`.
pub fn day_of_year(at: UnixSeconds) -> String {
    strftime(at, "%-d %B %Y")
}

/// A moment as scenarios write it: `2021-06-08T09:47:00Z`.
pub fn iso(at: UnixSeconds) -> String {
    strftime(at, "%Y-%m-%dT%H:%M:%SZ")
}

/// The time of day alone: `09:47`.
pub fn time_of_day(at: UnixSeconds) -> String {
    strftime(at, "%H:%M")
}

/// A stretch of time: the day is said once where it is one day.
pub fn span(range: TimeRange) -> String {
    let same_day = range.start.0 / 86_400 == range.end.0.saturating_sub(1) / 86_400;
    if same_day {
        format!("{} to {} UTC", strftime(range.start, "%-d %B %Y, %H:%M"), time_of_day(range.end))
    } else {
        format!(
            "{} to {} UTC",
            strftime(range.start, "%-d %B %Y, %H:%M"),
            strftime(range.end, "%-d %B, %H:%M")
        )
    }
}

fn strftime(at: UnixSeconds, format: &str) -> String {
    let stamp = i64::try_from(at.0).ok().and_then(|second| Timestamp::from_second(second).ok());
    match stamp {
        Some(stamp) => stamp.to_zoned(TimeZone::UTC).strftime(format).to_string(),
        None => at.to_string(),
    }
}

/// A length of time in its two largest units: `30 days`, `3 h 20 min`, `15 s`.
pub fn length(seconds: u64) -> String {
    let units = [(86_400, "day"), (3600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit_s, name) in units {
        let count = rest / unit_s;
        rest %= unit_s;
        if count > 0 && parts.len() < 2 {
            let plural = if name == "day" && count > 1 { "s" } else { "" };
            parts.push(format!("{count} {name}{plural}"));
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// A length of time given in milliseconds.
pub fn length_ms(ms: u64) -> String {
    if ms < 1000 || !ms.is_multiple_of(1000) { format!("{} ms", thousands(ms)) } else { length(ms / 1000) }
}

/// A share in ppm as per cent, exact: `99.8998 %`.
pub fn percent(ppm: u64) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{short} %")
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

/// One thing or several: `1 block`, `3 blocks`.
pub fn count(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { several })
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
