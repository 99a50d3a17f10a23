//! Exit codes: 1 when something failed, 2 when the input was bad.

use std::process::ExitCode;

/// Why a command ended badly, and with which exit code.
#[derive(Debug)]
pub struct Failure {
    /// Why, for a person.
    pub reason: anyhow::Error,
    /// 1 or 2.
    pub code: ExitCode,
}

impl Failure {
    /// Something failed.
    pub fn failed(reason: anyhow::Error) -> Self {
        Self { reason, code: ExitCode::from(1) }
    }

    /// The input was bad.
    pub fn bad_input(reason: anyhow::Error) -> Self {
        Self { reason, code: ExitCode::from(2) }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(reason: anyhow::Error) -> Self {
        Self::failed(reason)
    }
}

impl From<client::ClientError> for Failure {
    fn from(error: client::ClientError) -> Self {
        match error.status() {
            Some(400..=499) => Self::bad_input(error.into()),
            _ => Self::failed(error.into()),
        }
    }
}

impl From<node::ConfigError> for Failure {
    fn from(error: node::ConfigError) -> Self {
        Self::bad_input(error.into())
    }
}

impl From<terms::DocumentError> for Failure {
    fn from(error: terms::DocumentError) -> Self {
        Self::bad_input(error.into())
    }
}
