//! Why an envelope is refused.

use terms::{DocumentError, Hex32, UnixSeconds};

/// Why an envelope was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is not an envelope, or a field breaks a rule.
    #[error("{0}")]
    Document(#[from] DocumentError),
    /// It speaks another version of the protocol.
    #[error("v: version {got} is not spoken here, only {}", in_words(*latest))]
    Version {
        /// The envelope's version.
        got: u64,
        /// The latest that is spoken here.
        latest: u64,
    },
    /// `from` is not a key, or did not sign this.
    #[error("sig: is not a signature of `from` over this envelope")]
    Signature,
    /// It is for somebody else.
    #[error("to: is {got}, not {expected}")]
    Recipient {
        /// Who it is for.
        got: Hex32,
        /// Who opened it.
        expected: Hex32,
    },
    /// Its time has passed.
    #[error("expires: was {expires}, now it is {now_s}")]
    Expired {
        /// When it expired.
        expires: UnixSeconds,
        /// The receiver's time.
        now_s: u64,
    },
    /// It was made further in the future than clocks differ.
    #[error("at: is {at}, but it is only {now_s}")]
    FromTheFuture {
        /// When it says it was made.
        at: UnixSeconds,
        /// The receiver's time.
        now_s: u64,
    },
}

/// The versions up to the latest, as a sentence names them.
pub(crate) fn in_words(latest: u64) -> &'static str {
    if latest == 1 { "1" } else { "1 and 2" }
}

impl EnvelopeError {
    /// The field that broke a rule.
    pub fn field(&self) -> &str {
        match self {
            Self::Document(e) => &e.field,
            Self::Version { .. } => "v",
            Self::Signature => "sig",
            Self::Recipient { .. } => "to",
            Self::Expired { .. } => "expires",
            Self::FromTheFuture { .. } => "at",
        }
    }
}
