//! What one attempt at a target came to.

use super::cause::Cause;
use super::phases::Phases;

/// One attempt at a target, of whatever kind.
#[derive(Debug)]
pub(super) struct Attempt {
    /// What is wrong; nothing when it is good.
    pub(super) fault: Option<Cause>,
    /// How long it took.
    pub(super) latency_ms: u32,
    /// How long its parts took.
    pub(super) phases: Phases,
}
