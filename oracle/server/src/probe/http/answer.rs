//! Answers: read within bounds, and judged.

use std::ops::RangeInclusive;

use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::{Buf, Incoming};
use terms::{Expectations, Hex32, canonical};

use crate::probe::cause::Cause;

/// What a good answer looks like.
#[derive(Debug)]
pub(super) struct Expected {
    statuses: Vec<RangeInclusive<u64>>,
    /// `None` where the body does not matter.
    body: Option<ExpectedBody>,
}

#[derive(Debug)]
struct ExpectedBody {
    max_bytes: u64,
    sha256: Option<Hex32>,
    contains: Option<String>,
}

/// An answer, as far as it was read.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// The whole of it; empty where nobody looks at it.
    Whole(Vec<u8>),
    /// It is longer than the measurement allows.
    TooLong,
    /// It does not matter: the status is not what it should be, or alone decides.
    Ignored,
}

/// A body that does not matter is read to its end if it is this short, so that the connection can be kept.
const DISCARD_BYTES: u64 = 16 * 1024;

impl Expected {
    pub(super) fn of(expect: &Expectations) -> Self {
        Self {
            statuses: vec![expect.status_from..=expect.status_to],
            body: Some(ExpectedBody {
                max_bytes: expect.body_max_bytes,
                sha256: expect.body_sha256,
                contains: expect.body_contains.clone(),
            }),
        }
    }

    /// Any body will do.
    pub(super) fn any_body(statuses: RangeInclusive<u64>) -> Self {
        Self { statuses: vec![statuses], body: None }
    }

    fn takes(&self, status: u16) -> bool {
        self.statuses.iter().any(|range| range.contains(&u64::from(status)))
    }

    /// Reads an answer, no further than it has to; and whether that was to its end.
    pub(super) async fn read(&self, response: Response<Incoming>) -> Result<(Answer, bool), Cause> {
        let status = response.status().as_u16();
        let body = response.into_body();
        let expected = self.body.as_ref().filter(|_| self.takes(status));
        let Some(expected) = expected else {
            let rest = read(body, DISCARD_BYTES, false).await;
            return Ok((Answer { status, body: Body::Ignored }, matches!(rest, Ok(Some(_)))));
        };
        let whole = read(body, expected.max_bytes, expected.looks_at_it()).await?;
        let is_whole = whole.is_some();
        Ok((Answer { status, body: whole.map_or(Body::TooLong, Body::Whole) }, is_whole))
    }

    /// What is wrong with an answer.
    pub(super) fn fault_of(&self, answer: &Answer) -> Option<Cause> {
        if !self.takes(answer.status) {
            return Some(Cause::Status(answer.status));
        }
        match (&answer.body, &self.body) {
            (Body::TooLong, _) => Some(Cause::BodyTooLong),
            (Body::Whole(body), Some(expected)) => expected.fault_of(body),
            (Body::Whole(_) | Body::Ignored, _) => None,
        }
    }
}

impl ExpectedBody {
    fn looks_at_it(&self) -> bool {
        self.sha256.is_some() || self.contains.is_some()
    }

    fn fault_of(&self, body: &[u8]) -> Option<Cause> {
        if self.sha256.is_some_and(|expected| canonical::sha256(body) != expected.0) {
            return Some(Cause::BodyDiffers);
        }
        let lacks = self.contains.as_ref().is_some_and(|text| !contains(body, text.as_bytes()));
        lacks.then_some(Cause::BodyLacksText)
    }
}

/// Reads a body; `None` when it is longer than `max_bytes`. It is kept only where it is looked at.
async fn read(mut body: Incoming, max_bytes: u64, keep: bool) -> Result<Option<Vec<u8>>, Cause> {
    let (mut kept, mut left) = (Vec::new(), max_bytes);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Cause::of_exchange(&error))?;
        let Ok(mut data) = frame.into_data() else {
            continue; // Trailers.
        };
        let Some(rest) = left.checked_sub(data.remaining() as u64) else {
            return Ok(None);
        };
        left = rest;
        if keep {
            kept.extend_from_slice(&data.copy_to_bytes(data.remaining()));
        }
    }
    Ok(Some(kept))
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}
