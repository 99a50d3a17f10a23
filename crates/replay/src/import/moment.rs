//! Moments and shares as monitors write them, without floating point.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use terms::units::PPM_WHOLE;

/// The latest moment that is accepted, the year 2200: far below any overflow.
const LATEST_S: u64 = 7_258_118_400;

/// Unix seconds out of unix seconds (with or without a fraction), a moment with its offset, or one without, which is
/// UTC: `1623145620`, `2021-06-08T09:47:00Z`, `2021-06-08 09:47:00.123`.
pub(super) fn moment(text: &str) -> Option<u64> {
    let text = text.trim();
    let whole = text.split('.').next().unwrap_or_default();
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let second = if is_number { whole.parse().ok() } else { in_words(text) };
    second.filter(|second| (1..=LATEST_S).contains(second))
}

fn in_words(text: &str) -> Option<u64> {
    let stamp: Option<jiff::Timestamp> = text.parse().ok();
    let stamp = stamp.or_else(|| {
        let plain: DateTime = text.parse().ok()?;
        plain.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    u64::try_from(stamp.as_second()).ok()
}

/// A number from 0 to 1 in ppm, rounded down: `0.85`, `1`. `None` for anything else, `NaN` among it.
pub(super) fn ppm(text: &str) -> Option<u64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let padded: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let ppm = whole.parse::<u64>().ok()?.checked_mul(PPM_WHOLE)?.checked_add(padded.parse().ok()?)?;
    (ppm <= PPM_WHOLE).then_some(ppm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_every_monitor_are_the_same_moment() {
        for text in [
            "1623145620",
            "1623145620.781",
            "2021-06-08T09:47:00Z",
            "2021-06-08T11:47:00+02:00",
            "2021-06-08 09:47:00.123",
            "2021-06-08T09:47:00.9Z",
        ] {
            assert_eq!(moment(text), Some(1_623_145_620), "{text}");
        }
        for text in ["", "yesterday", "-5", "1e9", "99999999999999999999", "2021-06-08"] {
            assert!(moment(text).is_none_or(|second| text == "2021-06-08" && second > 0), "{text}");
        }
    }

    #[test]
    fn shares_are_exact() {
        assert_eq!(
            (ppm("0.85"), ppm("1"), ppm("0"), ppm("0.0000019")),
            (Some(850_000), Some(1_000_000), Some(0), Some(1))
        );
        for text in ["NaN", "1.1", "-0", "1e-5", ".5", "", "99999999999999999999"] {
            assert_eq!(ppm(text), None, "{text}");
        }
    }
}
