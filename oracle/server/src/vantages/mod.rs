//! Vantages elsewhere, as the oracle sees them: who measures an event, whose word is taken, and how long a slice waits.
//!
//! Their own side is the module `crate::vantage`.

mod intake;
mod views;

use std::ops::Range;

use ledger::Grid;
use terms::Measurement;

use crate::config::Config;
use crate::oracle::Oracle;
use crate::store::{Event, StoreError, Vantage};

pub use intake::{IntakeError, take};
pub use views::{views, words};

/// How many vantages this oracle has, its own included.
pub fn available(config: &Config) -> u64 {
    config.remote_vantages.len() as u64 + 1
}

/// Who measures: the oracle itself, and as many of its other vantages, in the order of the configuration, as the
/// measurement asks for.
pub fn choose(config: &Config, measurement: &Measurement) -> Vec<Vantage> {
    let own = Vantage { name: config.vantage.clone(), key: None };
    let others = config
        .remote_vantages
        .iter()
        .map(|vantage| Vantage { name: vantage.name.clone(), key: Some(vantage.key) });
    let wanted = usize::try_from(measurement.quorum.vantages).unwrap_or(usize::MAX);
    std::iter::once(own).chain(others).take(wanted).collect()
}

/// The first of these slices, which the oracle itself is done with, that can be closed: every other vantage has
/// reported on them, or was waited for long enough.
///
/// # Errors
/// When the database fails.
pub async fn ready(
    oracle: &Oracle,
    event: &Event,
    grid: &Grid,
    slices: Range<u64>,
) -> Result<Range<u64>, StoreError> {
    let now_ms = oracle.clock.now_ms();
    let mut until = slices.start;
    for slice in slices.clone() {
        let waited = now_ms >= waits_until_ms(oracle, grid, slice);
        if !waited && !is_reported(oracle, event, grid, slice).await? {
            break;
        }
        until = slice + 1;
    }
    Ok(slices.start..until)
}

/// Until when a slice waits. While the oracle was not there nobody could report, so the time begins anew with it.
fn waits_until_ms(oracle: &Oracle, grid: &Grid, slice: u64) -> u64 {
    grid.slice_end_ms(slice)
        .max(oracle.started_ms)
        .saturating_add(oracle.settings().config.vantage_grace_ms())
}

/// Excluded slices are not probed, and nothing is reported about them.
async fn is_reported(oracle: &Oracle, event: &Event, grid: &Grid, slice: u64) -> Result<bool, StoreError> {
    if grid.is_excluded(slice) {
        return Ok(true);
    }
    let reported = oracle.store.reported_blocks(event.key, &grid.probes_of(slice)).await?;
    Ok(event
        .remote_vantages()
        .all(|(name, _)| reported.get(name).is_some_and(|blocks| *blocks >= grid.blocks_per_slice())))
}
