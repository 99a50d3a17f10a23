//! What the choice between neighbouring values may cost.

use serde::Serialize;

use super::PayoutTable;
use crate::units::{OutcomeValue, Sat};

/// The largest difference of payout between two values of a certain distance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// How much one side gains and the other loses.
    pub sat: Sat,
    /// The lower of two values that far apart in payout.
    pub from: OutcomeValue,
    /// The higher one.
    pub to: OutcomeValue,
}

impl PayoutTable {
    /// The largest difference of payout between two values below the indeterminate block that are at most `distance`
    /// apart. Zero for levels: they agree or they don't.
    ///
    /// Payouts go one way below the block, so only the far ends of each reach count, and of each segment only its
    /// last value, which reaches furthest.
    pub fn spread(&self, distance: u64) -> Spread {
        let Self::Numeric { segments, .. } = self else {
            return Spread::default();
        };
        let Some((_, below)) = segments.split_last() else {
            return Spread::default();
        };
        let widest = below.iter().filter_map(|low| {
            let last = low.end.0.saturating_add(distance);
            let reached = below.partition_point(|segment| segment.start.0 <= last).checked_sub(1)?;
            let high = below.get(reached)?;
            let sat = Sat(low.provider_sat.0.abs_diff(high.provider_sat.0));
            Some(Spread { sat, from: low.end, to: high.start.max(low.end) })
        });
        // The first of equals, so that every reader names the same two values.
        widest.reduce(|best, next| if next.sat > best.sat { next } else { best }).unwrap_or_default()
    }
}
