//! What one attempt at a target came to.

use terms::Decimal;

use super::cause::Cause;
use super::phases::Phases;

/// One attempt at a target, of whatever kind.
#[derive(Debug)]
pub(super) struct Attempt {
    /// What is wrong; nothing when it is good.
    pub(super) fault: Option<Cause>,
    /// The reading, where one was to be taken and it is good.
    pub(super) value: Option<Decimal>,
    /// How long it took.
    pub(super) latency_ms: u32,
    /// How long its parts took.
    pub(super) phases: Phases,
}

impl Attempt {
    pub(super) fn of(judged: Result<Option<Decimal>, Cause>, latency_ms: u32, phases: Phases) -> Self {
        match judged {
            Ok(value) => Self { fault: None, value, latency_ms, phases },
            Err(cause) => Self { fault: Some(cause), value: None, latency_ms, phases },
        }
    }
}
