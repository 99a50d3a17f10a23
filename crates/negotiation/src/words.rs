//! Numbers and moments as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use terms::{Ppm, UnixSeconds};

/// A whole number with commas between thousands.
///
/// ```
/// assert_eq!(negotiation::words::thousands(1_400_000), "1,400,000");
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

/// A share as per cent with two decimal places; what is more than nothing and less than that is said so.
///
/// ```
/// # use negotiation::words::percent;
/// # use terms::Ppm;
/// assert_eq!(percent(Ppm(71_250)), "7.12 %");
/// assert_eq!(percent(Ppm(10)), "< 0.01 %");
/// ```
pub fn percent(share: Ppm) -> String {
    match share.0 {
        1..100 => "< 0.01 %".to_owned(),
        ppm => format!("{}.{:02} %", ppm / 10_000, ppm % 10_000 / 100),
    }
}

/// A length of time in its two largest units: `30 days`, `3 h 20 min`, `15 s`.
///
/// ```
/// assert_eq!(negotiation::words::length(12_000), "3 h 20 min");
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

/// A moment as `8 June 2021, 09:47 UTC`.
///
/// ```
/// # use terms::UnixSeconds;
/// assert_eq!(negotiation::words::moment(UnixSeconds(1_623_145_620)), "8 June 2021, 09:47 UTC");
/// ```
pub fn moment(at: UnixSeconds) -> String {
    let stamp = i64::try_from(at.0).ok().and_then(|second| Timestamp::from_second(second).ok());
    let format = if at.0.is_multiple_of(60) { "%-d %B %Y, %H:%M UTC" } else { "%-d %B %Y, %H:%M:%S UTC" };
    stamp.map_or_else(|| at.to_string(), |stamp| stamp.to_zoned(TimeZone::UTC).strftime(format).to_string())
}
