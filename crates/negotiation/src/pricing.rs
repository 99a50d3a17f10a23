//! Prices: what a provider must ask for an agreement, and what a buyer may pay.
//!
//! A schedule may be relative to the price, so the payout depends on the price that is looked for. But at every outcome a
//! provider is left with no less when the price is a satoshi higher, rounding included. So whatever is asked of what it is left
//! with holds from some price on, and that price is found by halving, in integers and exactly. `docs/pricing.md` tells the
//! arithmetic.

mod ask;
mod dust;
mod search;
mod worth;

use serde::{Deserialize, Serialize};
use terms::agreement::MAX_MONEY;
use terms::units::PPM_WHOLE;
use terms::{CompileError, DocumentError, OracleSet, Payout, PayoutTable, Ppm, Sat, Scale};

use crate::payouts::{Figures, Payouts};
use crate::simulate::Distribution;
pub use ask::{Quote, Wants, quote};
pub use worth::{Worth, worth};

/// A year of 365 days, over which collateral costs what it costs.
pub const YEAR_S: u64 = 31_536_000;

/// The dearest collateral: ten times itself a year.
const MAX_COLLATERAL_PPM_YEAR: u64 = 10 * PPM_WHOLE;

/// The longest lock: a hundred years.
const MAX_LOCK_S: u64 = 100 * YEAR_S;

/// All of an agreement that decides what an outcome pays, but the price.
#[derive(Clone, Copy, Debug)]
pub struct Deal<'a> {
    /// The scale of the outcome.
    pub scale: &'a Scale,
    /// The schedule.
    pub payout: &'a Payout,
    /// What the provider locks.
    pub bond: Sat,
    /// Whose attestations count; with a tolerance it bounds what the choice between them may move.
    pub oracles: &'a OracleSet,
}

/// What a side spends on an agreement, whatever its outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// Its part of the fees of all transactions.
    pub fees_sat: Sat,
    /// What a satoshi that is locked for a year costs, in parts per million.
    pub collateral_ppm_year: Ppm,
    /// For how long its coins are locked, in seconds.
    pub lock_s: u64,
}

/// A price, and what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Priced {
    /// The price.
    pub price_sat: Sat,
    /// What the buyer gets out of the contract at this price.
    pub payout: Figures,
}

/// Why there is no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// A field breaks a rule.
    #[error(transparent)]
    Invalid(#[from] DocumentError),
    /// The schedule compiles at no price.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// There are no windows, or they are of another measurement.
    #[error("the imagined windows are none, or of another measurement")]
    Foreign,
    /// However high the price, too much of it goes back.
    #[error("no price covers the costs and the expected payout: what is paid more goes back")]
    NoReserve,
    /// However high the price, too much of it goes back where the risk is loaded.
    #[error(
        "loading_ppm: no price covers the costs and {loading_ppm} ppm of the payout at the percentile of {percentile_ppm} \
         ppm, where too much of the price goes back; take a smaller loading or percentile"
    )]
    NoAsk {
        /// The loading.
        loading_ppm: Ppm,
        /// The percentile.
        percentile_ppm: Ppm,
    },
    /// Not even without a price is there anything to win for the buyer, or the least price is too high.
    #[error("no price is worth paying: the costs are more than what is to be had")]
    Worthless,
}

impl Deal<'_> {
    /// What it pays at a price that is only looked at.
    fn sketch(&self, price: Sat) -> Result<PayoutTable, PricingError> {
        Ok(PayoutTable::sketch(self.payout, self.scale, price, self.bond)?)
    }

    /// Checks that it can be signed at this price.
    fn check(&self, price: Sat) -> Result<(), PricingError> {
        let table = PayoutTable::compile(self.payout, self.scale, price, self.bond)?;
        let (Some(spread), Some(tolerance)) = (self.oracles.spread(&table), &self.oracles.tolerance) else {
            return Ok(());
        };
        let most_sat = tolerance.max_spread_sat;
        if spread.sat > most_sat {
            return Err(CompileError::Spread { spread, most_sat }.into());
        }
        Ok(())
    }

    /// The highest price that there can be.
    fn most(&self) -> u64 {
        MAX_MONEY.0.saturating_sub(self.bond.0)
    }

    fn payouts(&self, distribution: &Distribution, price: Sat) -> Result<Payouts, PricingError> {
        Payouts::of(distribution, &self.sketch(price)?, price).ok_or(PricingError::Foreign)
    }
}

impl Costs {
    fn check(&self) -> Result<(), DocumentError> {
        let bounded = |field: &str, number: u64, most: u64| match number <= most {
            true => Ok(()),
            false => Err(DocumentError::new(field, format!("must be at most {most}"))),
        };
        bounded("fees_sat", self.fees_sat.0, MAX_MONEY.0)?;
        bounded("collateral_ppm_year", self.collateral_ppm_year.0, MAX_COLLATERAL_PPM_YEAR)?;
        bounded("lock_s", self.lock_s, MAX_LOCK_S)
    }

    /// What it costs to lock so much, rounded up.
    pub fn collateral(&self, locked: Sat) -> Sat {
        let year = u128::from(PPM_WHOLE) * u128::from(YEAR_S);
        let cost = u128::from(locked.0) * u128::from(self.collateral_ppm_year.0) * u128::from(self.lock_s);
        Sat(u64::try_from(cost.div_ceil(year)).unwrap_or(u64::MAX))
    }
}
