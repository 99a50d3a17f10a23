//! The provider's prices: the lowest it should take, and the one to ask.

use serde::{Deserialize, Serialize};
use terms::agreement::MAX_MONEY;
use terms::units::PPM_WHOLE;
use terms::{DocumentError, Ppm, Rounding, Sat};

use super::{Costs, Deal, Priced, PricingError, dust, search};
use crate::payouts::Payouts;
use crate::simulate::Distribution;

/// What a provider wants out of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wants {
    /// What the service itself is to bring in, its own costs and profit; 0 prices the promise alone.
    pub service_sat: Sat,
    /// Its share of the distance from the expected payout to the one at the percentile that the asking price covers: 0 none
    /// of it, 1,000,000 all.
    pub loading_ppm: Ppm,
    /// The percentile.
    pub percentile_ppm: Ppm,
}

/// A provider's prices for one agreement, and of what they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quote {
    /// The lowest price to take: with a lower one the provider loses in the mean. Not for the buyer's eyes.
    pub reserve: Priced,
    /// The price to ask: it carries the loading as well.
    pub ask: Priced,
    /// What the service itself brings in.
    pub service_sat: Sat,
    /// Fees.
    pub fees_sat: Sat,
    /// What it costs to lock the bond.
    pub collateral_sat: Sat,
}

/// The provider's prices. Everything is rounded against it: costs and payouts up, prices up.
///
/// # Errors
/// See [`PricingError`].
pub fn quote(
    deal: &Deal<'_>,
    distribution: &Distribution,
    costs: &Costs,
    wants: &Wants,
) -> Result<Quote, PricingError> {
    costs.check()?;
    wants.check()?;
    let collateral_sat = costs.collateral(deal.bond);
    let spent = u128::from(wants.service_sat.0) + u128::from(costs.fees_sat.0) + u128::from(collateral_sat.0);
    let find = |loading: Ppm| {
        let covers = |price| {
            let payouts = deal.payouts(distribution, Sat(price))?;
            Ok::<_, PricingError>(covers(&payouts, price, spent, loading, wants.percentile_ppm))
        };
        let right = search::least(deal.most(), covers)?;
        right.map_or(Ok(None), |right| dust::lift(deal, right))
    };
    let priced = |price: Sat| {
        let payouts = deal.payouts(distribution, price)?;
        let payout = payouts.figures(wants.percentile_ppm, Rounding::Up);
        Ok::<_, PricingError>(Priced { price_sat: price, payout })
    };
    let Wants { loading_ppm, percentile_ppm, .. } = *wants;
    let reserve = find(Ppm(0))?.ok_or(PricingError::NoReserve)?;
    let ask = find(loading_ppm)?.ok_or(PricingError::NoAsk { loading_ppm, percentile_ppm })?;
    Ok(Quote {
        reserve: priced(reserve)?,
        ask: priced(ask)?,
        service_sat: wants.service_sat,
        fees_sat: costs.fees_sat,
        collateral_sat,
    })
}

/// Whether a price covers what is spent, the expected payout, and the loaded part of what is beyond it. All of it times
/// windows times a million, so that nothing is rounded.
fn covers(payouts: &Payouts, price: u64, spent: u128, loading: Ppm, percentile: Ppm) -> bool {
    let (runs, whole) = (u128::from(payouts.runs()), u128::from(PPM_WHOLE));
    let expected = payouts.sum() * whole;
    let at_percentile = u128::from(payouts.percentile(percentile).0) * runs * whole;
    let beyond = at_percentile.saturating_sub(expected) / whole * u128::from(loading.0);
    u128::from(price) * runs * whole >= spent * runs * whole + expected + beyond
}

impl Wants {
    fn check(&self) -> Result<(), DocumentError> {
        if self.service_sat > MAX_MONEY {
            return Err(DocumentError::new(
                "service_sat",
                "must be at most 2100000000000000 (21 million bitcoin)",
            ));
        }
        for (field, share) in [("loading_ppm", self.loading_ppm), ("percentile_ppm", self.percentile_ppm)] {
            if share.0 > PPM_WHOLE {
                return Err(DocumentError::new(field, "must be at most 1000000"));
            }
        }
        Ok(())
    }
}
