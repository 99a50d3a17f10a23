//! An assignment, checked: what one event is to this vantage.

use ledger::Grid;
use protocol::vantage::Assignment;
use signer::VantageKey;
use terms::{DocumentError, EventId, Hex32, Measurement};

use crate::config::Config;

/// An event that this vantage measures.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// The spool's own key of it.
    pub key: i64,
    /// What is measured.
    pub measurement: Measurement,
    /// SHA-256 of the oracle's announcement.
    pub announcement_sha256: Hex32,
    /// This vantage's name.
    pub vantage: String,
    /// Jitters the probes, where anything does.
    pub seed: Option<[u8; 32]>,
    /// What is before this probe was decided already.
    pub first_probe: u64,
}

impl Task {
    pub fn event_id(&self) -> EventId {
        self.measurement.event_id()
    }
}

/// Why an assignment is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssignmentError {
    /// The measurement breaks a rule, or one of this vantage's limits.
    #[error("measurement: {0}")]
    Measurement(#[from] DocumentError),
    /// The seed does not open: somebody else than the oracle said this, or said it to somebody else.
    #[error("sealed_seed: is not the oracle's to this vantage for this assignment")]
    Seed,
    /// The name is none.
    #[error("vantage: must be a vantage's name")]
    Name,
}

/// Checks what an oracle assigned. That the seed opens shows that the oracle said it, whoever brought it.
pub(super) fn check(
    config: &Config,
    key: &VantageKey,
    oracle: &Hex32,
    assignment: &Assignment,
) -> Result<Task, AssignmentError> {
    let seed = key
        .open_seed(oracle, &assignment.context(), assignment.sealed_seed.as_slice())
        .ok_or(AssignmentError::Seed)?;
    if !ledger::is_vantage(&assignment.vantage) {
        return Err(AssignmentError::Name);
    }
    let grid = Grid::new(&assignment.measurement)?;
    limits(config, &grid)?;
    let first_slice = assignment.next_slice.min(grid.slices());
    Ok(Task {
        key: 0,
        measurement: assignment.measurement.clone(),
        announcement_sha256: Hex32(terms::canonical::sha256(assignment.announcement_hex.as_slice())),
        vantage: assignment.vantage.clone(),
        seed: assignment.jitter.then_some(*seed),
        first_probe: first_slice * grid.probes_per_slice(),
    })
}

fn limits(config: &Config, grid: &Grid) -> Result<(), DocumentError> {
    let limits = &config.limits;
    let every_ms = grid.measurement().probe_every_ms;
    if every_ms < limits.probe_every_ms {
        let rule = format!("must be at least {}: this vantage probes no faster", limits.probe_every_ms);
        return Err(DocumentError::new("probe_every_ms", rule));
    }
    if grid.probes() > limits.probes_per_event {
        let rule =
            format!("gives {} probes; this vantage makes at most {}", grid.probes(), limits.probes_per_event);
        return Err(DocumentError::new("probe_every_ms", rule));
    }
    Ok(())
}
