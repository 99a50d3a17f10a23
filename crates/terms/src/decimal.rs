//! Exact decimal numbers: what a metric reads, and what a condition compares with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Decimal places that are kept.
const PLACES: u32 = 15;

/// The most digits before the point of a number that is read. Sums of 50 million such numbers still fit 128 bits.
const WHOLE_DIGITS: i64 = 15;

/// The most digits before the point of a sum.
const TOTAL_DIGITS: i64 = 23;

/// One, in units of the last place.
const ONE: i128 = 10_i128.pow(PLACES);

/// A number of a longer text is none of ours.
const MAX_TEXT_BYTES: usize = 512;

/// An exact decimal: at most 15 digits before the point and 15 after it, with a sign.
///
/// In a document it is a string, since JSON's numbers are not exact in every reader, and has one spelling: no needless
/// zeros, no `+`, no exponent.
///
/// ```
/// # use terms::Decimal;
/// let reading = Decimal::from_number("1.25e1").unwrap();
/// assert_eq!(reading.to_string(), "12.5");
/// assert_eq!(Decimal::parse("12.5"), Some(reading));
/// assert_eq!(Decimal::parse("12.50"), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    /// In units of [`Decimal::UNIT`].
    units: i128,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { units: 0 };

    /// Parses the one spelling that a document may have; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let decimal = Self::from_number(text)?;
        (decimal.to_string() == text).then_some(decimal)
    }

    /// Parses a number as JSON and Prometheus write it, such as `-12`, `0.5` or `1.5e-07`.
    ///
    /// Digits after the 15th decimal place are cut off. `None` for what is no number (`NaN`, `+Inf`), and for numbers of
    /// more than 15 digits before the point.
    pub fn from_number(text: &str) -> Option<Self> {
        Self::read(text, WHOLE_DIGITS)
    }

    /// Parses a sum of many decimals as [`Display`](fmt::Display) writes it: up to 23 digits before the point.
    pub fn parse_total(text: &str) -> Option<Self> {
        let total = Self::read(text, TOTAL_DIGITS)?;
        (total.to_string() == text).then_some(total)
    }

    fn read(text: &str, whole_digits: i64) -> Option<Self> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let units = units(mantissa, exponent, whole_digits)?;
        Some(Self { units: if negative { -units } else { units } })
    }

    /// How many units make one: the number is `units() / 10^15`.
    pub const UNIT: u64 = 10_u64.pow(PLACES);

    /// The number in units of `10^-15`.
    pub fn units(self) -> i128 {
        self.units
    }

    /// The sum of these; `None` when it does not fit 128 bits.
    pub fn total(decimals: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut all = decimals.into_iter();
        let units = all.try_fold(0_i128, |sum, decimal| sum.checked_add(decimal.units))?;
        Some(Self { units })
    }

    /// Is it above zero?
    pub fn is_positive(self) -> bool {
        self.units > 0
    }
}

/// The digits of `mantissa * 10^exponent` as units, without floats.
fn units(mantissa: &str, exponent: i32, whole_digits: i64) -> Option<i128> {
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(part.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let point = i64::try_from(whole.len()).ok()? + i64::from(exponent);
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let significant = digits.get(zeros..).unwrap_or_default();
    let before = point - i64::try_from(zeros).ok()?;
    if significant.is_empty() {
        return Some(0);
    }
    if before > whole_digits {
        return None;
    }
    let kept = before + i64::from(PLACES);
    let digit = |place: usize| significant.get(place).map_or(0, |digit| i128::from(digit - b'0'));
    let kept = usize::try_from(kept).unwrap_or(0);
    Some((0..kept).fold(0, |units, place| units * 10 + digit(place)))
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let all = self.units.unsigned_abs();
        let (whole, part) = (all / ONE.unsigned_abs(), all % ONE.unsigned_abs());
        write!(f, "{sign}{whole}")?;
        if part == 0 {
            return Ok(());
        }
        write!(f, ".{}", format!("{part:015}").trim_end_matches('0'))
    }
}

impl TryFrom<String> for Decimal {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(
            "must be a decimal number in its shortest form, such as \"12.5\": at most 15 digits before the point and 15 \
             after it",
        )
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.to_string()
    }
}

impl From<u32> for Decimal {
    fn from(number: u32) -> Self {
        Self { units: i128::from(number) * ONE }
    }
}
