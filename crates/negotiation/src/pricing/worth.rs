//! The buyer's price: the highest that an agreement is worth.

use serde::Serialize;
use terms::agreement::MAX_MONEY;
use terms::{DocumentError, Ppm, Rounding, Sat};

use super::{Costs, Deal, Priced, PricingError, dust, search};
use crate::simulate::Distribution;

/// Milliseconds in an hour.
const HOUR_MS: u128 = 3_600_000;

/// The highest price worth paying for one agreement, and of what it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Worth {
    /// The price: with a higher one the buyer loses in the mean. Not for the provider's eyes.
    pub highest: Priced,
    /// What the expected uptime is worth to the buyer.
    pub uptime_sat: Sat,
    /// Fees.
    pub fees_sat: Sat,
    /// What it costs to lock that price.
    pub collateral_sat: Sat,
}

/// What an agreement is worth to a buyer to whom an hour of uptime is worth so much. Everything is rounded against the
/// buyer: costs up, what it gets down, the price down.
///
/// # Errors
/// See [`PricingError`].
pub fn worth(
    deal: &Deal<'_>,
    distribution: &Distribution,
    costs: &Costs,
    hour_sat: Sat,
    percentile: Ppm,
) -> Result<Worth, PricingError> {
    costs.check()?;
    if hour_sat > MAX_MONEY {
        return Err(
            DocumentError::new("hour_sat", "must be at most 2100000000000000 (21 million bitcoin)").into()
        );
    }
    let runs = u128::from(distribution.runs());
    let uptime = distribution.up_ms() * u128::from(hour_sat.0) / HOUR_MS;
    let pays = |price| {
        let payouts = deal.payouts(distribution, Sat(price))?;
        let spent =
            u128::from(price) + u128::from(costs.fees_sat.0) + u128::from(costs.collateral(Sat(price)).0);
        Ok::<_, PricingError>(uptime + payouts.sum() >= spent * runs)
    };
    let right = search::most(deal.most(), pays)?.ok_or(PricingError::Worthless)?;
    let price = dust::lower(deal, right)?.ok_or(PricingError::Worthless)?;
    let payout = deal.payouts(distribution, price)?.figures(percentile, Rounding::Down);
    Ok(Worth {
        highest: Priced { price_sat: price, payout },
        uptime_sat: Sat(u64::try_from(uptime / runs.max(1)).unwrap_or(u64::MAX)),
        fees_sat: costs.fees_sat,
        collateral_sat: costs.collateral(price),
    })
}
