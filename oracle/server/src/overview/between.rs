//! What the probes of a part of a window count as.

use std::collections::BTreeMap;
use std::ops::Range;

use ledger::Grid;

use crate::oracle::Oracle;
use crate::status::{Probe, Seen, probes_of, probes_so_far};
use crate::store::StoreError;

/// What an event's probes count as, by their indices: by the verdicts of slices that have ended, and after them by what is
/// known so far.
///
/// # Errors
/// When the database fails.
pub async fn probes_between(
    oracle: &Oracle,
    event: i64,
    grid: &Grid,
    slots: Range<u64>,
) -> Result<BTreeMap<u64, Probe>, StoreError> {
    if slots.is_empty() {
        return Ok(BTreeMap::new());
    }
    let last = oracle.store.last_slice(event).await?;
    let open = last.as_ref().map_or(0, |slice| grid.probes_of(slice.index).end);
    // Whether an outage is confirmed shows from where slices have not ended, whenever that was.
    let seen = oracle.store.seen(event, slots.start.min(open), slots.end).await?;
    let (first, after) = (grid.slice_of_probe(slots.start), grid.slice_of_probe(slots.end - 1) + 1);
    let count = u32::try_from(after - first).unwrap_or(u32::MAX);
    let mut by_slice = BTreeMap::<u64, Vec<Seen>>::new();
    for seen in seen {
        by_slice.entry(grid.slice_of(seen.sample.unix_ms).unwrap_or(u64::MAX)).or_default().push(seen);
    }
    let mut probes = BTreeMap::new();
    for slice in oracle.store.slices(event, first, count).await? {
        let own = by_slice.remove(&slice.index).unwrap_or_default();
        probes.extend(probes_of(grid, &slice, &own));
    }
    let rest: Vec<Seen> = by_slice.into_values().flatten().collect();
    probes.extend(probes_so_far(grid, last.as_ref(), &rest));
    Ok(probes)
}
