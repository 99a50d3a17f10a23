//! Exit codes: 1 when something failed, 2 when the input was bad.

use std::process::ExitCode;

use client::ClientError;
use protocol::ProblemType;

/// Why a command ended badly, and with which exit code.
#[derive(Debug)]
pub struct Failure {
    /// Why, for a person.
    pub reason: anyhow::Error,
    /// 1 or 2.
    pub code: ExitCode,
}

impl Failure {
    /// The reason and its causes, less those that the words before them end with already.
    pub fn in_words(&self) -> String {
        let mut words = String::new();
        for cause in self.reason.chain().map(ToString::to_string) {
            if !words.ends_with(&cause) {
                let separator = if words.is_empty() { "" } else { ": " };
                words = format!("{words}{separator}{cause}");
            }
        }
        words
    }

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

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        if is_bad_input(&error) { Self::bad_input(error.into()) } else { Self::failed(error.into()) }
    }
}

/// Whether what was typed breaks a rule. A refusal by the mandate, missing coins or an offer that is over are not the
/// input's fault.
fn is_bad_input(error: &ClientError) -> bool {
    match error {
        ClientError::BaseUrl { .. } => true,
        ClientError::Refused(problem) => matches!(
            problem.known_type(),
            Some(
                ProblemType::BadInput
                    | ProblemType::UnsupportedVersion
                    | ProblemType::TooLarge
                    | ProblemType::UnsupportedMedia
                    | ProblemType::IdempotencyMismatch
            )
        ),
        ClientError::Status { status, .. } => matches!(status, 400 | 413),
        ClientError::Unreachable { .. }
        | ClientError::Timeout { .. }
        | ClientError::Malformed { .. }
        | ClientError::Randomness(_) => false,
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
