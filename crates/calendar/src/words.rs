//! Numbers, lengths of time and moments as people read them, in English and UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use terms::UnixSeconds;

/// A whole number with commas between thousands.
///
/// ```
/// assert_eq!(calendar::words::thousands(1_400_000), "1,400,000");
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

/// One thing or several: `1 block`, `3 blocks`.
pub fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { several })
}

/// A length of time in its two largest units: `30 days`, `3 h 20 min`, `15 s`.
///
/// ```
/// assert_eq!(calendar::words::length(12_000), "3 h 20 min");
/// ```
pub fn length(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "h"), (60, "min"), (1, "s")];
    let (mut rest, mut parts) = (seconds, Vec::new());
    for (unit_s, name) in units {
        let count = rest / unit_s;
        rest %= unit_s;
        if count > 0 && parts.len() < 2 {
            let plural = if name == "day" && count > 1 { "s" } else { "" };
            parts.push(format!("{} {name}{plural}", thousands(count)));
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// A moment as `8 June 2021, 09:47 UTC`, with seconds only where there are any.
///
/// ```
/// # use terms::UnixSeconds;
/// assert_eq!(calendar::words::moment(UnixSeconds(1_623_145_620)), "8 June 2021, 09:47 UTC");
/// ```
pub fn moment(at: UnixSeconds) -> String {
    utc(at, if at.0.is_multiple_of(60) { "%-d %B %Y, %H:%M UTC" } else { "%-d %B %Y, %H:%M:%S UTC" })
}

/// A moment in UTC by a format of `strftime`; what lies beyond every calendar as its number.
pub fn utc(at: UnixSeconds, format: &str) -> String {
    let stamp = i64::try_from(at.0).ok().and_then(|second| Timestamp::from_second(second).ok());
    stamp.map_or_else(|| at.to_string(), |stamp| stamp.to_zoned(TimeZone::UTC).strftime(format).to_string())
}
