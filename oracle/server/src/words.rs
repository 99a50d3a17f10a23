//! Numbers, moments and causes as people read them.

pub(crate) use calendar::words::{counted, thousands};

use calendar::words::{self, utc};
use jiff::tz::TimeZone;
use terms::UnixSeconds;

fn strftime(unix_s: u64, format: &str) -> String {
    utc(UnixSeconds(unix_s), format)
}

/// A moment as `8 June 2021, 09:47:30 UTC`, without seconds where there are none.
pub(crate) fn moment(unix_s: u64) -> String {
    words::moment(UnixSeconds(unix_s))
}

/// The same for tables: `2021-06-08 09:47:30`.
pub(crate) fn stamp(unix_s: u64) -> String {
    strftime(unix_s, "%Y-%m-%d %H:%M:%S")
}

/// What a `<time>` element carries: `2021-06-08T09:47:30Z`.
pub(crate) fn iso(unix_s: u64) -> String {
    strftime(unix_s, "%Y-%m-%dT%H:%M:%SZ")
}

/// A day: `2021-06-08`.
pub(crate) fn date(unix_s: u64) -> String {
    strftime(unix_s, "%Y-%m-%d")
}

/// A day for people: `Tuesday, 8 June 2021`.
pub(crate) fn day(unix_s: u64) -> String {
    strftime(unix_s, "%A, %-d %B %Y")
}

/// A day on an axis: `8 Jun`.
pub(crate) fn short_day(unix_s: u64) -> String {
    strftime(unix_s, "%-d %b")
}

/// Hours and minutes: `09:47`.
pub(crate) fn time_of_day(unix_s: u64) -> String {
    strftime(unix_s, "%H:%M")
}

/// Reads what [`date`] writes: the first second of the day.
pub(crate) fn parse_date(text: &str) -> Option<u64> {
    let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
    let start = date.to_zoned(TimeZone::UTC).ok()?;
    u64::try_from(start.timestamp().as_second()).ok()
}

/// A length of time, exact to the second in its two largest units: `3 d 4 h`, `4 min 15 s`, `250 ms`.
///
/// What is left out is less than one of the smaller unit, and is dropped, so that nothing looks longer than it was.
pub(crate) fn length_ms(length_ms: u64) -> String {
    if length_ms < 1000 {
        return format!("{length_ms} ms");
    }
    let units = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)];
    let largest = units.iter().position(|(_, unit_ms)| length_ms >= *unit_ms).unwrap_or(3);
    let mut rest = length_ms;
    let mut parts = Vec::new();
    for (name, unit_ms) in units.iter().skip(largest).take(2) {
        if rest / unit_ms > 0 {
            parts.push(format!("{} {name}", rest / unit_ms));
        }
        rest %= unit_ms;
    }
    parts.join(" ")
}

/// A length of time in seconds.
pub(crate) fn length_s(seconds: u64) -> String {
    if seconds == 0 { "0 s".to_owned() } else { length_ms(seconds.saturating_mul(1000)) }
}

/// A cause as it is kept with a sample, in words. What nobody translated is shown as it is.
pub(crate) fn cause(kept: &str) -> String {
    let words = match kept {
        "name not found" | "no such name" => "its name was not found",
        "address not public" => "its name led to no public address",
        "connect" => "no connection could be made",
        "timeout" => "no whole answer came in time",
        "broken answer" => "the connection broke, or what came was no valid answer",
        "tls" => "the TLS handshake failed",
        "certificate expired" => "the certificate had expired",
        "certificate not yet valid" => "the certificate was not valid yet",
        "certificate for another name" => "the certificate was for another name",
        "certificate of unknown issuer" => "nobody the oracle believes vouched for the certificate",
        "certificate not valid" => "the certificate was not valid",
        "certificate ends soon" => "the certificate ended too soon",
        "head too long" => "the answer's head was too long",
        "too many redirects" => "it redirected too often",
        "redirect to nowhere" => "it redirected to nowhere",
        "redirect from https to http" => "it redirected from https to http",
        "body too short" => "the answer was shorter than agreed",
        "body does not match" => "the answer did not match the expected pattern",
        "not json" => "the answer was no JSON",
        "json not of the schema" => "the answer's JSON was not of the agreed schema",
        "no reading" => "the answer had no reading",
        "several readings" => "the answer had several readings",
        "reading is no number" => "the answer's reading was no number",
        "no such record" => "its name had no such record",
        "broken dns answer" => "the name server's answer was broken",
        "dns answer differs" => "the name server's answer was another one",
        "silence" => "no sign of life came",
        "not judged in time" => "the oracle could not judge the answer in time",
        "body too long" => "the answer was longer than agreed",
        "body differs" => "the answer's body was another one",
        "body lacks text" => "the answer lacked the expected text",
        "own limits" => "the oracle's machine had no file, buffer or memory left to probe with",
        "own connectivity" => "the oracle itself was not connected",
        _ => return other_cause(kept),
    };
    words.to_owned()
}

fn other_cause(kept: &str) -> String {
    if let Some(code) = kept.strip_prefix("status ") {
        return format!("it answered with status {code}");
    }
    if let Some(code) = kept.strip_prefix("dns ") {
        return format!("the name server answered {code}");
    }
    if let Some(number) = kept.strip_prefix("json condition ") {
        return format!("the answer's JSON broke condition {number}");
    }
    if let Some(limit) = kept.strip_prefix("slower than ") {
        return format!("answers took longer than {limit}");
    }
    kept.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_never_longer_than_the_time_was() {
        assert_eq!(length_ms(255_000), "4 min 15 s");
        assert_eq!(length_ms(3_599_999), "59 min 59 s");
        assert_eq!(length_ms(86_400_000 * 3 + 3_600_000 * 4 + 59_000), "3 d 4 h");
        assert_eq!((length_ms(250), length_ms(3_600_000)), ("250 ms".to_owned(), "1 h".to_owned()));
        assert_eq!((length_s(0), length_s(61)), ("0 s".to_owned(), "1 min 1 s".to_owned()));
    }

    #[test]
    fn only_a_date_is_a_date() {
        assert_eq!(parse_date("2021-06-08"), Some(1_623_110_400));
        assert_eq!(date(1_623_110_400), "2021-06-08");
        for text in ["", "2021-6-8", "2021-13-01", "1969-12-31", "20210608", "2021-06-08T00", "-009999-01"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn every_cause_of_a_probe_has_words_or_speaks_for_itself() {
        assert_eq!(cause("status 503"), "it answered with status 503");
        assert_eq!(cause("slower than 800 ms"), "answers took longer than 800 ms");
        assert_eq!(cause("a cause of tomorrow"), "a cause of tomorrow");
    }
}
