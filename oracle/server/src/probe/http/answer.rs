//! Answers, read within bounds.

use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::{Buf, Incoming};

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
        /// Its bytes, where somebody looks at them; else nothing.
        bytes: Vec<u8>,
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
    },
}

/// A body that does not matter is read to its end if it is this short, so that the connection can be kept.
const DISCARD_BYTES: u64 = 16 * 1024;

impl Answer {
    /// Reads an answer, no further than it has to; and whether that was to its end.
    pub(super) async fn read(response: Response<Incoming>, reads: Reads) -> Result<(Self, bool), Cause> {
        let status = response.status().as_u16();
        let Reads::UpTo { max_bytes, keep } = reads else {
            let is_whole = discard(response).await;
            return Ok((Self { status, body: Body::Ignored }, is_whole));
        };
        let read = read(response.into_body(), max_bytes, keep).await?;
        let is_whole = read.is_some();
        let body = read.map_or(Body::TooLong, |(length, bytes)| Body::Whole { length, bytes });
        Ok((Self { status, body }, is_whole))
    }
}

/// Reads a body that does not matter, if it is short; whether that was to its end.
pub(super) async fn discard(response: Response<Incoming>) -> bool {
    matches!(read(response.into_body(), DISCARD_BYTES, false).await, Ok(Some(_)))
}

/// Reads a body; `None` when it is longer than `max_bytes`.
async fn read(mut body: Incoming, max_bytes: u64, keep: bool) -> Result<Option<(u64, Vec<u8>)>, Cause> {
    let (mut kept, mut length) = (Vec::new(), 0_u64);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Cause::of_exchange(&error))?;
        let Ok(mut data) = frame.into_data() else {
            continue; // Trailers.
        };
        length = length.saturating_add(data.remaining() as u64);
        if length > max_bytes {
            return Ok(None);
        }
        if keep {
            kept.extend_from_slice(&data.copy_to_bytes(data.remaining()));
        }
    }
    Ok(Some((length, kept)))
}
