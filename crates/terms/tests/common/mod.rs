//! The two golden documents, and ways to break them.

#![allow(dead_code, reason = "each test file uses its own part of these")]

use serde_json::Value;
use terms::{Agreement, DocumentError, Measurement};

pub const MEASUREMENT: &[u8] = include_bytes!("../golden/measurement-v1.json");
pub const AGREEMENT: &[u8] = include_bytes!("../golden/agreement-v1.json");

pub fn measurement() -> Measurement {
    Measurement::parse(MEASUREMENT).unwrap()
}

pub fn agreement() -> Agreement {
    Agreement::parse(AGREEMENT).unwrap()
}

/// A document as JSON, with the value at each pointer (RFC 6901) set; `null` takes the field away.
pub fn with(document: &[u8], changes: &[(&str, Value)]) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(document).unwrap();
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match document.pointer_mut(parent).unwrap() {
            Value::Object(fields) if value.is_null() => drop(fields.remove(key)),
            Value::Object(fields) => drop(fields.insert(key.to_owned(), value.clone())),
            list => list[key.parse::<usize>().unwrap()] = value.clone(),
        }
    }
    serde_json::to_vec(&document).unwrap()
}

/// What a measurement with these changes is refused for.
pub fn refused_measurement(changes: &[(&str, Value)]) -> DocumentError {
    Measurement::parse(&with(MEASUREMENT, changes)).expect_err("must be refused")
}

/// What an agreement with these changes is refused for.
pub fn refused_agreement(changes: &[(&str, Value)]) -> DocumentError {
    Agreement::parse(&with(AGREEMENT, changes)).expect_err("must be refused")
}

/// An agreement about a measurement with these changes, its event id made right.
pub fn agreement_about(changes: &[(&str, Value)]) -> Vec<u8> {
    let measurement = with(MEASUREMENT, changes);
    let event_id = Measurement::parse(&measurement).unwrap().event_id();
    let measurement = serde_json::from_slice(&measurement).unwrap();
    with(AGREEMENT, &[("/measurement", measurement), ("/event_id", event_id.to_string().into())])
}
