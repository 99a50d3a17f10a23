//! Reading answers: JSON and Prometheus' text, without losing a digit.
//!
//! Everything here is a stranger's: what it takes is linear in the answer's length, and never recursive.

mod json;
mod prometheus;
mod schema;

use serde_json::value::RawValue;
use terms::{Decimal, JsonCheck, MetricSource};

use super::cause::Cause;
pub(super) use schema::Schema;

/// A JSON document, checked to be one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json<'a>(&'a RawValue);

impl<'a> Json<'a> {
    /// Reads a body as JSON.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Cause> {
        serde_json::from_slice(body).map(Self).map_err(|_| Cause::NotJson)
    }

    /// Which of these conditions is the first that it does not meet, counted from 1.
    pub(super) fn fault_of(self, checks: &[JsonCheck]) -> Option<Cause> {
        let broken = checks.iter().position(|check| !json::meets(self.0, check))?;
        Some(Cause::Json(u8::try_from(broken + 1).unwrap_or(u8::MAX)))
    }
}

/// The number that an answer carries.
///
/// # Errors
/// When it carries none, several, or one that is no number of ours.
pub(super) fn reading(source: &MetricSource, body: &[u8]) -> Result<Decimal, Cause> {
    match source {
        MetricSource::Pointer(pointer) => {
            let found = json::at(Json::parse(body)?.0, pointer).ok_or(Cause::NoReading)?;
            json::number(found).ok_or(Cause::NotANumber)
        }
        MetricSource::Prometheus { name, labels } => prometheus::reading(body, name, labels),
    }
}
