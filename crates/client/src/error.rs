//! What can go wrong between a question and its answer.

use protocol::Problem;

/// Why there is no answer to use.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The base URL is not one, or not one that this machine can use.
    #[error("{url}: {rule}")]
    BaseUrl {
        /// What was given.
        url: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The system gave no randomness, without which nothing is signed.
    #[error("no randomness: {0}")]
    Randomness(getrandom::Error),
    /// Nobody answered: not resolved, not connected, or cut off.
    #[error("{url}: unreachable")]
    Unreachable {
        /// What was asked.
        url: String,
        /// The transport's reason.
        #[source]
        source: reqwest::Error,
    },
    /// No whole answer came in time. Whether the request was acted upon is unknown.
    #[error("{url}: no answer in time")]
    Timeout {
        /// What was asked.
        url: String,
    },
    /// The answer is no, with its reason.
    #[error("{0}")]
    Refused(Problem),
    /// The answer is no, without a reason that could be read.
    #[error("{url}: status {status} without a reason")]
    Status {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The answer is not what was asked for.
    #[error("{url}: {field}: {rule}")]
    Malformed {
        /// What was asked.
        url: String,
        /// The field of the answer that breaks a rule; `body` for the whole.
        field: String,
        /// The rule.
        rule: String,
    },
}

impl ClientError {
    /// Whether the same question can have a better answer later. A refusal for the caller's fault and an
    /// answer that makes no sense stay as they are.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } => true,
            Self::Refused(Problem { status, .. }) | Self::Status { status, .. } => {
                *status >= 500 || *status == 429
            }
            Self::BaseUrl { .. } | Self::Malformed { .. } | Self::Randomness(_) => false,
        }
    }

    /// The refusal's status, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(Problem { status, .. }) | Self::Status { status, .. } => Some(*status),
            Self::BaseUrl { .. }
            | Self::Randomness(_)
            | Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Malformed { .. } => None,
        }
    }
}
