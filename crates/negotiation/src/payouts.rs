//! What imagined windows pay the buyer.

use std::collections::BTreeMap;

use serde::Serialize;
use terms::units::PPM_WHOLE;
use terms::{PayoutTable, Ppm, Rounding, Sat};

use crate::simulate::{Distribution, Ending};

/// What the buyer gets out of the contract, over many windows: the share of price and bond that an outcome gives, or the
/// price, where the oracle stays silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payouts {
    by_amount: BTreeMap<Sat, u64>,
    runs: u64,
}

/// A payout in three figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// The mean, rounded against the one who computes.
    pub expected_sat: Sat,
    /// How far the mean may be off since only so many windows were imagined: its standard error, rounded up.
    pub standard_error_sat: Sat,
    /// What is not exceeded in so many windows as the percentile says.
    pub percentile_sat: Sat,
}

impl Payouts {
    /// What a distribution pays by this table; `None` where it holds no window, or an outcome that the table doesn't have.
    pub fn of(distribution: &Distribution, table: &PayoutTable, price: Sat) -> Option<Self> {
        let mut by_amount = BTreeMap::new();
        for (ending, count) in distribution.endings() {
            *by_amount.entry(to_buyer(ending, table, price)?).or_default() += count;
        }
        let runs = distribution.runs();
        (runs > 0).then_some(Self { by_amount, runs })
    }

    /// Every amount with the number of its windows, ascending.
    pub fn amounts(&self) -> impl Iterator<Item = (Sat, u64)> {
        self.by_amount.iter().map(|(amount, count)| (*amount, *count))
    }

    /// How many windows there were.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// All windows' payouts together.
    pub fn sum(&self) -> u128 {
        self.amounts().map(|(amount, count)| u128::from(amount.0) * u128::from(count)).sum()
    }

    /// The mean.
    pub fn expected(&self, rounding: Rounding) -> Sat {
        let runs = u128::from(self.runs);
        sat(match rounding {
            Rounding::Up => self.sum().div_ceil(runs),
            Rounding::Down => self.sum() / runs,
        })
    }

    /// The smallest payout that at least this share of the windows do not exceed.
    pub fn percentile(&self, share: Ppm) -> Sat {
        let needed = u128::from(share.0) * u128::from(self.runs);
        let mut windows = 0_u128;
        for (amount, count) in self.amounts() {
            windows += u128::from(count) * u128::from(PPM_WHOLE);
            if windows >= needed {
                return amount;
            }
        }
        self.by_amount.last_key_value().map_or(Sat(0), |(most, _)| *most)
    }

    /// The standard error of the mean, rounded up.
    pub fn standard_error(&self) -> Sat {
        let mean = self.expected(Rounding::Down);
        let square = |(amount, count): (Sat, u64)| {
            let off = u128::from(amount.0.abs_diff(mean.0));
            (off * off).saturating_mul(u128::from(count))
        };
        let squares = self.amounts().map(square).fold(0_u128, u128::saturating_add);
        let variance = squares.div_ceil(u128::from(self.runs));
        let root = variance.div_ceil(u128::from(self.runs)).isqrt();
        sat(root + u128::from(root * root * u128::from(self.runs) < variance))
    }

    /// Mean, standard error and percentile, the mean rounded to a side.
    pub fn figures(&self, percentile: Ppm, rounding: Rounding) -> Figures {
        Figures {
            expected_sat: self.expected(rounding),
            standard_error_sat: self.standard_error(),
            percentile_sat: self.percentile(percentile),
        }
    }
}

fn to_buyer(ending: &Ending, table: &PayoutTable, price: Sat) -> Option<Sat> {
    let Some(outcome) = ending.outcome() else {
        return Some(price);
    };
    let provider = table.at(&outcome)?;
    Some(Sat(table.total_sat().0.saturating_sub(provider.0)))
}

fn sat(amount: u128) -> Sat {
    Sat(u64::try_from(amount).unwrap_or(u64::MAX))
}
