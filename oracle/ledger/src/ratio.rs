//! Exact rationals, rounded once.

use std::collections::BTreeMap;
use std::fmt;

use num_bigint::{BigInt, BigUint};
use serde::{Deserialize, Serialize};
use terms::Rounding;

/// A rational number in lowest terms, of any size.
///
/// As JSON: `{"num":"173","den":"172800"}`, decimal strings, since JSON's numbers are not exact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Digits", into = "Digits")]
pub struct Ratio {
    num: BigUint,
    den: BigUint,
}

/// Longer numbers are refused when a ratio is parsed. A window has at most 50 million probes, so at most
/// some 7,000 slices of different sizes, whose least common multiple stays below 50,000 digits.
const MAX_DIGITS: usize = 60_000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digits {
    num: String,
    den: String,
}

impl Ratio {
    /// `num / den`; `None` when `den` is zero.
    pub fn new(num: u64, den: u64) -> Option<Self> {
        Self::reduced(num.into(), den.into())
    }

    /// The mean of the rates `(bad, decided, times)`, each of which stands for as many as it says; `None` without any.
    ///
    /// Rates are summed over the least common multiple of their denominators, so nothing is rounded.
    pub fn mean(rates: impl IntoIterator<Item = (u64, u64, u64)>) -> Option<Self> {
        let mut bad_by_size = BTreeMap::<u64, u64>::new();
        let mut count = 0_u64;
        for (bad, decided, times) in rates {
            *bad_by_size.entry(decided).or_default() += bad * times;
            count += times;
        }
        if bad_by_size.contains_key(&0) {
            return None;
        }
        let common =
            bad_by_size.keys().fold(BigUint::from(1_u8), |common, size| common_multiple(common, *size));
        let sum: BigUint = bad_by_size.iter().map(|(size, bad)| &common / size * bad).sum();
        Self::reduced(sum, common * count)
    }

    /// The mean of `num / den` over as many fractions as there are pairs, all of it divided by `unit`; what is below 0
    /// reads as 0. `None` without any fraction, or with one over 0.
    pub(crate) fn mean_of(fractions: impl IntoIterator<Item = (BigInt, u64)>, unit: &BigInt) -> Option<Self> {
        let mut by_size = BTreeMap::<u64, BigInt>::new();
        let mut count = 0_u64;
        for (num, den) in fractions {
            *by_size.entry(den).or_default() += num;
            count += 1;
        }
        if by_size.contains_key(&0) {
            return None;
        }
        let common = by_size.keys().fold(BigUint::from(1_u8), |common, size| common_multiple(common, *size));
        let sum: BigInt = by_size.iter().map(|(size, num)| num * BigInt::from(&common / size)).sum();
        let num = sum.to_biguint().unwrap_or_default();
        Self::reduced(num, common * count * unit.magnitude())
    }

    fn reduced(num: BigUint, den: BigUint) -> Option<Self> {
        let divisor = common_divisor(num.clone(), den.clone());
        (den != BigUint::ZERO).then(|| Self { num: num / &divisor, den: den / divisor })
    }

    /// This times `factor`, rounded to an integer; saturates at `u64::MAX`.
    pub fn scaled(&self, factor: u64, rounding: Rounding) -> u64 {
        let product = &self.num * factor;
        let rounded = match rounding {
            Rounding::Down => product / &self.den,
            Rounding::Up => (product + &self.den - 1_u8) / &self.den,
        };
        u64::try_from(rounded).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

impl From<Ratio> for Digits {
    fn from(ratio: Ratio) -> Self {
        Self { num: ratio.num.to_string(), den: ratio.den.to_string() }
    }
}

impl TryFrom<Digits> for Ratio {
    type Error = &'static str;

    fn try_from(digits: Digits) -> Result<Self, Self::Error> {
        let parse = |text: &str| {
            let decimal = text.len() <= MAX_DIGITS && text.bytes().all(|b| b.is_ascii_digit());
            decimal.then(|| text.parse().ok()).flatten()
        };
        let parsed = parse(&digits.num).zip(parse(&digits.den));
        let ratio = parsed.and_then(|(num, den)| Self::reduced(num, den));
        ratio.ok_or("must be a numerator and a denominator above 0, in decimal digits")
    }
}

fn common_multiple(common: BigUint, size: u64) -> BigUint {
    let rest = u64::try_from(&common % size).unwrap_or(0);
    common * (size / divisor(size, rest))
}

fn divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn common_divisor(mut a: BigUint, mut b: BigUint) -> BigUint {
    while b != BigUint::ZERO {
        (a, b) = (b.clone(), a % b);
    }
    a
}
