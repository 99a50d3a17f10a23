//! Answers, read within bounds.

use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use sha2::{Digest as _, Sha256};

use super::kept::{Kept, Memory};
use crate::probe::cause::Cause;

/// An answer, as far as it was read.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its status code.
    pub(super) status: u16,
    /// Its body.
    pub(super) body: Body,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Body {
    /// The whole of it.
    Whole {
        /// Its length.
        length: u64,
        /// Its SHA-256, where it is expected to be a certain one.
        sha256: Option<[u8; 32]>,
        /// Its bytes, where somebody looks at them; else nothing.
        bytes: Kept,
    },
    /// It is longer than it may be.
    TooLong,
    /// It was not looked at, since it does not matter.
    Ignored,
}

/// How much of an answer's body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// None of it matters.
    Nothing,
    /// All of it, when it is no longer than this.
    UpTo {
        /// The most bytes.
        max_bytes: u64,
        /// Keep them.
        keep: bool,
        /// Hash them as they come.
        hash: bool,
    },
}

/// A body that does not matter is read to its end if it is this short, so that the connection can be kept.
const DISCARD_BYTES: u64 = 16 * 1024;

impl Answer {
    /// Reads an answer, no further than it has to; and whether that was to its end.
    pub(super) async fn read(
        response: Response<Incoming>,
        reads: Reads,
        memory: &Memory,
    ) -> Result<(Self, bool), Cause> {
        let status = response.status().as_u16();
        let Reads::UpTo { max_bytes, keep, hash } = reads else {
            let is_whole = discard(response).await;
            return Ok((Self { status, body: Body::Ignored }, is_whole));
        };
        let mut hasher = hash.then(Sha256::new);
        let mut bytes = Kept::default();
        let take = |data: &[u8]| {
            hasher.iter_mut().for_each(|hasher| hasher.update(data));
            if keep { bytes.push(data, memory) } else { Ok(()) }
        };
        let length = read(response.into_body(), max_bytes, take).await?;
        let sha256 = hasher.map(|hasher| hasher.finalize().into());
        let body = length.map_or(Body::TooLong, |length| Body::Whole { length, sha256, bytes });
        Ok((Self { status, body }, length.is_some()))
    }
}

/// Reads a body that does not matter, if it is short; whether that was to its end.
pub(super) async fn discard(response: Response<Incoming>) -> bool {
    matches!(read(response.into_body(), DISCARD_BYTES, |_| Ok(())).await, Ok(Some(_)))
}

/// Reads a body, and says how long it is; `None` when it is longer than `max_bytes`.
async fn read(
    mut body: Incoming,
    max_bytes: u64,
    mut take: impl FnMut(&[u8]) -> Result<(), Cause>,
) -> Result<Option<u64>, Cause> {
    let mut length = 0_u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Cause::of_exchange(&error))?;
        let Ok(data) = frame.into_data() else {
            continue; // Trailers.
        };
        length = length.saturating_add(data.len() as u64);
        if length > max_bytes {
            return Ok(None);
        }
        take(&data)?;
    }
    Ok(Some(length))
}
