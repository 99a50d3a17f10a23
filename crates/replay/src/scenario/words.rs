//! The small languages inside a scenario's texts: moments, windows, durations, shares, and what an
//! indeterminate outcome pays. Each function's error is a rule in words.

use jiff::{Span, Timestamp};
use terms::{Credit, Ppm, TimeRange, UnixSeconds};

/// The longest duration that is accepted: ten years, far below any overflow.
const MAX_MS: u64 = 3_652 * 86_400 * 1000;

/// A moment such as `2021-06-08T09:47:00Z`, in whole seconds.
///
/// # Errors
/// Says what is expected.
pub fn moment(text: &str) -> Result<UnixSeconds, String> {
    let rule = || "must be a moment such as \"2021-06-08T09:47:00Z\"".to_owned();
    let stamp: Timestamp = text.parse().map_err(|_| rule())?;
    if stamp.subsec_nanosecond() != 0 {
        return Err("must be a whole second".to_owned());
    }
    // Before 2001 no regtest chain exists, and a millisecond count of a later date always fits.
    u64::try_from(stamp.as_second())
        .ok()
        .filter(|second| *second >= 1_000_000_000)
        .map(UnixSeconds)
        .ok_or_else(|| "must lie after September 2001".to_owned())
}

/// A duration such as `15s`, `5m`, `1h`, `30d` or `250ms`, in milliseconds.
///
/// # Errors
/// Says what is expected.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    let rule = || "must be a duration such as \"250ms\", \"15s\", \"5m\", \"1h\" or \"30d\"".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(rule)?;
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit.trim() {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(rule()),
    };
    let number: u64 = number.parse().map_err(|_| rule())?;
    let length = number.checked_mul(unit_ms).filter(|ms| *ms <= MAX_MS);
    length.ok_or_else(|| "must be at most ten years".to_owned())
}

/// A duration of whole seconds, at least one.
///
/// # Errors
/// Says what is expected.
pub fn duration_s(text: &str) -> Result<u64, String> {
    match duration_ms(text)? {
        0 => Err("must be at least a second".to_owned()),
        ms if ms % 1000 == 0 => Ok(ms / 1000),
        _ => Err("must be whole seconds".to_owned()),
    }
}

/// A window as ISO 8601 writes intervals: `START / DURATION` or `START / END`.
///
/// # Errors
/// Says what is expected.
pub fn window(text: &str) -> Result<TimeRange, String> {
    let rule = "must be \"START / DURATION\" such as \"2021-06-01T00:00:00Z / P30D\"";
    let (start, rest) = text.split_once('/').ok_or(rule)?;
    let start = moment(start.trim())?;
    let end = match rest.trim() {
        length if length.starts_with(['P', 'p']) => UnixSeconds(start.0 + iso_duration_s(length)?),
        end => moment(end)?,
    };
    if end <= start {
        return Err("must end after it starts".to_owned());
    }
    Ok(TimeRange { start, end })
}

fn iso_duration_s(text: &str) -> Result<u64, String> {
    let span: Span =
        text.parse().map_err(|_| "must end with an ISO 8601 duration such as P30D or PT1H".to_owned())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err("must give its length in days or less: months and years differ in length".to_owned());
    }
    let whole = span.get_milliseconds() == 0 && span.get_microseconds() == 0 && span.get_nanoseconds() == 0;
    let parts = [
        (i64::from(span.get_weeks()), 604_800),
        (i64::from(span.get_days()), 86_400),
        (i64::from(span.get_hours()), 3_600),
        (span.get_minutes(), 60),
        (span.get_seconds(), 1),
    ];
    let total = parts.iter().try_fold(0i64, |sum, (count, unit)| sum.checked_add(count.checked_mul(*unit)?));
    total
        .and_then(|seconds| u64::try_from(seconds).ok())
        .filter(|seconds| whole && (1..=MAX_MS / 1000).contains(seconds))
        .ok_or_else(|| "must last from a second to ten years, in whole seconds".to_owned())
}

/// A share such as `10 %` or `0.25 %`, exact to the ppm.
///
/// # Errors
/// Says what is expected.
pub fn share(text: &str) -> Result<Ppm, String> {
    let rule =
        || "must be a share such as \"10 %\" or \"0.25 %\", at most 100 % and at most 4 decimals".to_owned();
    let number = text.strip_suffix('%').ok_or_else(rule)?.trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let shaped = (1..=3).contains(&whole.len()) && fraction.len() <= 4 && digits(whole) && digits(fraction);
    if !shaped || number.ends_with('.') {
        return Err(rule());
    }
    let ppm: u64 = format!("{whole}{fraction:0<4}").parse().map_err(|_| rule())?;
    if ppm > terms::units::PPM_WHOLE { Err(rule()) } else { Ok(Ppm(ppm)) }
}

/// What an outcome pays, in words: `price to provider, bond back`.
///
/// # Errors
/// Lists the words that are understood.
pub fn credit(text: &str) -> Result<Credit, String> {
    let rule = || {
        "must say where price and bond go, such as \"price to provider, bond back\" \
         (price to provider | price back | N % of price back, and bond back | bond to buyer | N % of bond to buyer)"
            .to_owned()
    };
    let (price, bond) = text.split_once(',').ok_or_else(rule)?;
    let price_back_ppm = match price.trim() {
        "price to provider" => Ppm(0),
        "price back" | "price to buyer" => Ppm(terms::units::PPM_WHOLE),
        part => share(part.strip_suffix("of price back").ok_or_else(rule)?.trim())?,
    };
    let bond_forfeit_ppm = match bond.trim() {
        "bond back" | "bond to provider" => Ppm(0),
        "bond to buyer" => Ppm(terms::units::PPM_WHOLE),
        part => share(part.strip_suffix("of bond to buyer").ok_or_else(rule)?.trim())?,
    };
    Ok(Credit { price_back_ppm, bond_forfeit_ppm })
}

/// Status codes that are good: one such as `204`, or a range such as `200-299`.
///
/// # Errors
/// Says what is expected.
pub fn status_range(text: &str) -> Result<(u64, u64), String> {
    let rule = || "must be status codes such as \"200\" or \"200-299\"".to_owned();
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let code =
        |part: &str| part.trim().parse().ok().filter(|code| (100..=599).contains(code)).ok_or_else(rule);
    let (from, to): (u64, u64) = (code(from)?, code(to)?);
    if from <= to { Ok((from, to)) } else { Err(rule()) }
}

/// So many of so many, such as `2 of 3`.
///
/// # Errors
/// Says what is expected.
pub fn some_of(text: &str) -> Result<(u64, u64), String> {
    let rule = || "must be such as \"2 of 3\"".to_owned();
    let (some, all) = text.split_once(" of ").ok_or_else(rule)?;
    let number = |part: &str| part.trim().parse().ok().filter(|number| (1..=100).contains(number));
    let (some, all): (u64, u64) = (number(some).ok_or_else(rule)?, number(all).ok_or_else(rule)?);
    if some <= all { Ok((some, all)) } else { Err(rule()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_never_more_than_all() {
        assert_eq!(some_of("2 of 3"), Ok((2, 3)));
        for text in ["3 of 2", "0 of 3", "two of three", "2", "2 of", "101 of 102"] {
            assert!(some_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_window_is_a_start_and_a_length_or_an_end() {
        let month = window("2021-06-01T00:00:00Z / P30D").unwrap();
        assert_eq!((month.start.0, month.seconds()), (1_622_505_600, 2_592_000));
        assert_eq!(window("2021-06-01T00:00:00Z/2021-07-01T00:00:00Z").unwrap(), month);
        assert_eq!(window("2021-06-01T02:00:00+02:00 / PT1H30M").unwrap().seconds(), 5_400);
    }

    #[test]
    fn a_month_is_no_length_since_months_differ() {
        assert!(window("2021-06-01T00:00:00Z / P1M").unwrap_err().contains("months"));
        assert!(window("2021-06-01T00:00:00Z / -PT1H").is_err());
        assert!(window("2021-06-01T00:00:00Z / 2021-06-01T00:00:00Z").is_err());
    }

    #[test]
    fn a_share_is_exact_to_the_ppm() {
        for (text, ppm) in [("10 %", 100_000), ("0.0001 %", 1), ("99.95%", 999_500), ("100 %", 1_000_000)] {
            assert_eq!(share(text), Ok(Ppm(ppm)), "{text}");
        }
        for text in ["10", "100.0001 %", "1. %", ".5 %", "-1 %", "0.00001 %", "1e2 %", "+1 %"] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_one_unit_and_no_sign() {
        assert_eq!(duration_ms("250ms"), Ok(250));
        assert_eq!(duration_s("5m"), Ok(300));
        assert_eq!(duration_s("30d"), Ok(2_592_000));
        for text in ["5", "m", "1h30m", "-1s", "1.5h", "0s", "999999999999d", "1500ms"] {
            assert!(duration_s(text).is_err(), "{text}");
        }
    }

    #[test]
    fn words_say_where_the_money_goes() {
        let of = |price, bond| Ok(Credit { price_back_ppm: Ppm(price), bond_forfeit_ppm: Ppm(bond) });
        assert_eq!(credit("price to provider, bond back"), of(0, 0));
        assert_eq!(credit("price back, bond to buyer"), of(1_000_000, 1_000_000));
        assert_eq!(credit("50 % of price back, 12.5 % of bond to buyer"), of(500_000, 125_000));
        assert!(credit("everything to me").is_err());
    }
}
