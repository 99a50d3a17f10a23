//! Whether a bundle's probes were made at the moments that the revealed seed gives.

use terms::Target;

use crate::audit::AuditError;
use crate::bundle::Bundle;
use crate::csv;
use crate::grid::Grid;
use crate::sample::Sample;
use crate::schedule::probe_at_ms;

/// A probe that begins more than this after its moment, in milliseconds, counts as late.
pub const LATE_MS: u64 = 1_000;

/// How a bundle's samples lie to the moments that follow from its seed. None lies before its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// Samples that began within [`LATE_MS`] of their moment.
    pub on_time: u64,
    /// Samples that began later, in the same slot: the machine was late, or the oracle chose.
    pub late: u64,
}

impl Bundle {
    /// Compares every sample with the moment that the revealed seed gives for it: an oracle can be late, and never early.
    /// `None` where no seed is revealed, and for a heartbeat, whose moments are the service's own.
    ///
    /// # Errors
    /// [`AuditError::Moment`] names the first sample that began before its moment; and what [`Bundle::audit`] says of a
    /// measurement or of samples that can't be read.
    pub fn audit_moments(&self) -> Result<Option<Moments>, AuditError> {
        let Some(seed) = self.probe_seed else { return Ok(None) };
        if matches!(self.measurement.target, Target::Heartbeat(_)) {
            return Ok(None);
        }
        let grid = Grid::new(&self.measurement).map_err(AuditError::Measurement)?;
        let samples = csv::read(self.samples.as_bytes()).map_err(AuditError::Samples)?;
        let mut moments = Moments::default();
        for (sample, line) in samples.iter().zip(2..) {
            let Some((probe, at_ms)) = moment(&grid, &seed.0, sample) else { continue };
            match sample.unix_ms.checked_sub(at_ms) {
                None => {
                    return Err(AuditError::Moment { line, vantage: sample.vantage.clone(), probe, at_ms });
                }
                Some(after_ms) if after_ms <= LATE_MS => moments.on_time += 1,
                Some(_) => moments.late += 1,
            }
        }
        Ok(Some(moments))
    }
}

/// The slot of a sample, and the moment in it that the seed gives for its vantage, in unix milliseconds. `None` outside the window.
pub fn moment(grid: &Grid, seed: &[u8; 32], sample: &Sample) -> Option<(u64, u64)> {
    let probe = grid.probe_of(sample.unix_ms)?;
    Some((probe, probe_at_ms(grid.measurement(), seed, &sample.vantage, probe)))
}
