//! Why a probe was not good.

use std::fmt;

/// Why a probe was not good; kept with the sample, so that a person can tell what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No connection: name not found, address refused, nobody listening.
    Connect,
    /// No whole answer in the time that the measurement allows.
    Timeout,
    /// The connection broke, or what came is not HTTP.
    Broken,
    /// The status code is not one of the expected.
    Status(u16),
    /// The body is longer than the measurement allows.
    BodyTooLong,
    /// The body's hash is another one.
    BodyDiffers,
    /// The body lacks the expected text.
    BodyLacksText,
    /// Too few of the oracle's own references answered, so that it says nothing about the target.
    References,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("connect"),
            Self::Timeout => f.write_str("timeout"),
            Self::Broken => f.write_str("broken answer"),
            Self::Status(code) => write!(f, "status {code}"),
            Self::BodyTooLong => f.write_str("body too long"),
            Self::BodyDiffers => f.write_str("body differs"),
            Self::BodyLacksText => f.write_str("body lacks text"),
            Self::References => f.write_str("own connectivity"),
        }
    }
}
