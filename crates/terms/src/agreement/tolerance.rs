//! How far several oracles may differ, and what it may cost that they do.

use super::{OracleSet, Tolerance};
use crate::canonical::{DocumentError, ensure};
use crate::payout::{PayoutTable, Spread};
use crate::scale::{NumericScale, Scale};
use crate::units::Sat;

impl Tolerance {
    /// The largest distance at which the values of two oracles may settle that share no CET: `2^max_error_exp - 1`.
    pub fn reach(&self) -> u64 {
        power_of_two(self.max_error_exp).saturating_sub(1)
    }
}

impl OracleSet {
    /// The largest difference of payout between two combinations of oracles that may both settle; `None` without
    /// tolerance.
    ///
    /// Two combinations have an oracle in common, since t is more than half of n. The oracle of lowest index in each
    /// sets the level, and it lies within [`Tolerance::reach`] of the common one, so two levels are at most twice that
    /// far apart. Where all oracles must attest there is one combination, and no choice.
    pub fn spread(&self, table: &PayoutTable) -> Option<Spread> {
        let tolerance = self.tolerance.as_ref()?;
        let one_combination = self.threshold == self.keys.len() as u64;
        let distance = if one_combination { 0 } else { tolerance.reach().saturating_mul(2) };
        Some(table.spread(distance))
    }
}

/// The rules that a tolerance obeys together with threshold and scale; paths start at the oracles.
pub(super) fn check(oracles: &OracleSet, scale: &Scale) -> Result<(), DocumentError> {
    let Some(tolerance) = &oracles.tolerance else {
        return Ok(());
    };
    ensure(oracles.threshold > 1, "tolerance", "must be left out where the threshold is 1")?;
    let Scale::Numeric(scale) = scale else {
        return Err(DocumentError::new("tolerance", "must be left out where the outcome is an enum"));
    };
    on_scale(tolerance, scale).map_err(|error| error.within("tolerance"))
}

fn on_scale(tolerance: &Tolerance, scale: &NumericScale) -> Result<(), DocumentError> {
    let Tolerance { max_error_exp, min_fail_exp, max_spread_sat } = tolerance;
    ensure(*max_error_exp < scale.digits, "max_error_exp", "must be below the scale's digits")?;
    ensure(min_fail_exp < max_error_exp, "min_fail_exp", "must be below max_error_exp")?;
    // A clamped maximum must not agree with "no data", not even through a third oracle in between.
    let clear = scale.max.0.saturating_add(power_of_two(max_error_exp + 1)) <= scale.indeterminate_from.0;
    let rule = "must be such that the scale's max + 2^(max_error_exp + 1) is at most indeterminate_from";
    ensure(clear, "max_error_exp", rule)?;
    // And "no data", signed as the last value, must not agree with anything below the block that means it.
    let block = power_of_two(scale.digits).saturating_sub(scale.indeterminate_from.0);
    let rule = "must be such that 2^max_error_exp values fit into the indeterminate block";
    ensure(power_of_two(*max_error_exp) <= block, "max_error_exp", rule)?;
    let exists = *max_spread_sat <= super::rules::MAX_MONEY;
    ensure(exists, "max_spread_sat", "must be at most 2100000000000000 (21 million bitcoin)")
}

/// `2^exp`, or the largest number there is: both are beyond any scale.
fn power_of_two(exp: u64) -> u64 {
    u32::try_from(exp).ok().and_then(|exp| 1u64.checked_shl(exp)).unwrap_or(u64::MAX)
}

/// The agreement bounds the spread.
pub(super) fn check_spread(oracles: &OracleSet, table: &PayoutTable) -> Result<(), crate::CompileError> {
    let (Some(spread), Some(tolerance)) = (oracles.spread(table), &oracles.tolerance) else {
        return Ok(());
    };
    let most: Sat = tolerance.max_spread_sat;
    if spread.sat > most {
        return Err(crate::CompileError::Spread { spread, most_sat: most });
    }
    Ok(())
}
