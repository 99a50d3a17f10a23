//! How an event's service stands right now, from its newest samples.

use ledger::{Grid, Verdict};

use super::State;
use crate::oracle::Oracle;
use crate::status::{Incident, Incidents, probes_so_far};
use crate::store::{StoreError, Watched};

/// So many of the newest probes are looked at.
const PROBES: u64 = 8;
/// After so many slots without a decision nobody knows any more.
const PATIENCE_SLOTS: u64 = 4;

/// How a service stands by one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// The word.
    pub state: State,
    /// What is open, where it is down.
    pub incident: Option<Incident>,
}

impl Default for Live {
    fn default() -> Self {
        Self { state: State::Idle, incident: None }
    }
}

/// Looks at the newest samples of an event whose window is open.
///
/// # Errors
/// When the database fails.
pub async fn live(oracle: &Oracle, event: &Watched) -> Result<Live, StoreError> {
    let grid = Grid::new(&event.measurement).map_err(|_| StoreError::Corrupt { column: "measurement" })?;
    let verdicts = newest_verdicts(oracle, event, &grid).await?;
    let decided = verdicts.iter().rev().find(|(_, verdict)| *verdict != Verdict::Unknown);
    let state = match decided {
        Some((probe, _)) if is_old(oracle, &grid, *probe) => State::Unknown,
        Some((_, Verdict::Good)) => State::Up,
        Some((_, Verdict::Bad)) => State::Down,
        Some((_, Verdict::Unknown)) | None => State::Unknown,
    };
    let incident = if state == State::Down { open_incident(oracle, event, &grid).await? } else { None };
    Ok(Live { state, incident })
}

/// What the newest probes count as, ascending. Where outages are confirmed, that depends on all since the last slice.
async fn newest_verdicts(
    oracle: &Oracle,
    event: &Watched,
    grid: &Grid,
) -> Result<Vec<(u64, Verdict)>, StoreError> {
    if event.measurement.confirm.is_none() {
        let newest =
            oracle.store.newest_samples(event.key, PROBES * event.measurement.quorum.vantages).await?;
        return Ok(ledger::probe_verdicts(grid, &newest));
    }
    let before = oracle.store.last_slice(event.key).await?;
    let since = before.as_ref().map_or(0, |slice| grid.probes_of(slice.index).start);
    let samples = oracle.store.samples(event.key, since, grid.probes()).await?;
    let mut verdicts = before.as_ref().map_or_else(Vec::new, |slice| {
        let own = |sample: &&ledger::Sample| grid.slice_of(sample.unix_ms) == Some(slice.index);
        ledger::counted(grid, slice, &samples.iter().filter(own).cloned().collect::<Vec<_>>())
    });
    verdicts.extend(ledger::counted_so_far(grid, before.as_ref(), &samples));
    Ok(verdicts)
}

fn is_old(oracle: &Oracle, grid: &Grid, probe: u64) -> bool {
    let every_ms = grid.measurement().probe_every_ms;
    let allowed_ms = PATIENCE_SLOTS * every_ms + 2 * oracle.flush_every_ms;
    grid.probe_start_ms(probe).saturating_add(allowed_ms) < oracle.clock.now_ms()
}

/// The incident under way: what ended slices say of it, and the samples after them.
async fn open_incident(
    oracle: &Oracle,
    event: &Watched,
    grid: &Grid,
) -> Result<Option<Incident>, StoreError> {
    let stored = oracle.store.open_incident(event.key).await?;
    let closed = oracle.store.last_slice(event.key).await?;
    let from = closed.as_ref().map_or(0, |slice| grid.probes_of(slice.index).end);
    let seen = oracle.store.seen(event.key, from, grid.probes()).await?;
    let mut incidents = Incidents::resume(stored);
    incidents.follow(&probes_so_far(grid, closed.as_ref(), &seen));
    Ok(incidents.touched().last().filter(|incident| incident.end_ms.is_none()))
}
