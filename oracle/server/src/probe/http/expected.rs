//! What a good answer looks like, compiled once and judged often.

use std::ops::RangeInclusive;
use std::sync::Arc;

use regex::bytes::Regex;
use terms::{Decimal, DocumentError, Expectations, HttpTarget, MetricSource};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::{Answer, Body, Reads};
use super::effort;
use crate::probe::cause::Cause;
use crate::probe::read::{Json, Schema, reading};

/// What a good answer looks like.
#[derive(Debug)]
pub(super) enum Expected {
    /// Any with one of these status codes.
    Status(RangeInclusive<u16>),
    /// One that a measurement describes.
    Measured(Box<Measured>),
}

/// What a measurement says about answers.
#[derive(Debug)]
pub(super) struct Measured {
    expect: Expectations,
    /// `body_contains`, which as an expression takes time linear in the body.
    contains: Option<Regex>,
    matches: Option<Regex>,
    schema: Option<Schema>,
    source: Option<MetricSource>,
    steps_per_byte: u64,
    /// Places for answers of this target that are being judged.
    turns: Arc<Semaphore>,
}

/// So many answers of one target are judged, or wait for it, at the same time.
const TURNS: usize = 2;

/// In longer bodies neither JSON nor expressions are looked for: 16 pointers of 128 steps each go through all of it, and
/// an expression may take as many steps for a byte as its program is long.
const MAX_LOOKED_INTO_BYTES: u64 = 1 << 20;

/// A body of this length is looked through in no time.
const SHORT_BYTES: usize = 16 * 1024;

impl Expected {
    /// What a target expects; with a `source`, a reading too.
    ///
    /// # Errors
    /// Names the field that this oracle can't judge, and why.
    pub(super) fn of(target: &HttpTarget, source: Option<&MetricSource>) -> Result<Self, DocumentError> {
        let refuse = |field: &str, rule: &str| DocumentError::new(format!("target.expect.{field}"), rule);
        let expect = &target.expect;
        let is_json = expect.looks_at_json() || matches!(source, Some(MetricSource::Pointer(_)));
        let looks_into = is_json || expect.body_matches.is_some();
        if looks_into && expect.body_max_bytes > MAX_LOOKED_INTO_BYTES {
            let rule = "this oracle looks for JSON and expressions in at most 1048576 bytes (1 MiB)";
            return Err(refuse("body_max_bytes", rule));
        }
        let compiled = |field: &str, text: Option<&String>| {
            let rule = "must be an expression that compiles within 1 MiB";
            text.map(|text| terms::measurement::pattern(text).ok_or_else(|| refuse(field, rule))).transpose()
        };
        let text = expect.body_contains.as_ref().map(|text| regex::escape(text));
        let schema = expect.json_schema.as_ref();
        let schema =
            schema.map(|schema| Schema::compile(schema).ok_or_else(|| refuse("json_schema", "must compile")));
        Ok(Self::Measured(Box::new(Measured {
            contains: compiled("body_contains", text.as_ref())?,
            matches: compiled("body_matches", expect.body_matches.as_ref())?,
            schema: schema.transpose()?,
            source: source.cloned(),
            steps_per_byte: effort::steps_per_byte(expect, source),
            turns: Arc::new(Semaphore::new(TURNS)),
            expect: expect.clone(),
        })))
    }

    /// Is this status code a good one?
    pub(super) fn accepts(&self, status: u16) -> bool {
        match self {
            Self::Status(range) => range.contains(&status),
            Self::Measured(measured) => measured.expect.accepts_status(status),
        }
    }

    /// How much of an answer with this status must be read.
    pub(super) fn reads(&self, status: u16) -> Reads {
        match self {
            Self::Measured(measured) if self.accepts(status) => measured.reads(),
            Self::Status(_) | Self::Measured(_) => Reads::Nothing,
        }
    }

    /// For at least so many seconds more each certificate must be valid.
    pub(super) fn certificate_valid_s(&self) -> Option<u64> {
        match self {
            Self::Status(_) => None,
            Self::Measured(measured) => measured.expect.certificate_valid_s,
        }
    }

    /// May judging this answer take longer than the other probes of this thread should wait?
    pub(super) fn is_work(&self, answer: &Answer) -> bool {
        match (self, &answer.body) {
            (Self::Measured(measured), Body::Whole { bytes, .. }) => {
                let simple = measured.matches.is_none() && measured.schema.is_none();
                bytes.len() > if simple { SHORT_BYTES } else { 0 }
            }
            _ => false,
        }
    }

    /// How many steps judging this answer may take, at most.
    pub(super) fn steps(&self, answer: &Answer) -> u64 {
        match (self, &answer.body) {
            (Self::Measured(measured), Body::Whole { bytes, .. }) => {
                measured.steps_per_byte.saturating_mul(bytes.len() as u64)
            }
            _ => 0,
        }
    }

    /// A place among the answers of this target that are being judged; `None` when it has enough of them.
    pub(super) fn turn(&self) -> Option<OwnedSemaphorePermit> {
        match self {
            Self::Status(_) => None,
            Self::Measured(measured) => Arc::clone(&measured.turns).try_acquire_owned().ok(),
        }
    }

    /// # Errors
    /// Names the field that makes an answer longer than may be looked through.
    pub(super) fn is_bounded(&self) -> Result<(), DocumentError> {
        let Self::Measured(measured) = self else { return Ok(()) };
        let most = effort::MOST / measured.steps_per_byte;
        if measured.expect.body_max_bytes <= most || !measured.expect.looks_at_body() {
            return Ok(());
        }
        let rule =
            format!("must be at most {most} with these expressions: this oracle looks no further for them");
        Err(DocumentError::new("target.expect.body_max_bytes", rule))
    }

    /// The reading of a good answer, where there is one; or what is wrong with it.
    pub(super) fn judge(&self, answer: &Answer) -> Result<Option<Decimal>, Cause> {
        if !self.accepts(answer.status) {
            return Err(Cause::Status(answer.status));
        }
        match (&answer.body, self) {
            (Body::TooLong, _) => Err(Cause::BodyTooLong),
            (Body::Whole { length, sha256, bytes }, Self::Measured(measured)) => {
                measured.judge(*length, *sha256, bytes)
            }
            (Body::Whole { .. } | Body::Ignored, _) => Ok(None),
        }
    }
}

impl Measured {
    fn reads(&self) -> Reads {
        let keep = self.contains.is_some()
            || self.matches.is_some()
            || self.expect.looks_at_json()
            || self.source.is_some();
        let hash = self.expect.body_sha256.is_some();
        Reads::UpTo { max_bytes: self.expect.body_max_bytes, keep, hash }
    }

    fn judge(&self, length: u64, sha256: Option<[u8; 32]>, body: &[u8]) -> Result<Option<Decimal>, Cause> {
        let differs = self.expect.body_sha256.is_some_and(|expected| sha256 != Some(expected.0));
        let fault = self.fault_of_length(length).or(differs.then_some(Cause::BodyDiffers));
        let fault = fault.or_else(|| self.fault_of_text(body));
        fault.map_or(Ok(()), Err)?;
        self.fault_of_json(body).map_or(Ok(()), Err)?;
        self.source.as_ref().map(|source| reading(source, body)).transpose()
    }

    fn fault_of_length(&self, length: u64) -> Option<Cause> {
        let short = self.expect.body_min_bytes.is_some_and(|least| length < least);
        short.then_some(Cause::BodyTooShort)
    }

    fn fault_of_text(&self, body: &[u8]) -> Option<Cause> {
        let lacks = |pattern: &Option<Regex>| pattern.as_ref().is_some_and(|pattern| !pattern.is_match(body));
        if lacks(&self.contains) {
            Some(Cause::BodyLacksText)
        } else {
            lacks(&self.matches).then_some(Cause::BodyNoMatch)
        }
    }

    fn fault_of_json(&self, body: &[u8]) -> Option<Cause> {
        if !self.expect.json.is_empty() {
            let fault = Json::parse(body).map(|json| json.fault_of(&self.expect.json));
            if let Some(cause) = fault.unwrap_or_else(Some) {
                return Some(cause);
            }
        }
        self.schema.as_ref().and_then(|schema| schema.fault_of(body))
    }
}
