//! Heartbeats: targets that nobody probes. The service sends signed beats; a slot with one is good, a slot without is
//! bad, and a slot in which the oracle was not there to hear is unmeasured.

mod hearing;
mod silence;

use terms::{DocumentError, Measurement, Target};

pub use hearing::{BeatError, hear};
pub use silence::measure;

/// Is the target one that beats?
pub fn is_heartbeat(measurement: &Measurement) -> bool {
    matches!(measurement.target, Target::Heartbeat(_))
}

/// Refuses what can't be heard.
///
/// # Errors
/// Names the field.
pub fn check(measurement: &Measurement) -> Result<(), DocumentError> {
    if measurement.quorum.vantages == 1 {
        return Ok(());
    }
    let rule = "must be 1 with a heartbeat: beats go to the oracle itself";
    Err(DocumentError::new("quorum.vantages", rule))
}
