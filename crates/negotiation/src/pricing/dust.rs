//! From a price that is right to the nearest one that can be signed.
//!
//! Neither the price nor what a side gets may be from 1 to 999 sat. Both grow with the price, so that the way out of dust
//! leads to a higher price, or to a lower one at which there is nothing.

use terms::units::MIN_OUTPUT_SAT;
use terms::{OutcomeValue, PayoutTable, Sat, Side};

use super::{Deal, PricingError, search};

/// A schedule whose dust lies at more places than this, one behind the other, has no price.
const MOST_STEPS: usize = 64;

/// A place at which somebody would get dust.
#[derive(Clone, Copy)]
struct Spot {
    place: Place,
    side: Side,
    sat: u64,
}

/// An outcome, however the table is cut at another price.
#[derive(Clone, Copy)]
enum Place {
    Value(OutcomeValue),
    Level(usize),
}

/// The least price from this one on that can be signed.
pub(super) fn lift(deal: &Deal<'_>, price: u64) -> Result<Option<Sat>, PricingError> {
    let mut price = if price == 0 && deal.bond.0 > 0 { 0 } else { price.max(MIN_OUTPUT_SAT.0) };
    for _ in 0..MOST_STEPS {
        let Some(spot) = smallest(&deal.sketch(Sat(price))?) else {
            deal.check(Sat(price))?;
            return Ok(Some(Sat(price)));
        };
        let clear = |price| Ok::<_, PricingError>(at(&deal.sketch(Sat(price))?, spot) >= MIN_OUTPUT_SAT.0);
        match search::least(deal.most(), clear)? {
            Some(higher) => price = higher.max(MIN_OUTPUT_SAT.0),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// The largest price up to this one that can be signed.
pub(super) fn lower(deal: &Deal<'_>, price: u64) -> Result<Option<Sat>, PricingError> {
    let whole = |price: u64| if price < MIN_OUTPUT_SAT.0 { 0 } else { price };
    let mut price = whole(price);
    for _ in 0..MOST_STEPS {
        if price == 0 && deal.bond.0 == 0 {
            return Ok(None);
        }
        let Some(spot) = smallest(&deal.sketch(Sat(price))?) else {
            deal.check(Sat(price))?;
            return Ok(Some(Sat(price)));
        };
        let nothing = |price| Ok::<_, PricingError>(at(&deal.sketch(Sat(price))?, spot) == 0);
        match search::most(price, nothing)? {
            Some(less) if less < price => price = whole(less),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Where the least dust is.
fn smallest(table: &PayoutTable) -> Option<Spot> {
    let places: Vec<(Place, Sat)> = match table {
        PayoutTable::Numeric { segments, .. } => {
            segments.iter().map(|segment| (Place::Value(segment.start), segment.provider_sat)).collect()
        }
        PayoutTable::Levels { levels, .. } => {
            levels.iter().enumerate().map(|(index, (_, sat))| (Place::Level(index), *sat)).collect()
        }
    };
    let total = table.total_sat().0;
    let sides = places.into_iter().flat_map(|(place, provider)| {
        [
            Spot { place, side: Side::Provider, sat: provider.0 },
            Spot { place, side: Side::Buyer, sat: total - provider.0 },
        ]
    });
    sides.filter(|spot| (1..MIN_OUTPUT_SAT.0).contains(&spot.sat)).min_by_key(|spot| spot.sat)
}

/// What a side gets at that place by another table of the same schedule.
fn at(table: &PayoutTable, spot: Spot) -> u64 {
    let provider = match (table, spot.place) {
        (PayoutTable::Numeric { .. }, Place::Value(value)) => table.at_value(value),
        (PayoutTable::Levels { levels, .. }, Place::Level(index)) => levels.get(index).map(|(_, sat)| *sat),
        _ => None,
    };
    let provider = provider.map_or(0, |sat| sat.0);
    match spot.side {
        Side::Provider => provider,
        Side::Buyer => table.total_sat().0 - provider,
    }
}
